"""What the model can call. One module a tool; `registry` is the one list."""
