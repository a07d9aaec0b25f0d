"""Shipping a model to the Hub: looked at whole, then done in one commit."""
