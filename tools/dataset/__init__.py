"""`hf_inspect_dataset`: what a dataset of the Hub holds, and what can be trained on it."""
