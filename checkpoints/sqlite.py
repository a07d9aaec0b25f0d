"""The SQLite file that holds every session: checkpoints, writes and our own tables."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from ml_intern.checkpoints.clock import NEWEST, seed
from ml_intern.checkpoints.database import Row, Statement, StorageError
from ml_intern.checkpoints.explain import explain, explained
from ml_intern.checkpoints.lock import FileLock, holder
from ml_intern.checkpoints.schema import SCHEMA_VERSION, steps
from ml_intern.checkpoints.settled import settled
from ml_intern.checkpoints.sqlite_saver import SqliteSaver
from ml_intern.configs.paths import as_name

_PRAGMAS = (
    "synchronous = FULL",
    f"journal_size_limit = {4 * 2**20}",
)
_CONVERT = "PRAGMA auto_vacuum = INCREMENTAL; VACUUM"
_BUSY = 5
"""Seconds to wait for another program's write."""
_AGAIN = 0.02
"""Seconds between two attempts at what SQLite does not wait for itself."""
_SIZE = """SELECT
    (SELECT coalesce(sum(length(checkpoint) + length(metadata)), 0)
        FROM checkpoints WHERE thread_id = ?) +
    (SELECT coalesce(sum(length(value)), 0) FROM writes WHERE thread_id = ?)"""


class SqliteDatabase:
    """A `Database` in one file; a session's lock is a file in a folder beside it."""

    def __init__(self, saver: SqliteSaver, path: Path) -> None:
        self.saver: BaseCheckpointSaver[str] = saver
        self._saver = saver
        self.name = str(path)
        self._locks = path.parent / "locks"
        self._path, self._opened = path, path.stat()

    async def fetch(self, query: str, *values: Any) -> list[Row]:  # noqa: ANN401 - SQL values
        """The rows of a query; waits while a `saver.alist` is being read."""
        with explained(self.name):
            return await self._saver.rows(query, values)

    async def write(self, *statements: Statement) -> None:
        """Carry out statements in one transaction; durable when it returns, also if cancelled."""
        with explained(self.name):
            await settled(self._write(statements))

    async def _write(self, statements: Sequence[Statement]) -> None:
        await asyncio.to_thread(self._require_in_place)
        async with self._saver.transaction() as connection:
            for statement, values in statements:
                await connection.execute(statement, values)

    @asynccontextmanager
    async def hold(self, session_id: str) -> AsyncIterator[None]:
        """Be the one writer of a session, until closed or dead."""
        path = self._lock(session_id)
        lock = FileLock(path)
        try:
            with explained(str(path), OSError):
                await settled(asyncio.to_thread(lock.take, session_id))
            await asyncio.to_thread(self._require_in_place)
            seed(await self.fetch(NEWEST, session_id))
            yield
        finally:
            await settled(asyncio.to_thread(lock.release))

    def _require_in_place(self) -> None:
        """What is written to a file that was removed or replaced meanwhile would be lost."""
        try:
            same = os.path.samestat(self._path.stat(), self._opened)
        except FileNotFoundError:
            same = False
        if not same:
            raise StorageError(
                f"{self.name} was removed or replaced while it was open: nothing can be saved in "
                "it any more. Start again."
            )

    async def held(self, session_id: str) -> str:
        """Who writes to a session now; "" for nobody."""
        path = self._lock(session_id)
        with explained(str(path), OSError):
            return str(await asyncio.to_thread(holder, path) or "")

    def _lock(self, session_id: str) -> Path:
        return self._locks / as_name(session_id)

    async def prune(self, session_id: str, oldest: str) -> None:
        """Delete the checkpoints of a session before the one with the id `oldest`."""
        with explained(self.name):
            await self._saver.aprune_before(session_id, oldest)

    async def shrink(self) -> None:
        """Give freed space back to the file system, unless another program uses the file."""
        async with self._saver.lock:
            await _pragma(self._saver.conn, "busy_timeout = 0")
            try:
                await _shrink(self._saver.conn)
            finally:
                await _pragma(self._saver.conn, f"busy_timeout = {_BUSY * 1000}")

    async def size(self, session_id: str) -> int:
        """Bytes that the checkpoints of a session take."""
        return int((await self.fetch(_SIZE, session_id, session_id))[0][0])


