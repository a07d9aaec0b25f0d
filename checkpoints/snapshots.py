"""The files of one session, followed run by run; the blocking work happens in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from ml_intern.checkpoints.timeline import Timeline
from ml_intern.checkpoints.workspace import Restored, Workspace


class Snapshots:
    """Begins a record when a run is about to change files, and closes it when the run stops.

    A record a run, not a turn: what the user changes while a turn waits for him is his.
    """

    def __init__(self, workspace: Workspace, timeline: Timeline) -> None:
        self.workspace = workspace
        self._timeline = timeline
        self._begun = 0
        self._said: set[str] = set()
        self._lock = asyncio.Lock()

    async def begin(self) -> None:
        """Remember the files as they are, once a run; returns when it is durable.

        Raises:
            WorkspaceError: they cannot be remembered.
        """
        async with self._lock:
            if not self._begun:
                span = await self._timeline.span()
                if span:
                    await asyncio.to_thread(self.workspace.begin, span)
                self._begun = span

    def keep(self, path: Path) -> None:
        """Remember one file before it is changed; blocks."""
        if self._begun:
            self.workspace.keep(path)

    async def end(self) -> str:
        """The run stopped: record what it changed. What to tell the user, if anything."""
        async with self._lock:
            if not self._begun:
                return ""
            report = await asyncio.to_thread(self.workspace.end, self._begun)
            self._begun = 0
        new = [line for line in report.not_covered if line not in self._said]
        self._said.update(new)
        return f"Undo will not bring back: {', '.join(new[:5])}." if new else ""

    async def forget(self, snapshots: Sequence[int]) -> None:
        """Drop records that nothing can go back to."""
        await asyncio.to_thread(self.workspace.forget, snapshots)
        await asyncio.to_thread(self.workspace.collect)

    async def adopt(self, session_id: str) -> None:
        """Take over the records of another session of the same folder."""
        await asyncio.to_thread(self.workspace.adopt, session_id)

    async def copy_to(self, folder: Path, without: Sequence[int]) -> None:
        """Write the files into an empty folder, as they were before these records."""
        await self.end()
        await asyncio.to_thread(self.workspace.copy_to, folder, without)

    async def recover(self) -> None:
        """Record what a run did that a crash cut off, before anybody changes more."""
        await asyncio.to_thread(self.workspace.recover)

    async def close(self) -> None:
        """Let go of the store."""
        await asyncio.to_thread(self.workspace.close)

    async def remove(self) -> None:
        """Forget the session."""
        await asyncio.to_thread(self.workspace.forget_session, self.workspace.session)
        await asyncio.to_thread(self.workspace.collect)

    async def restore(self, snapshots: Sequence[int], *, redo: bool) -> Restored:
        """Bring files back to where they were before these records, or after them."""
        await self.end()
        step = self.workspace.redo if redo else self.workspace.undo
        return await asyncio.to_thread(step, snapshots)
