"""The terminal: nothing imports it."""
