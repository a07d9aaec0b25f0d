"""Opens a database to look at it: nothing is made, migrated or written."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from ml_intern.checkpoints.explain import explained
from ml_intern.checkpoints.sqlite import SqliteDatabase
from ml_intern.checkpoints.sqlite_saver import SqliteSaver

_WAIT = 2
"""Seconds to wait for another program."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection that only reads, also where nothing can be written; blocks.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    return sqlite3.connect(_address(path), uri=True, timeout=_WAIT)


def _address(path: Path) -> str:
    """In a folder that is read-only, SQLite cannot follow other writers; there can be none."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=_WAIT)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            return f"{address}&immutable=1"
        raise
    finally:
        connection.close()
    return address


@asynccontextmanager
async def reading(path: Path) -> AsyncIterator[SqliteDatabase]:
    """The database, of the current schema, for everything but `write` and `hold`.

    Raises:
        StorageError: it cannot be read, here or later.
    """
    with explained(str(path)):
        address = await asyncio.to_thread(_address, path)
        async with aiosqlite.connect(address, uri=True, timeout=_WAIT) as connection:
            saver = SqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
            saver.is_setup = True  # Or it would make its tables.
            yield SqliteDatabase(saver, path)
