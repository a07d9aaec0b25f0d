"""What the user says while a turn runs: on disk until it is in the history.

A row is deleted only once a checkpoint is known to hold its message, so one that a crash left
behind may have been delivered already; its id tells.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ml_intern.checkpoints.database import Database, Statement

_ADD = (
    "INSERT INTO inbox (session, number, id, text) VALUES (?, "
    "(SELECT coalesce(max(number), 0) + 1 FROM inbox WHERE session = ?), ?, ?)"
)
_DROP = "DELETE FROM inbox WHERE session = ? AND id = ?"


class Queued(NamedTuple):
    """A message that waits."""

    id: str
    text: str


class Inbox:
    """The inbox of one session; its one writer is whoever holds the session.

    Messages come and are taken back while a run delivers them, so that each goes one way only: what
    is claimed for delivery is not given back.
    """

    def __init__(self, database: Database, session_id: str) -> None:
        self._database = database
        self._session = session_id
        self._lock = asyncio.Lock()
        self._rows: list[Queued] | None = None
        """As they are stored; None: to be read."""
        self._claimed: set[str] = set()
        self._open = False

    async def open(self) -> bool:
        """A turn begins or goes on: from now on, messages are taken. Whether they were before."""
        async with self._lock:
            before, self._open = self._open, True
            return before

    async def close(self) -> None:
        """There is no turn that a message could be delivered to."""
        async with self._lock:
            self._open = False

    async def add(self, text: str) -> bool:
        """Queue a message; it is on disk when this returns. False: none is taken now."""
        async with self._lock:
            if self._open:
                row = (self._session, self._session, str(uuid.uuid4()), text)
                await self._write((_ADD, row))
            return self._open

    async def waiting(self) -> list[Queued]:
        """What is on its way to nobody yet, oldest first."""
        async with self._lock:
            return await self._free()

    async def claim(self) -> list[Queued]:
        """The same, to be delivered now; until `settle`, it is not given to anybody else."""
        async with self._lock:
            free = await self._free()
            self._claimed.update(queued.id for queued in free)
            return free

    async def claim_or_close(self) -> list[Queued]:
        """The same; if there is nothing, no message is taken any more."""
        async with self._lock:
            free = await self._free()
            self._claimed.update(queued.id for queued in free)
            self._open = bool(free)
            return free

    async def take_back(self) -> list[Queued]:
        """What is on its way to nobody, removed."""
        async with self._lock:
            free = await self._free()
            await self._drop([queued.id for queued in free])
            return free

    async def empty(self) -> bool:
        """Whether nothing is stored, delivered or not."""
        async with self._lock:
            return not await self._stored()

    async def settle(self, delivered: Collection[str], claimed: Collection[str] = ()) -> None:
        """Forget what was delivered. Of the rest, only these are still on their way."""
        async with self._lock:
            await self._drop([q.id for q in await self._stored() if q.id in delivered])
            self._claimed = set(claimed)

    async def _free(self) -> list[Queued]:
        return [queued for queued in await self._stored() if queued.id not in self._claimed]

    async def _stored(self) -> list[Queued]:
        if self._rows is None:
            query = "SELECT id, text FROM inbox WHERE session = ? ORDER BY number"
            rows = await self._database.fetch(query, self._session)
            self._rows = [Queued(*row) for row in rows]
        return self._rows

    async def _drop(self, ids: Sequence[str]) -> None:
        if ids:
            await self._write(*((_DROP, (self._session, id_)) for id_ in ids))

    async def _write(self, *statements: Statement) -> None:
        # Also where it is cancelled, or fails: what is stored then, only the database can tell.
        self._rows = None
        await self._database.write(*statements)
