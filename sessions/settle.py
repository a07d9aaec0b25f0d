"""Give up what a turn left open: the history is whole, nothing runs by surprise later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.messages import ToolCall, ToolMessage
from langgraph.graph import END

from ml_intern.checkpoints.journal import Journal
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.budget import with_killed
from ml_intern.nodes.effects import GUARDED, UNKNOWN, context_of, found
from ml_intern.nodes.policies.history import missing_result, pending_calls
from ml_intern.nodes.policies.marks import marking
from ml_intern.sessions.attachment import Attachment
from ml_intern.sessions.steering import settle_inbox
from ml_intern.tools.spec import ToolResult

NOT_APPROVED = "Not run: the user stopped the turn before this call was approved."
NOT_BEGUN = "Not run: the turn was stopped before this call began."

_ROUNDS = 5
"""Clearing a finished task's writes can bring up the node behind it; twice is the most seen."""
_PATIENCE = 30.0
"""Seconds the world is asked what became of a call that a crash cut off."""


async def settle(at: Attachment, *, stopped: bool = False) -> None:
    """Drop the open tasks of the newest checkpoint, keeping what finished ones wrote.

    Calls without a result get what the journal and the world know of them, if they were cut off by
    a crash; if they were `stopped` here and now, nobody is asked. Does nothing on a thread with no
    open work.
    """
    await give_up(at, at.deps.journal, stopped=stopped)
    await settle_inbox(at)
    if at.deps.journal:
        await at.deps.journal.clear()


async def give_up(at: Attachment, journal: Journal | None, *, stopped: bool = False) -> None:
    """The same with another session's journal, as a copy of it needs."""
    state = await at.snapshot()
    asked, dropped = bool(state.interrupts), bool(state.tasks)
    if dropped:
        await clear_tasks(at)
        state = await at.snapshot()
    values = cast(AgentState, state.values)
    calls = pending_calls(values.get("messages", []))
    if not (calls or dropped):
        return
    messages: list[ToolMessage] = []
    changes: dict[str, Any] = {}
    for call in calls:
        message, changed = await _outcome(call, at, journal, asked=asked, stopped=stopped)
        messages.append(message)
        changes |= changed
    turn = {**turn_of(values), "stop": "interrupted", "reason": ""}
    usage = await with_killed(values.get("usage", {}), journal)
    update = {**changes, "messages": messages, "turn": turn}
    if usage != values.get("usage", {}):
        update["usage"] = usage
    await at.graph.aupdate_state(at.config, update, as_node="llm")


async def clear_tasks(at: Attachment) -> None:
    """Make sure that nothing follows the newest checkpoint."""
    for _ in range(_ROUNDS):
        if not (await at.snapshot()).tasks:
            break
        await at.graph.aupdate_state(at.config, None, as_node=END)


async def _outcome(
    call: ToolCall, at: Attachment, journal: Journal | None, *, asked: bool, stopped: bool
) -> tuple[ToolMessage, Mapping[str, Any]]:
    """What is said of a call, and what its result changes besides."""
    entry = await journal.find(call["id"] or "") if journal else None
    if entry is not None and entry.done:
        return _message(call, entry.ok, entry.text), entry.changes
    if asked:
        return _not_run(call, NOT_APPROVED), {}
    if entry is None:
        guarded = journal and call["name"] in at.deps.tools and _guarded(call, at)
        return (_not_run(call, NOT_BEGUN) if guarded else missing_result(call)), {}
    if stopped:
        return missing_result(call), {}
    told = await found(call, context_of(call, at.deps, lambda _: None), at.deps, _PATIENCE)
    if told == "absent":
        return _not_run(call, NOT_BEGUN), {}
    result = told or ToolResult(text=UNKNOWN, ok=False)
    return _message(call, result.ok, result.text), result.update


def _guarded(call: ToolCall, at: Attachment) -> bool:
    return at.deps.tools[call["name"]].nature(call["args"]).effect in GUARDED


def _message(call: ToolCall, ok: bool, text: str) -> ToolMessage:
    status = "success" if ok else "error"
    return ToolMessage(text, tool_call_id=call["id"] or "", name=call["name"], status=status)


def _not_run(call: ToolCall, why: str) -> ToolMessage:
    result = missing_result(call)
    return result.model_copy(update={"content": why, "additional_kwargs": marking("denied")})
