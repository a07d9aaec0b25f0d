"""The messages that compactions took out of the history, or shortened: for `recall` and exports.

Checkpoints of old turns are pruned, and walking through them is slow; these rows stay as long as
the session. A batch is what one compaction changed. Which batches belong to a history is noted in
that history (`nodes/policies/archived.py`), so undo and redo need nothing here: a batch that no
history names is never looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from langchain_core.messages import AnyMessage

from ml_intern.checkpoints.database import Database, Row, Statement, StorageError
from ml_intern.checkpoints.newest import newest_messages
from ml_intern.checkpoints.wording import HUMAN, from_json, searched, to_json

_COLUMNS = "session, batch, position, id, text, message"
_ONCE = "ON CONFLICT (session, batch, position) DO NOTHING"
_COPY = f"""INSERT INTO archive ({_COLUMNS})
    SELECT ?, batch, position, id, text, message FROM archive WHERE session = ? {_ONCE}"""
_TOGETHER = 50
"""Rows of one statement: over a network, each statement takes a round trip."""


class Place(NamedTuple):
    """Where an archived message stands."""

    batch: str
    position: int


class Archive:
    """What was archived of one session; its one writer is whoever holds the session."""

    def __init__(self, database: Database, session_id: str) -> None:
        self._database = database
        self._session = session_id

    async def current(self) -> list[AnyMessage]:
        """The live history, as the newest checkpoint has it."""
        return await newest_messages(self._database.saver, self._session)

    async def keep(self, batch: str, messages: Sequence[AnyMessage]) -> None:
        """Store a batch; one that is stored stays as it is."""
        statements = await asyncio.to_thread(_inserts, self._session, batch, messages)
        if statements:
            await self._database.write(*statements)

    async def copy_to(self, session_id: str) -> None:
        """Give another session all that is here."""
        await self._database.write((_COPY, (session_id, self._session)))

    async def places(self, batches: Sequence[str]) -> list[tuple[str, Place]]:
        """Id and place of every message, in the order they were archived in.

        An id occurs again if its message was shortened first and taken out later.
        """
        rows = await self._of(batches, "batch, position, id")
        return [(row[2], Place(*row[:2])) for row in rows]

    async def messages(self, batches: Sequence[str]) -> list[AnyMessage]:
        """Every message, in the order they were archived in.

        Raises:
            StorageError: one of them is damaged.
        """
        rows = await self._of(batches, "batch, position, message")
        return list((await self._loaded(rows)).values())

    async def read(self, places: Collection[Place]) -> dict[Place, AnyMessage]:
        """The messages at these places, at most some hundreds.

        Raises:
            StorageError: one of them is damaged.
        """
        if not places:
            return {}
        either = " OR ".join(["(batch = ? AND position = ?)"] * len(places))
        query = f"SELECT batch, position, message FROM archive WHERE session = ? AND ({either})"
        values = [value for place in places for value in place]
        return await self._loaded(await self._database.fetch(query, self._session, *values))

    async def asked(self, batches: Sequence[str]) -> dict[Place, AnyMessage]:
        """The messages that stand in the user's place; not all are the user's own.

        Raises:
            StorageError: one of them is damaged.
        """
        found = "CASE WHEN message LIKE ? THEN message END"
        rows = await self._of(batches, f"batch, position, {found}", HUMAN)
        return await self._loaded([row for row in rows if row[2] is not None])

    async def search(self, batches: Sequence[str], words: Sequence[str]) -> dict[Place, int]:
        """How many of the words each message has; those that have none are left out.

        A word is found inside others, and whatever the case; it may be a phrase.
        """
        score = " + ".join(["CASE WHEN text LIKE ? ESCAPE '!' THEN 1 ELSE 0 END"] * len(words))
        rows = await self._of(batches, f"batch, position, {score or 0}", *map(_pattern, words))
        return {Place(batch, position): matched for batch, position, matched in rows if matched}

    async def _of(self, batches: Sequence[str], columns: str, *values: str) -> list[Row]:
        """Columns of all rows of the batches in order: first the batch, then the position."""
        if not batches:
            return []
        among = ", ".join("?" * len(batches))
        query = f"SELECT {columns} FROM archive WHERE session = ? AND batch IN ({among})"
        rows = await self._database.fetch(query, *values, self._session, *batches)
        order = {batch: number for number, batch in enumerate(batches)}
        return sorted(rows, key=lambda row: (order[row[0]], row[1]))

    async def _loaded(self, rows: Sequence[Row]) -> dict[Place, AnyMessage]:
        try:
            return await asyncio.to_thread(_messages, rows)
        except Exception as error:
            raise StorageError(
                f"Archived messages of session {self._session[:8]} in {self._database.name} are "
                "damaged. `ml-intern doctor --fix` saves what can be read."
            ) from error


def _messages(rows: Iterable[Row]) -> dict[Place, AnyMessage]:
    return {Place(batch, position): from_json(text) for batch, position, text in rows}


def _inserts(session: str, batch: str, messages: Sequence[AnyMessage]) -> list[Statement]:
    rows = [
        (session, batch, position, message.id or f"{batch}/{position}",
         searched(message), to_json(message))
        for position, message in enumerate(messages)
    ]  # fmt: skip
    return [_insert(rows[at : at + _TOGETHER]) for at in range(0, len(rows), _TOGETHER)]


def _insert(rows: Sequence[tuple[Any, ...]]) -> Statement:
    values = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(rows))
    statement = f"INSERT INTO archive ({_COLUMNS}) VALUES {values} {_ONCE}"
    return statement, [value for row in rows for value in row]


def _pattern(word: str) -> str:
    escaped = word.casefold().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"
