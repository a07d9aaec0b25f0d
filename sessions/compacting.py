"""Compaction that the user asks for: it shortens the history and does not go on with the turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from ml_intern.graph.events import Compacted, Error, Event, Interrupted, Notice, Status
from ml_intern.sessions.attachment import Attachment
from ml_intern.sessions.outcome import standing, turn_complete
from ml_intern.sessions.runner import Runner
from ml_intern.sessions.settle import clear_tasks, settle

NODE = "compaction"


async def compact(at: Attachment, runner: Runner) -> AsyncIterator[Event]:
    """The events of a compaction; the last one says how it ended, also where nothing was done."""
    if (await at.snapshot()).interrupts:
        yield Error(error="A call waits for your answer. Answer it or stop the turn, then compact.")
        return
    await settle(at)
    status: Status = "done"
    if len((await at.state()).get("messages", [])) < 2:
        yield Notice(message="There is nothing to compact yet.")
    else:
        await at.go_another_way()
        last: Event | None = None
        async for event in _shorten(at, runner):
            last = event
            yield event
        status = _status(last)
    yield replace(turn_complete(await at.state()), status=status, final_response=None)


async def _shorten(at: Attachment, runner: Runner) -> AsyncIterator[Event]:
    """Run the one node. A turn that owes an answer would otherwise be gone on with."""
    await at.threads.note(at.id, "running")
    said = False
    async for event in runner.run(at.graph, {"compact": True}, at.config, at.options, until=NODE):
        said = said or isinstance(event, Compacted | Error | Interrupted)
        yield event
    await _rest(at)
    await at.end_run(standing(turn_complete(await at.state())))
    if not said:
        yield Notice(message="There was nothing to shorten.")


async def _rest(at: Attachment) -> None:
    """Nothing follows by itself; what failed is not tried again with the next message."""
    await clear_tasks(at)
    if (await at.state()).get("compact"):
        await at.graph.aupdate_state(at.config, {"compact": False}, as_node="llm")
        await clear_tasks(at)


def _status(last: Event | None) -> Status:
    match last:
        case Error():
            return "failed"
        case Interrupted():
            return "interrupted"
        case _:
            return "done"
