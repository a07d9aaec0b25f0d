"""Undo and redo: the chat and the files go back, or forth, together.

A move is noted before it begins and completed after a crash: each of its steps may be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, RemoveMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from ml_intern.checkpoints.timeline import Move, plan_redo, plan_undo, read_move
from ml_intern.checkpoints.workspace import Restored
from ml_intern.graph.events import UndoComplete
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.deps import Deps
from ml_intern.sessions.attachment import Attachment
from ml_intern.sessions.settle import clear_tasks, settle

_LISTED = 20


async def undo(at: Attachment, count: int) -> UndoComplete | None:
    """Take back the newest `count` turns; None if there is none."""
    await settle(at)
    move = plan_undo(await at.timeline.turns(), count, await at.head())
    return await _make(move, at) if move else None


async def redo(at: Attachment, count: int) -> UndoComplete | None:
    """Bring back the turns undone last; None if there is none."""
    await settle(at)
    move = plan_redo(await at.timeline.turns(), count, await at.head())
    return await _make(move, at) if move else None


async def complete(at: Attachment) -> UndoComplete | None:
    """Complete the move that a crash cut off; None if none was."""
    move = read_move(at.thread.move)
    return await _carry_out(move, at) if move else None


async def _make(move: Move, at: Attachment) -> UndoComplete:
    await at.timeline.intend(move)
    return await _carry_out(move, at)


async def _carry_out(move: Move, at: Attachment) -> UndoComplete:
    before, after = await at.at(move.head), await at.at(move.target)
    restored = await _restore_files(move, at.deps)
    await set_values(at, after)
    await at.timeline.finish(move)
    await at.end_run("finished")
    removed, kept = (before, after) if move.kind == "undo" else (after, before)
    return UndoComplete(
        turns=len(move.numbers),
        redo=move.kind == "redo",
        restored=[str(path) for path in restored.restored],
        conflicts=[str(path) for path in restored.conflicts],
        not_covered=list(restored.not_covered),
        elsewhere=_elsewhere(removed.get("messages", []), kept.get("messages", []), at.deps),
    )


async def _restore_files(move: Move, deps: Deps) -> Restored:
    # What the agent saw of a file may no longer be what is there.
    deps.seen.clear()
    if deps.snapshots is None:
        return Restored()
    return await deps.snapshots.restore(move.snapshots, redo=move.kind == "redo")


async def set_values(at: Attachment, values: AgentState) -> None:
    """Make older values the newest. What was spent stays spent."""
    update = {
        "messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *values.get("messages", [])],
        "plan": values.get("plan", []),
        "turn": turn_of(values),
        "edits": {},
        "compact": False,
    }
    await at.graph.aupdate_state(at.config, update, as_node="llm")
    await clear_tasks(at)


def _elsewhere(removed: Sequence[AnyMessage], kept: Sequence[AnyMessage], deps: Deps) -> list[str]:
    """The calls in `removed` that may have had effects besides those on files."""
    known = {message.id for message in kept}
    calls = [
        call
        for message in removed
        if isinstance(message, AIMessage) and message.id not in known
        for call in message.tool_calls
        if (spec := deps.tools.get(call["name"])) and spec.effect in ("opaque", "reconcilable")
    ]
    texts = [f"{call['name']} {_brief(call['args'])}".strip() for call in calls]
    more = len(texts) - _LISTED
    return texts if more <= 0 else [*texts[:_LISTED], f"… and {more} more"]


def _brief(args: dict[str, object]) -> str:
    first = next((str(value) for value in args.values()), "")
    line = " ".join(first.split())
    return line if len(line) <= 80 else f"{line[:80]}…"
