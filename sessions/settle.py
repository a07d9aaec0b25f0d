"""Give up what a turn left open: the history is whole, nothing runs by surprise later."""

from __future__ import annotations

from typing import Any, cast

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END
from langgraph.graph.state import CompiledStateGraph

from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.policies.history import missing_result, pending_calls
from ml_intern.nodes.policies.marks import marking

NOT_RUN = "Not run: the user stopped the turn before this call was approved."

_ROUNDS = 5
"""Clearing a finished task's writes can bring up the node behind it; twice is the most seen."""


async def settle(graph: CompiledStateGraph[Any, Any, Any, Any], config: RunnableConfig) -> None:
    """Drop the open tasks of the newest checkpoint, keeping what finished ones wrote.

    Calls without a result get one that says so. Does nothing on a thread with no open work.
    """
    state = await graph.aget_state(config)
    asked = bool(state.interrupts)
    dropped = bool(state.tasks)
    for _ in range(_ROUNDS):
        if not state.tasks:
            break
        await graph.aupdate_state(config, None, as_node=END)
        state = await graph.aget_state(config)
    values = cast(AgentState, state.values)
    calls = pending_calls(values.get("messages", []))
    if calls or dropped:
        results = [missing_result(call) for call in calls]
        results = [_not_run(result) for result in results] if asked else results
        turn = {**turn_of(values), "stop": "interrupted", "reason": ""}
        update = {"messages": results, "turn": turn}
        await graph.aupdate_state(config, update, as_node="llm")


def _not_run(result: ToolMessage) -> ToolMessage:
    return result.model_copy(update={"content": NOT_RUN, "additional_kwargs": marking("denied")})
