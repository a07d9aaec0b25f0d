"""Reads a table of a damaged file row by row: around what cannot be read, not up to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

Row = tuple[Any, ...]

_BEYOND = 50_000
"""Row numbers tried after a damaged place, where the last one cannot be found out."""
_MOST = 5_000_000
"""Row numbers tried at all: a damaged one may be anything."""


def columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """The table's columns; none if there is no such table, or its description is lost."""
    try:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    except sqlite3.Error:
        return []


def count(connection: sqlite3.Connection, table: str) -> int | None:
    """How many rows there were; None if neither the index nor the table tells."""
    for how in ("", "NOT INDEXED"):
        try:
            return int(connection.execute(f"SELECT count(*) FROM {table} {how}").fetchone()[0])
        except sqlite3.Error:
            continue
    return None


def readable(connection: sqlite3.Connection, table: str, names: Sequence[str]) -> Iterator[Row]:
    """Every row that can be read, in no certain order: its values of the columns `names`."""
    select = f"SELECT rowid, {', '.join(names)} FROM {table} NOT INDEXED"
    low, complete = 0, False
    for row in _until_damaged(connection, f"{select} ORDER BY rowid"):
        if row is None:
            break
        low = row[0]
        yield row[1:]
    else:
        complete = True
    if complete:
        return
    high = low + _BEYOND
    for row in _until_damaged(connection, f"{select} WHERE rowid > {low} ORDER BY rowid DESC"):
        if row is None:
            break
        high = row[0]
        yield row[1:]
    for number in range(low + 1, min(high, low + _MOST)):
        yield from _single(connection, f"{select} WHERE rowid = {number}")


def _until_damaged(connection: sqlite3.Connection, query: str) -> Iterator[Row | None]:
    """The rows of a query; None at the end tells that there may be more."""
    try:
        yield from connection.execute(query)
    except (sqlite3.Error, UnicodeError, OverflowError):
        yield None


def _single(connection: sqlite3.Connection, query: str) -> list[Row]:
    try:
        return [row[1:] for row in connection.execute(query)]
    except (sqlite3.Error, UnicodeError, OverflowError):
        return []
