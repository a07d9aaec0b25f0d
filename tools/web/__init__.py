"""HTTP as the tools use it."""
