"""Provider knowledge, used by nodes and tools."""
