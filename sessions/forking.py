"""Copies of sessions: with the same files, or with copies of them in another folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ml_intern.checkpoints.archive import Archive
from ml_intern.checkpoints.database import Database
from ml_intern.checkpoints.threads import Thread
from ml_intern.checkpoints.timeline import TurnRecord
from ml_intern.configs.errors import ConfigError
from ml_intern.configs.prompts import system_prompt
from ml_intern.sessions import operations as op
from ml_intern.sessions.attaching import Attacher, new_thread
from ml_intern.sessions.attachment import Attachment
from ml_intern.sessions.settle import give_up
from ml_intern.sessions.travel import set_values

Copier = Callable[[Attachment, op.Fork, Callable[[str], None]], Awaitable[Attachment]]
"""Copies a thread that is held; its last argument is told what the user should know."""


def copier(database: Database, attacher: Attacher) -> Copier:
    """What copies the threads of a database."""

    async def copy(source: Attachment, fork: op.Fork, said: Callable[[str], None]) -> Attachment:
        kept, left_out = _split(await source.timeline.turns(), fork.without)
        (original,) = await source.threads.find(source.id) or [source.thread]
        thread = await _new(source, original, fork)
        if fork.folder and (lines := await _copy_files(source, fork.folder, left_out)):
            said(f"Not copied: {', '.join(lines)}.")
        made = await attacher.attach(thread, source.options, resumed=True)
        await database.saver.acopy_thread(source.id, made.id)
        await Archive(database, source.id).copy_to(made.id)
        # Before it can be found: what runs in the original must not run in the copy as well.
        await give_up(made, source.deps.journal, stopped=True)
        if left_out:
            await set_values(made, await made.at(left_out[0].before))
        await made.threads.record(made.thread)
        await _take_over(made, source, kept, original.turns - len(left_out))
        return made

    return copy


def _split(turns: list[TurnRecord], without: int) -> tuple[list[TurnRecord], list[TurnRecord]]:
    """The turns that hold, and the newest of them, which a copy leaves out.

    Raises:
        ConfigError: there are not so many.
    """
    held = [turn for turn in turns if not turn.undone]
    if without > len(held):
        raise ConfigError(f"Only the last {len(held)} turns can be left out, not {without}.")
    return (held[:-without], held[-without:]) if without else (held, [])


async def _new(source: Attachment, original: Thread, fork: op.Fork) -> Thread:
    if fork.folder is None:
        thread = new_thread(original.cwd, original.system_prompt)
    else:
        if source.deps.snapshots is None:
            raise ConfigError("The files cannot be copied: `snapshots` is off.")
        prompt = await asyncio.to_thread(system_prompt, fork.folder)
        thread = new_thread(str(fork.folder), prompt)
    return replace(thread, title=original.title)


async def _copy_files(
    source: Attachment, folder: Path, left_out: list[TurnRecord]
) -> Sequence[str]:
    """Copy the files; what was not.

    Raises:
        WorkspaceError: the folder cannot be used.
    """
    assert source.deps.snapshots is not None
    undone = [number for turn in left_out for number in turn.snapshots]
    return (await source.deps.snapshots.copy_to(folder, undone)).not_covered


async def _take_over(
    made: Attachment, source: Attachment, kept: list[TurnRecord], count: int
) -> None:
    """The turns that the copy can undo, too."""
    await made.timeline.adopt(kept, count)
    if made.deps.snapshots:
        records = [number for turn in kept for number in turn.snapshots]
        await made.deps.snapshots.adopt(source.id, records, source.deps.cwd)
    await made.end_run("finished")
