"""The crash sweep: the real command, killed at every instant that matters."""
