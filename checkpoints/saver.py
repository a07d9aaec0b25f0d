"""The SQLite file that holds every session: checkpoints, writes, journal and index."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from ml_intern.checkpoints.journal import JOURNAL_SCHEMA
from ml_intern.configs.errors import MlInternError

SCHEMA_VERSION = 1
"""Kept in SQLite's `user_version`. A newer file is refused, an older one migrated."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    used INTEGER NOT NULL,          -- order of use; never the clock
    cwd TEXT NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    system_prompt TEXT NOT NULL,
    options TEXT NOT NULL,          -- JSON: model, permission_mode, max_iterations
    created TEXT NOT NULL,
    updated TEXT NOT NULL
) STRICT;
"""


class StorageError(MlInternError):
    """The database cannot be used; the message names the file."""


@asynccontextmanager
async def open_saver(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """The saver on the database at `path`, which is made if it does not exist.

    Raises:
        StorageError: the file cannot be opened, is no database, or comes from a newer version.
    """
    try:
        await asyncio.to_thread(_make_private, path)
        async with aiosqlite.connect(path, timeout=5) as connection:
            await _prepare(connection, path)
            # None: messages and plain values only; the default runs code found in a checkpoint.
            serializer = JsonPlusSerializer(allowed_msgpack_modules=None)
            saver = AsyncSqliteSaver(connection, serde=serializer)
            await saver.setup()
            yield saver
    except aiosqlite.Error as error:
        raise StorageError(f"The session database {path} cannot be used: {error}.") from error


def _make_private(path: Path) -> None:
    """Make the file if there is none, readable by its owner only.

    What cannot be opened fails here, without aiosqlite: failing to connect, it leaves a thread
    behind that writes a traceback to the terminal if the event loop is closed by then.
    """
    try:
        sqlite3.connect(path).close()
        path.chmod(0o600)
    except OSError as error:
        raise StorageError(f"The session database {path} cannot be used: {error}.") from error


async def _prepare(connection: aiosqlite.Connection, path: Path) -> None:
    await connection.execute("PRAGMA journal_mode=WAL")
    await connection.execute("PRAGMA synchronous=FULL")
    async with connection.execute("PRAGMA user_version") as cursor:
        row = await cursor.fetchone()
    version = row[0] if row else 0
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"{path} was written by a newer ml-intern (schema {version}, this one knows "
            f"{SCHEMA_VERSION}). Upgrade, or point ML_INTERN_HOME to another folder."
        )
    await connection.executescript(_SCHEMA + JOURNAL_SCHEMA)
    await connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    await connection.commit()
