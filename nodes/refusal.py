"""A call that is answered instead of run: the result the model reads, and the event of it."""

from __future__ import annotations

from langchain_core.messages import ToolCall, ToolMessage

from ml_intern.graph.events import ToolOutput
from ml_intern.nodes.deps import Emit
from ml_intern.nodes.policies.marks import Mark, marking


def refusal(call: ToolCall, text: str, mark: Mark, emit: Emit) -> ToolMessage:
    """The result of a call that does not run; `mark` says whose doing that is."""
    call_id = call["id"] or ""
    emit(ToolOutput(tool=call["name"], tool_call_id=call_id, output=text, success=False))
    return ToolMessage(
        text,
        tool_call_id=call_id,
        name=call["name"],
        status="error",
        additional_kwargs=marking(mark),
    )
