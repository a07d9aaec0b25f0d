"""Pure decisions: no LangGraph, no I/O, no clock."""
