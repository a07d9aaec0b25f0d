"""What calls with an effect were begun, and what became of them.

A row is committed before the effect and completed after it, in the same file as the checkpoints. A
checkpoint alone cannot tell, after a crash, whether the effect of the step it precedes took place.
"""

from __future__ import annotations

from dataclasses import dataclass

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

JOURNAL_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    session TEXT NOT NULL,
    call TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    ok INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (session, call)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A call that was begun before."""

    done: bool
    """False if nothing is known of its outcome."""
    ok: bool
    text: str
    """Its result, if it is done."""


class Journal:
    """The journal of one session."""

    def __init__(self, saver: AsyncSqliteSaver, session_id: str) -> None:
        # The saver's transactions run on the same connection; its lock keeps ours out of them.
        self._connection, self._lock = saver.conn, saver.lock
        self._session = session_id

    async def begin(self, call_id: str) -> Entry | None:
        """Note that a call is about to have its effect; what is known of it if it began before."""
        query = "SELECT done, ok, text FROM journal WHERE session = ? AND call = ?"
        async with self._lock:
            async with self._connection.execute(query, (self._session, call_id)) as cursor:
                row = await cursor.fetchone()
            if row is not None:
                return Entry(bool(row[0]), bool(row[1]), row[2])
            statement = "INSERT INTO journal (session, call) VALUES (?, ?)"
            await self._write(statement, self._session, call_id)
        return None

    async def end(self, call_id: str, ok: bool, text: str) -> None:
        """Note a call's result."""
        statement = "UPDATE journal SET done = 1, ok = ?, text = ? WHERE session = ? AND call = ?"
        async with self._lock:
            await self._write(statement, ok, text, self._session, call_id)

    async def clear(self) -> None:
        """Forget every call: all have their results in a checkpoint."""
        async with self._lock:
            await self._write("DELETE FROM journal WHERE session = ?", self._session)

    async def _write(self, statement: str, *values: str | bool) -> None:
        await self._connection.execute(statement, values)
        await self._connection.commit()
