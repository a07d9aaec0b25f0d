"""One writer a session in PostgreSQL: an advisory lock, which the server frees with the connection.

The server knows who holds it by the name the connection goes by (`application_name`).
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b

import psycopg

from ml_intern.checkpoints.lock import Holder, ourselves, refusal
from ml_intern.checkpoints.postgres_saver import PostgresSaver

_PATIENCE, _PAUSE = 0.2, 0.05
"""Seconds: the server takes a moment to notice that a holder was killed."""
_HOLDER = """SELECT activity.application_name, activity.backend_start
    FROM pg_locks AS held JOIN pg_stat_activity AS activity ON activity.pid = held.pid
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND held.classid = %s::bigint::oid AND held.objid = %s::bigint::oid"""


def own_name() -> str:
    """What our connection is called; PostgreSQL cuts it after 63 bytes."""
    return f"ml-intern {os.getpid()}@{socket.gethostname()}"


class AdvisoryLock:
    """Like `FileLock`, of one connection."""

    def __init__(self, saver: PostgresSaver, name: str, ours: set[str]) -> None:
        """`ours` are the names this connection holds: the server would let it in twice."""
        self._saver = saver
        self._name = name
        self._ours = ours
        self._taken = False

    async def take(self, patience: float = _PATIENCE) -> None:
        """Become the holder, within `patience` seconds.

        Raises:
            InUseError: someone else is.
        """
        if self._name in self._ours:
            raise refusal(self._name, ourselves())
        until = time.monotonic() + patience
        while not await self._try():
            if time.monotonic() > until:
                raise refusal(self._name, await holder(self._saver, self._name))
            await asyncio.sleep(_PAUSE)

    async def release(self) -> None:
        """Let go, if we are the holder; with a lost connection, the lock is gone already."""
        if self._taken:
            self._ours.discard(self._name)
            self._taken = False
            with suppress(psycopg.Error):
                await self._saver.rows("SELECT pg_advisory_unlock(%s)", (_key(self._name),))

    async def _try(self) -> bool:
        rows = await self._saver.rows("SELECT pg_try_advisory_lock(%s)", (_key(self._name),))
        self._taken = bool(rows[0][0])
        if self._taken:
            self._ours.add(self._name)
        return self._taken


async def holder(saver: PostgresSaver, name: str) -> Holder | None:
    """Who holds a lock; None for nobody. Counts from when its connection was made."""
    number = _key(name) % 2**64
    rows = await saver.rows(_HOLDER, (number >> 32, number % 2**32))
    return _holder(*rows[0]) if rows else None


def _holder(application: str, since: datetime) -> Holder | None:
    found = re.fullmatch(r"ml-intern (\d+)@(.*)", application)
    return Holder(int(found[1]), found[2], since.astimezone().isoformat()) if found else None


def _key(name: str) -> int:
    """The number that stands for a name: 64 bits, signed."""
    digest = blake2b(name.encode(), digest_size=8, person=b"ml-intern").digest()
    return int.from_bytes(digest, "big", signed=True)
