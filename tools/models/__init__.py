"""`hf_models`: find models on the Hub, learn what one is, and what memory it takes."""
