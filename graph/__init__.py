"""Contracts at the bottom (state, context, events), wiring at the top. Imports nothing."""
