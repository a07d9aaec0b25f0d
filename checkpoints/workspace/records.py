"""What stands in the store about sessions: open turns, what they began with, what they changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ml_intern.checkpoints.workspace.states import State, decode, encode


class Change(NamedTuple):
    """What a turn did to a path."""

    path: str
    before: State
    after: State


class Held(NamedTuple):
    """What a path was when the open turn began."""

    path: str
    state: State
    kept: bool
    """Whether it was looked at for itself, by `keep`."""


class Records:
    """The records of one session, within a transaction."""

    def __init__(self, connection: sqlite3.Connection, session: str) -> None:
        self._connection = connection
        self._session = session

    def open_turn(self) -> int | None:
        """The turn that was begun and not ended."""
        query = "SELECT turn FROM open_turns WHERE session = ?"
        row = self._connection.execute(query, (self._session,)).fetchone()
        return int(row[0]) if row else None

    def open(self, turn: int) -> None:
        """Begin a turn."""
        self._connection.execute("INSERT INTO open_turns VALUES (?, ?)", (self._session, turn))

    def close(self) -> None:
        """End the open turn."""
        self._delete("open_turns")
        self._delete("held")

    def held(self) -> list[Held]:
        """What the open turn began with, as far as the tree no longer tells."""
        query = "SELECT path, state, kept FROM held WHERE session = ?"
        rows = self._connection.execute(query, (self._session,))
        return [Held(os.fsdecode(path), decode(state), bool(kept)) for path, state, kept in rows]

    def holds(self, path: str) -> bool:
        """Whether a path's state was put aside."""
        query = "SELECT 1 FROM held WHERE session = ? AND path = ?"
        values = (self._session, os.fsencode(path))
        return self._connection.execute(query, values).fetchone() is not None

    def keep(self, path: str, state: State) -> None:
        """Put a path's state aside, unless it is."""
        values = (self._session, os.fsencode(path), encode(state))
        self._connection.execute("INSERT OR IGNORE INTO held VALUES (?, ?, ?, 1)", values)

    def changes(self, turns: Sequence[int]) -> list[Change]:
        """What turns did, in their order."""
        query = (
            "SELECT path, before, after FROM changes WHERE session = ? AND turn = ? ORDER BY path"
        )
        return [
            Change(os.fsdecode(path), decode(before), decode(after))
            for turn in turns
            for path, before, after in self._connection.execute(query, (self._session, turn))
        ]

    def record(self, turn: int, changes: Iterable[Change]) -> None:
        """Replace what is on record of a turn."""
        self.forget([turn])
        self._connection.execute("INSERT INTO ended VALUES (?, ?)", (self._session, turn))
        self._connection.executemany(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?)",
            (
                (self._session, turn, os.fsencode(path), encode(before), encode(after))
                for path, before, after in changes
            ),
        )

    def forget(self, turns: Sequence[int]) -> None:
        """Drop turns."""
        for table in ("changes", "ended"):
            query = f"DELETE FROM {table} WHERE session = ? AND turn = ?"
            self._connection.executemany(query, ((self._session, turn) for turn in turns))

    def has(self, turns: Sequence[int]) -> bool:
        """Whether each of the turns is on record, be it that it changed nothing."""
        query = "SELECT turn FROM ended WHERE session = ?"
        known = {row[0] for row in self._connection.execute(query, (self._session,))}
        return known.issuperset(turns)

    def _delete(self, table: str) -> None:
        self._connection.execute(f"DELETE FROM {table} WHERE session = ?", (self._session,))
