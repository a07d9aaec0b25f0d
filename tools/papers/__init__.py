"""Papers: found on the Hub and at Semantic Scholar, read in full from arXiv."""
