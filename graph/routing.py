"""The conditional edges: pure functions of the state.

Every way to the model leads through `compaction`: one door, where the window and the limits hold.
"""

from __future__ import annotations

from typing import Final, Literal

from langgraph.runtime import Runtime
from langgraph.types import Send

from ml_intern.graph.context import RunOptions
from ml_intern.graph.state import AgentState, ToolTask, turn_of
from ml_intern.nodes.policies.history import owes_reply, pending_calls, starts_turn

END: Final = "__end__"
"""LangGraph's name of the end, spelt out so that it can stand in a `Literal`."""


def after_compaction(
    state: AgentState, runtime: Runtime[RunOptions], *, max_iterations: int
) -> Literal["llm", "__end__"]:
    """On to the model, unless nothing is asked of it or the turn has used up its calls.

    Nor where the history would not fit: compaction could not do what was to be done.
    """
    if state.get("compact"):
        return END
    options = runtime.context or RunOptions()
    limit = max_iterations if options.max_iterations is None else options.max_iterations
    return "llm" if owes_reply(state["messages"]) and not exhausted(state, limit) else END


def exhausted(state: AgentState, limit: int) -> bool:
    """Whether the turn has made `limit` model calls; -1 is no limit."""
    turn = turn_of(state)
    used = 0 if starts_turn(state["messages"], turn["message"]) else turn["iterations"]
    return limit != -1 and used >= limit


def after_llm(state: AgentState) -> Literal["doom_check", "compaction", "__end__"]:
    """Calls are checked; a hint or an overflow goes round again; anything else is the answer."""
    if turn_of(state)["stop"]:
        return END
    if pending_calls(state["messages"]):
        return "doom_check"
    return "compaction" if state.get("compact") or owes_reply(state["messages"]) else END


def after_doom_check(state: AgentState) -> Literal["approval", "compaction", "__end__"]:
    """What is left of the calls needs a verdict."""
    if turn_of(state)["stop"]:
        return END
    return "approval" if pending_calls(state["messages"]) else "compaction"


def after_approval(state: AgentState) -> list[Send] | Literal["compaction", "__end__"]:
    """One task a call that may run; back to the model if there is none."""
    if turn_of(state)["stop"]:
        return END
    edits, shown = state.get("edits", {}), state.get("shown", {})
    sends = []
    for call in pending_calls(state["messages"]):
        args = edits.get(call["id"] or "")
        task = ToolTask(call={**call, "args": call["args"] if args is None else args},
                        edited=args is not None)  # fmt: skip
        if call["id"] in shown:
            task["shown"] = shown[call["id"]]
        sends.append(Send("tool_execute", task))
    return sends or "compaction"
