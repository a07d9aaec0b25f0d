"""Give up what a turn left open: the history is whole, nothing runs by surprise later."""

from __future__ import annotations

from langchain_core.messages import ToolCall, ToolMessage
from langgraph.graph import END

from ml_intern.checkpoints.journal import Journal
from ml_intern.graph.state import turn_of
from ml_intern.nodes.policies.history import missing_result, pending_calls
from ml_intern.nodes.policies.marks import marking
from ml_intern.sessions.attachment import Attachment

NOT_APPROVED = "Not run: the user stopped the turn before this call was approved."
NOT_BEGUN = "Not run: the turn was stopped before this call began."

_ROUNDS = 5
"""Clearing a finished task's writes can bring up the node behind it; twice is the most seen."""


async def settle(at: Attachment) -> None:
    """Drop the open tasks of the newest checkpoint, keeping what finished ones wrote.

    Calls without a result get what the journal knows of them. Does nothing on a thread with no
    open work.
    """
    await give_up(at, at.deps.journal)
    if at.deps.journal:
        await at.deps.journal.clear()


async def give_up(at: Attachment, journal: Journal | None) -> None:
    """The same with another session's journal, as a copy of it needs."""
    state = await at.snapshot()
    asked, dropped = bool(state.interrupts), bool(state.tasks)
    await clear_tasks(at)
    values = await at.state()
    calls = pending_calls(values.get("messages", []))
    if calls or dropped:
        results = [_not_run(call, NOT_APPROVED) if asked else await _result(call, at, journal)
                   for call in calls]  # fmt: skip
        turn = {**turn_of(values), "stop": "interrupted", "reason": ""}
        update = {"messages": results, "turn": turn}
        await at.graph.aupdate_state(at.config, update, as_node="llm")


async def clear_tasks(at: Attachment) -> None:
    """Make sure that nothing follows the newest checkpoint."""
    for _ in range(_ROUNDS):
        if not (await at.snapshot()).tasks:
            break
        await at.graph.aupdate_state(at.config, None, as_node=END)


async def _result(call: ToolCall, at: Attachment, journal: Journal | None) -> ToolMessage:
    """What became of a call whose turn was stopped."""
    entry = await journal.find(call["id"] or "") if journal else None
    if entry is not None and entry.done:
        status = "success" if entry.ok else "error"
        return ToolMessage(
            entry.text, tool_call_id=call["id"] or "", name=call["name"], status=status
        )
    spec = at.deps.tools.get(call["name"])
    journaled = journal and spec and spec.effect in ("opaque", "reconcilable")
    if entry is None and journaled:
        return _not_run(call, NOT_BEGUN)
    return missing_result(call)


def _not_run(call: ToolCall, why: str) -> ToolMessage:
    result = missing_result(call)
    return result.model_copy(update={"content": why, "additional_kwargs": marking("denied")})
