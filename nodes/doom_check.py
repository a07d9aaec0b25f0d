"""`doom_check`: calls that would only repeat the tail of the history are answered, not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import ToolCall as Call
from langchain_core.messages import ToolMessage
from langgraph.runtime import Runtime

from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import ToolOutput
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.deps import emitter
from ml_intern.nodes.policies.doom import MAX_MISTAKES, MAX_STRIKES, mistakes, repetition
from ml_intern.nodes.policies.history import pending_calls
from ml_intern.nodes.policies.marks import marking

_ADVICE = "Change the arguments, the tool or the approach, or tell the user what blocks you."


async def doom_check(state: AgentState, runtime: Runtime[RunOptions]) -> Mapping[str, Any]:
    """Answer calls that go in circles; give the turn up after `MAX_STRIKES` in a row."""
    calls = pending_calls(state["messages"])
    found = {call["id"]: why for call in calls if (why := repetition(state["messages"], call))}
    turn = turn_of(state)
    if mistakes(state["messages"]) >= MAX_MISTAKES:
        turn["stop"], turn["reason"] = "stuck", "The model keeps sending calls that cannot be run."
        answers = [_answer(call, "the turn ends", runtime) for call in calls]
        return {"turn": turn, "messages": answers}
    turn["strikes"] = turn["strikes"] + 1 if found else 0
    if turn["strikes"] < MAX_STRIKES:
        calls = [call for call in calls if call["id"] in found]
    else:
        turn["stop"] = "stuck"
        turn["reason"] = f"The model repeats itself: {next(iter(found.values()))}."
    answers = [_answer(call, found.get(call["id"], "the turn ends"), runtime) for call in calls]
    return {"turn": turn, "messages": answers}


def _answer(call: Call, why: str, runtime: Runtime[RunOptions]) -> ToolMessage:
    text = f"Not run: {why}. {_ADVICE}"
    call_id = call["id"] or ""
    event = ToolOutput(tool=call["name"], tool_call_id=call_id, output=text, success=False)
    emitter(runtime)(event)
    return ToolMessage(
        text, tool_call_id=call_id, name=call["name"], status="error",
        additional_kwargs=marking("doom"),
    )  # fmt: skip
