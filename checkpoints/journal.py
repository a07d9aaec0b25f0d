"""What calls with an effect were begun, and what became of them.

A row is committed before the effect and completed after it, in the same database as the
checkpoints. A checkpoint alone cannot tell, after a crash, whether the effect of the step it
precedes took place.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from ml_intern.checkpoints.database import Database


@dataclass(frozen=True, slots=True)
class Entry:
    """A call that was begun before."""

    done: bool
    """False if nothing is known of its outcome."""
    ok: bool
    text: str
    """Its result, if it is done."""


class Journal:
    """The journal of one session; its one writer is whoever holds the session."""

    def __init__(self, database: Database, session_id: str) -> None:
        self._database = database
        self._session = session_id

    def key(self, call_id: str) -> str:
        """What the world may know a call by: the same in every process, of no other call."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"ml-intern {self._session} {call_id}"))

    async def find(self, call_id: str) -> Entry | None:
        """What is known of a call; None if it was never begun."""
        query = "SELECT done, ok, text FROM journal WHERE session = ? AND call = ?"
        rows = await self._database.fetch(query, self._session, call_id)
        return Entry(bool(rows[0][0]), bool(rows[0][1]), rows[0][2]) if rows else None

    async def begin(self, call_id: str) -> Entry | None:
        """Note that a call is about to have its effect; what is known of it if it began before."""
        if (earlier := await self.find(call_id)) is not None:
            return earlier
        statement = "INSERT INTO journal (session, call) VALUES (?, ?)"
        await self._database.write((statement, (self._session, call_id)))
        return None

    async def end(self, call_id: str, ok: bool, text: str) -> None:
        """Note a call's result."""
        statement = "UPDATE journal SET done = 1, ok = ?, text = ? WHERE session = ? AND call = ?"
        await self._database.write((statement, (int(ok), text, self._session, call_id)))

    async def clear(self) -> None:
        """Forget every call: all have their results in a checkpoint."""
        query = "SELECT 1 FROM journal WHERE session = ? LIMIT 1"
        if await self._database.fetch(query, self._session):
            statement = "DELETE FROM journal WHERE session = ?"
            await self._database.write((statement, (self._session,)))
