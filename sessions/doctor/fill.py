"""Fills a new database with what can be read, and understood, of a damaged one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from ml_intern.checkpoints.wording import from_json
from ml_intern.sessions.doctor.pages import PAGE, rows
from ml_intern.sessions.doctor.rows import Row, columns, count, readable

_TABLES = ("sessions", "checkpoints", "writes", "turns", "journal", "archive", "inbox")
_TOLD = _TABLES[:3]
_HEADER = 100
"""Bytes at the start of every SQLite file that tell nothing about its content."""

# Checkpoints are a chain: behind one that is lost, the nearest earlier one has to do.
_RELINK = """UPDATE checkpoints SET parent_checkpoint_id = (
    SELECT max(c.checkpoint_id) FROM checkpoints c WHERE c.thread_id = checkpoints.thread_id
    AND c.checkpoint_ns = checkpoints.checkpoint_ns
    AND c.checkpoint_id < checkpoints.checkpoint_id)
WHERE parent_checkpoint_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM checkpoints c WHERE c.thread_id = checkpoints.thread_id
    AND c.checkpoint_ns = checkpoints.checkpoint_ns
    AND c.checkpoint_id = checkpoints.parent_checkpoint_id)"""
_UNLISTED = """INSERT INTO sessions
    (id, used, cwd, title, system_prompt, options, created, updated, turns)
SELECT DISTINCT thread_id, 0, ?, 'Recovered session', ?, '{}', datetime('now') || '+00:00',
    datetime('now') || '+00:00',
    (SELECT count(*) FROM turns WHERE session = thread_id AND undone = 0)
FROM checkpoints WHERE thread_id NOT IN (SELECT id FROM sessions)"""


@dataclass(slots=True)
class Tally:
    """What was saved, and how many rows there were, as far as that is known."""

    saved: dict[str, int] = field(default_factory=dict)
    were: dict[str, int | None] = field(default_factory=dict)
    relinked: int = 0
    unlisted: int = 0

    def __str__(self) -> str:
        parts = [self._part(table) for table in _TOLD]
        said = f"Saved {', '.join(parts)}"
        if self.unlisted:
            said += f"; {self.unlisted} sessions had lost their title and folder"
        if self.relinked:
            said += f"; steps of conversations that are missing: {self.relinked}"
        return said

    def _part(self, table: str) -> str:
        saved, were = self.saved.get(table, 0), self.were.get(table)
        if were is None:
            return f"{saved} {table} (of an unknown number)"
        lost = max(were - saved, 0)
        return f"{saved} {table} ({lost} lost)"


def fill(new: Path, old: Path, cwd: str, prompt: str) -> Tally:
    """Save what can be saved; sessions that lost their row get `cwd` and `prompt`."""
    _mend_start(old, new)
    tally = Tally()
    with closing(sqlite3.connect(old)) as source, closing(sqlite3.connect(new)) as target:
        # Also reads a file that is shorter than it should be.
        _quietly(source, "PRAGMA writable_schema = ON")
        _quietly(source, "PRAGMA wal_checkpoint(TRUNCATE)")
        for table in _TABLES:
            tally.were[table] = count(source, table)
            tally.saved[table] = _save(source, target, table, tally.were[table], old)
        tally.relinked = target.execute(_RELINK).rowcount
        tally.unlisted = target.execute(_UNLISTED, (cwd, prompt)).rowcount
        target.commit()
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        target.execute("PRAGMA journal_mode = DELETE")  # One file, to be moved.
    return tally


def _quietly(connection: sqlite3.Connection, statement: str) -> None:
    try:
        connection.execute(statement)
    except sqlite3.Error:
        return


def _save(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, were: int | None, old: Path
) -> int:
    known = columns(target, table)
    names = columns(source, table) or known
    if not set(names) <= set(known):
        return 0
    saved = _insert(target, table, names, readable(source, table, names))
    if saved != were:
        # What SQL cannot reach; what it did reach is there already, and stays.
        saved += _insert(target, table, names, rows(old, len(names)))
    return saved


def _insert(
    target: sqlite3.Connection, table: str, names: Sequence[str], found: Iterator[Row]
) -> int:
    places = ", ".join("?" * len(names))
    insert = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({places})"
    saved = 0
    for row in _understood(table, names, found):
        try:
            saved += target.execute(insert, row).rowcount
        except (sqlite3.Error, OverflowError, UnicodeError):
            continue
    return saved


def _understood(table: str, names: Sequence[str], rows: Iterator[Row]) -> Iterator[Row]:
    serializer = JsonPlusSerializer(allowed_msgpack_modules=None)
    for row in rows:
        values = dict(zip(names, row, strict=True))
        if table == "sessions":
            values = _mended(values)
        elif not _sound(table, values, serializer):
            continue
        yield tuple(values.values())


def _mended(session: dict[str, Any]) -> dict[str, Any]:
    """A session's row with values that make no sense still leads to its checkpoints."""
    empty = {"options": "{}", "usage": "{}", "move": ""}
    return session | {
        name: value
        for name, value in empty.items()
        if name in session and session[name] != value and not _is_object(session[name])
    }


def _is_object(text: object) -> bool:
    try:
        return isinstance(json.loads(str(text)), dict)
    except ValueError:
        return False


def _sound(table: str, values: dict[str, Any], serializer: JsonPlusSerializer) -> bool:
    """Whether a row means something: damage inside a value is none to SQLite."""
    try:
        if table == "checkpoints":
            json.loads(values["metadata"])
            loaded = serializer.loads_typed((values["type"], values["checkpoint"]))
            return bool(loaded["id"] == values["checkpoint_id"]) and "channel_values" in loaded
        if table == "writes":
            serializer.loads_typed((values["type"], values["value"]))
        if table == "archive":
            from_json(values["message"])
    except Exception:  # noqa: BLE001 - damaged bytes fail in any way there is
        return False
    return True


def _mend_start(old: Path, new: Path) -> None:
    """Where only the start of the file is damaged, that of a new one leads to what is behind it.

    The header is the same in every file of ours; the rest of the first page, which says where each
    table begins, is so in those that no older version began. What is found there is checked.
    """
    start = bytearray(new.read_bytes()[:PAGE])
    start[24:28], start[92:96] = b"\0\0\0\1", b"\0\0\0\0"  # Take the size from the file.
    start[32:40] = bytes(8)  # No list of free pages.
    with old.open("r+b") as file:
        for length in (_HEADER, PAGE):
            if not _tables(old):
                file.seek(0)
                file.write(start[:length])
                file.flush()


def _tables(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        _quietly(connection, "PRAGMA writable_schema = ON")
        return bool(columns(connection, "checkpoints"))
