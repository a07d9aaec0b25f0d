"""What calls were begun, and what became of them.

For a call with an effect a row is committed before it and completed after it, in the same database
as the checkpoints: a checkpoint alone cannot tell, after a crash, whether the effect of the step it
precedes took place. Of any other call only the result is noted, so that none that was shown is
forgotten.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_intern.checkpoints.database import Database

MODEL_CALL = "model call "
"""What the rows of model calls begin with; no tool call's id has a blank in it."""

_BEGIN = "INSERT INTO journal (session, call) VALUES (?, ?)"
_RESERVE = """
INSERT INTO journal (session, call, text) VALUES (?, ?, ?)
ON CONFLICT (session, call) DO UPDATE SET text = excluded.text
""".strip()
_END = """
INSERT INTO journal (session, call, done, ok, text, changes) VALUES (?, ?, 1, ?, ?, ?)
ON CONFLICT (session, call) DO UPDATE SET
    done = 1, ok = excluded.ok, text = excluded.text, changes = excluded.changes
""".strip()


@dataclass(frozen=True, slots=True)
class Entry:
    """A call that was begun before."""

    done: bool
    """False if nothing is known of its outcome."""
    ok: bool = False
    text: str = ""
    """Its result, if it is done."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What the result changes in the graph's state besides its message."""


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
        query = "SELECT done, ok, text, changes FROM journal WHERE session = ? AND call = ?"
        rows = await self._database.fetch(query, self._session, call_id)
        if not rows:
            return None
        done, ok, text, changes = rows[0]
        return Entry(bool(done), bool(ok), text, json.loads(changes))

    async def begin(self, call_id: str) -> Entry | None:
        """Note that a call is about to have its effect; what is known of it if it began before."""
        if (earlier := await self.find(call_id)) is not None:
            return earlier
        await self._database.write((_BEGIN, (self._session, call_id)))
        return None

    async def end(
        self, call_id: str, ok: bool, text: str, changes: Mapping[str, Any] | None = None
    ) -> None:
        """Note a call's result."""
        stored = json.dumps(dict(changes or {}))
        await self._database.write((_END, (self._session, call_id, int(ok), text, stored)))

    async def reserve(self, call: str, dollars: float) -> None:
        """Note what a model call can cost, before it is made."""
        row = (self._session, MODEL_CALL + call, repr(dollars))
        await self._database.write((_RESERVE, row))

    async def reserved(self, call: str) -> float:
        """Dollars noted for a model call; 0 if it was not begun."""
        entry = await self.find(MODEL_CALL + call)
        return float(entry.text) if entry and not entry.done and entry.text else 0.0

    async def clear(self) -> None:
        """Forget every call: all have their results in a checkpoint."""
        query = "SELECT 1 FROM journal WHERE session = ? LIMIT 1"
        if await self._database.fetch(query, self._session):
            statement = "DELETE FROM journal WHERE session = ?"
            await self._database.write((statement, (self._session,)))
