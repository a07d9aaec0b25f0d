"""`read`, `write` and `edit`, and what they share about files."""
