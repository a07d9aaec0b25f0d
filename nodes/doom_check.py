"""`doom_check`: calls that would only repeat the tail of the history are answered, not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langgraph.runtime import Runtime

from ml_intern.graph.context import RunOptions
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.deps import emitter
from ml_intern.nodes.policies.doom import MAX_STRIKES, repetition, strikes
from ml_intern.nodes.policies.history import pending_calls
from ml_intern.nodes.refusal import refusal

_ADVICE = "Change the arguments, the tool or the approach, or tell the user what blocks you."


async def doom_check(state: AgentState, runtime: Runtime[RunOptions]) -> Mapping[str, Any]:
    """Answer calls that go in circles; give the turn up after `MAX_STRIKES` in a row."""
    calls = pending_calls(state["messages"])
    found = {call["id"]: why for call in calls if (why := repetition(state["messages"], call))}
    turn = turn_of(state)
    if found and strikes(state["messages"]) + 1 >= MAX_STRIKES:
        turn["stop"] = "stuck"
        turn["reason"] = f"The model repeats itself: {next(iter(found.values()))}."
        found = {call["id"]: found.get(call["id"], "the turn ends") for call in calls}
    answered = [(call, found[call["id"]]) for call in calls if call["id"] in found]
    emit = emitter(runtime)
    answers = [refusal(c, f"Not run: {why}. {_ADVICE}", "doom", emit) for c, why in answered]
    return {"turn": turn, "messages": answers}
