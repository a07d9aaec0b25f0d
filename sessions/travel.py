"""Undo and redo: the chat and the files go back, or forth, together.

A move is noted before it begins and completed after a crash: each of its steps may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, RemoveMessage, ToolCall, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from ml_intern.checkpoints.timeline import Move, TurnRecord, plan_redo, plan_undo
from ml_intern.checkpoints.workspace import Restored
from ml_intern.graph.events import UndoComplete
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.deps import Deps
from ml_intern.nodes.effects import GUARDED
from ml_intern.nodes.policies.marks import mark_of
from ml_intern.nodes.policies.rules import text_of
from ml_intern.sessions.attachment import Attachment, MissingCheckpointError
from ml_intern.sessions.settle import clear_tasks, settle
from ml_intern.tools.spec import Risk, ToolSpec

_LISTED = 20
_RISKY = ("edit", "execute")
_UNSEEN = "files: they were not remembered in these turns"

Planner = Callable[[Sequence[TurnRecord], int, str], Move | None]


async def undo(at: Attachment, count: int) -> UndoComplete | None:
    """Take back the newest `count` turns; None if there is none."""
    return await _travel(at, plan_undo, count)


async def redo(at: Attachment, count: int) -> UndoComplete | None:
    """Bring back the turns undone last; None if there is none."""
    return await _travel(at, plan_redo, count)


async def complete(at: Attachment) -> UndoComplete | None:
    """Complete the move that a crash or an error cut off; None if none was."""
    move = await at.timeline.pending()
    return await _carry_out(move, at) if move else None


async def _travel(at: Attachment, planned: Planner, count: int) -> UndoComplete | None:
    # Looked for first: where there is nothing to move, an open question stays open.
    if planned(await at.timeline.turns(), count, await at.head()) is None:
        return None
    await settle(at)
    move = planned(await at.timeline.turns(), count, await at.head())
    assert move is not None
    await at.timeline.intend(move)
    return await _carry_out(move, at)


async def _carry_out(move: Move, at: Attachment) -> UndoComplete:
    try:
        before, after = await at.at(move.head), await at.at(move.target)
    except MissingCheckpointError:
        # Nothing was moved, and nothing ever will be.
        await at.timeline.abandon()
        raise
    restored = await _restore_files(move, at.deps)
    await set_values(at, after)
    await at.timeline.finish(move)
    await at.end_run("finished")
    removed, kept = (before, after) if move.kind == "undo" else (after, before)
    calls = _between(removed.get("messages", []), kept.get("messages", []), at.deps)
    unseen = (
        [_UNSEEN] if not move.snapshots and any(_risk(call) in _RISKY for call in calls) else []
    )
    return UndoComplete(
        turns=len(move.numbers),
        redo=move.kind == "redo",
        restored=[str(path) for path in restored.restored],
        conflicts=[str(path) for path in restored.conflicts],
        not_covered=[*restored.not_covered, *unseen],
        elsewhere=_elsewhere(calls),
    )


async def _restore_files(move: Move, deps: Deps) -> Restored:
    # What the agent saw of a file may no longer be what is there.
    deps.seen.clear()
    if deps.snapshots is None or not move.snapshots:
        return Restored(not_covered=(_UNSEEN,) if move.snapshots else ())
    return await deps.snapshots.restore(move.snapshots, redo=move.kind == "redo")


async def set_values(at: Attachment, values: AgentState) -> None:
    """Make older values the newest. What was spent stays spent."""
    update = {
        "messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *values.get("messages", [])],
        "plan": values.get("plan", []),
        "turn": turn_of(values),
        "edits": {},
        "shown": {},
        "compact": False,
    }
    await at.graph.aupdate_state(at.config, update, as_node="llm")
    await clear_tasks(at)


def _between(
    removed: Sequence[AnyMessage], kept: Sequence[AnyMessage], deps: Deps
) -> list[tuple[ToolCall, ToolSpec[Any]]]:
    """The calls in `removed` that ran and are not in `kept`, with their tools."""
    known = {message.id for message in kept}
    results = (message for message in removed if isinstance(message, ToolMessage))
    ran = {result.tool_call_id for result in results if mark_of(result) is None}
    return [
        (call, spec)
        for message in removed
        if isinstance(message, AIMessage) and message.id not in known
        for call in message.tool_calls
        if call["id"] in ran and (spec := deps.tools.get(call["name"]))
    ]


def _elsewhere(calls: Sequence[tuple[ToolCall, ToolSpec[Any]]]) -> list[str]:
    """The calls that may have had effects besides those on files."""
    texts = [
        f"{call['name']} {_brief(call, spec)}".strip()
        for call, spec in calls
        if spec.nature(call["args"]).effect in GUARDED or _risk((call, spec)) == "publish"
    ]
    more = len(texts) - _LISTED
    return texts if more <= 0 else [*texts[:_LISTED], f"… and {more} more"]


def _risk(made: tuple[ToolCall, ToolSpec[Any]]) -> Risk:
    call, spec = made
    return spec.nature(call["args"]).risk


def _brief(call: ToolCall, spec: ToolSpec[Any]) -> str:
    first = next((str(value) for value in call["args"].values()), "")
    if spec.subject == "repository":
        first = text_of(call, spec)
    line = " ".join(first.split())
    return line if len(line) <= 80 else f"{line[:80]}…"