@asynccontextmanager
async def open_sqlite(path: Path) -> AsyncIterator[SqliteDatabase]:
    """The database at `path`, which is made if it does not exist, and brought up to date.

    Raises:
        StorageError: it cannot be used, here or later; or it comes from a newer version.
    """
    with explained(str(path)):
        await asyncio.to_thread(_make_private, path)
    with explained(str(path)):
        async with aiosqlite.connect(path, timeout=_BUSY) as connection:
            # None: messages and plain values only; the default runs code found in a checkpoint.
            serializer = JsonPlusSerializer(allowed_msgpack_modules=None)
            saver = SqliteSaver(connection, serde=serializer)
            await _prepare(saver, path)
            yield await asyncio.to_thread(SqliteDatabase, saver, path)


def _make_private(path: Path) -> None:
    """Make the file if there is none, readable by its owner only.

    What cannot be opened fails here, without aiosqlite: failing to connect, it leaves a thread
    behind that writes a traceback to the terminal if the event loop is closed by then.
    """
    try:
        sqlite3.connect(path).close()
        path.chmod(0o600)
    except OSError as error:
        raise StorageError(explain(error, str(path))) from error


async def _prepare(saver: SqliteSaver, path: Path) -> None:
    found = await _pragma(saver.conn, "user_version")
    if found > SCHEMA_VERSION:
        raise StorageError(
            f"{path} was written by a newer ml-intern (schema {found}, this one knows "
            f"{SCHEMA_VERSION}). Upgrade, or point ML_INTERN_HOME to another folder."
        )
    if found < SCHEMA_VERSION:
        # For a new file; of an older one, VACUUM makes it so. Asks for the write lock.
        await _pragma(saver.conn, "auto_vacuum = INCREMENTAL")
    await _to_wal(saver.conn)
    for pragma in _PRAGMAS:
        await _pragma(saver.conn, pragma)
    if found < SCHEMA_VERSION:
        await saver.setup()
        await _migrate(saver)
    else:
        await _set_up_again(saver)


async def _to_wal(connection: aiosqlite.Connection) -> None:
    """Switch a new file to WAL; of two that do so at once, SQLite refuses one without waiting."""
    until = time.monotonic() + _BUSY
    while True:
        try:
            await _pragma(connection, "journal_mode = WAL")
        except aiosqlite.OperationalError as error:
            if not _busy(error) or time.monotonic() > until:
                raise
            await asyncio.sleep(_AGAIN)
        else:
            return


def _busy(error: aiosqlite.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


async def _set_up_again(saver: SqliteSaver) -> None:
    """LangGraph's own set-up, which asks for the write lock each time, of tables that are there.

    Whoever has that lock may be long about it; it is done another time then.
    """
    await _pragma(saver.conn, "busy_timeout = 0")
    try:
        await saver.setup()
    except aiosqlite.OperationalError as error:
        if not _busy(error):
            raise
        saver.is_setup = True
    finally:
        await _pragma(saver.conn, f"busy_timeout = {_BUSY * 1000}")


async def _migrate(saver: SqliteSaver) -> None:
    async with saver.transaction() as connection:
        # Again, now that nobody else can write: another process may have been quicker.
        found = await _pragma(connection, "user_version")
        if found < SCHEMA_VERSION:
            for step in steps(found):
                await connection.execute(step + " STRICT" * step.startswith("CREATE TABLE"))
            await connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    await _shrink(saver.conn)


async def _shrink(connection: aiosqlite.Connection) -> None:
    """Free what can be freed now; a file that never could is made so that it can."""
    with suppress(aiosqlite.OperationalError):  # locked, or no space for VACUUM: another time
        incremental = await _pragma(connection, "auto_vacuum")
        # As a script: `execute` would free one page and stop.
        await connection.executescript("PRAGMA incremental_vacuum" if incremental else _CONVERT)
        await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")


async def _pragma(connection: aiosqlite.Connection, text: str) -> Any:  # noqa: ANN401 - SQL value
    rows = list(await connection.execute_fetchall(f"PRAGMA {text}"))
    return rows[0][0] if rows else None
