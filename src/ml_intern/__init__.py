"""ML Intern: an ML engineer that works from a terminal."""

__version__ = "0.1.0"
