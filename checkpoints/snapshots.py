"""The files of one session, followed call by call; the blocking work happens in threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from ml_intern.checkpoints.settled import settled
from ml_intern.checkpoints.timeline import Timeline
from ml_intern.checkpoints.workspace import Report, Restored, Workspace, WorkspaceError

T = TypeVar("T")


class Snapshots:
    """Looks at the files before calls that may change them, and after.

    Not from a turn's begin to its end: what the user changes while the model thinks, or while a
    question waits for him, is his.
    """

    def __init__(self, workspace: Workspace, timeline: Timeline) -> None:
        self.workspace = workspace
        self._timeline = timeline
        self._record = 0
        """Number of the open record; 0 if there is none."""
        self._calls = 0
        self._lock = asyncio.Lock()
        self._news: list[str] = []
        self._said: set[str] = set()

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """While a call runs that may change files; calls at the same time share a record.

        Raises:
            WorkspaceError: the files cannot be remembered. Nothing is raised when they were.
        """
        async with self._lock:
            if not self._calls:
                await self._begin()
            self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                await self._end()

    async def _begin(self) -> None:
        number = await self._timeline.span()
        if number:
            self._record = number
            try:
                await self._work(partial(self.workspace.begin, number))
            except WorkspaceError:
                self._record = 0
                raise

    async def _end(self) -> None:
        """Record what was changed. Where that fails the call has its result all the same."""
        number, self._record = self._record, 0
        if not number:
            return
        try:
            report: Report = await self._work(partial(self.workspace.end, number))
        except WorkspaceError as error:
            self._news.append(f"Undo will not bring back what was just changed: {error}")
            return
        new = [line for line in report.not_covered if line not in self._said]
        self._said.update(new)
        if new:
            self._news.append(f"Undo will not bring back: {', '.join(new[:5])}.")

    def news(self) -> list[str]:
        """What to tell the user since it was last asked for."""
        news, self._news = self._news, []
        return news

    def keep(self, path: Path) -> None:
        """Remember one file before it is changed; blocks."""
        if self._record:
            self.workspace.keep(path)

    async def forget(self, records: Sequence[int]) -> None:
        """Drop records that nothing can go back to."""
        await self._work(partial(self.workspace.forget, records))
        await self._work(self.workspace.collect)

    async def adopt(self, session_id: str, records: Sequence[int], root: Path) -> None:
        """Take over records of another session, which works in the folder `root`."""
        await self._work(partial(self.workspace.adopt, session_id, records, root))

    async def copy_to(self, folder: Path, without: Sequence[int]) -> Report:
        """Write the files into an empty folder, as they were before these records."""
        report: Report = await self._work(partial(self.workspace.copy_to, folder, without))
        return report

    async def recover(self) -> None:
        """End the record that a crash left open, before anybody changes more."""
        await self._work(self.workspace.recover)

    async def restore(self, records: Sequence[int], *, redo: bool) -> Restored:
        """Bring files back to where they were before these records, or after them."""
        step = self.workspace.redo if redo else self.workspace.undo
        restored: Restored = await self._work(partial(step, records))
        return restored

    async def close(self) -> None:
        """Let go of the store."""
        await self._work(self.workspace.close)

    async def remove(self) -> None:
        """Forget the session."""
        await self._work(partial(self.workspace.forget_session, self.workspace.session))
        await self._work(self.workspace.collect)

    async def _work(self, work: Callable[[], T]) -> T:
        """To its end, in a thread; cancelled, it does not wait for other processes any more."""
        self.workspace.hurry(False)
        return await settled(asyncio.to_thread(work), partial(self.workspace.hurry, True))
