"""Settings, paths, secrets and prompts: the base layer."""
