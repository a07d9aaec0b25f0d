"""The SQLite file that holds the contents and records of one project folder."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

from ml_intern.checkpoints.workspace.errors import WorkspaceError
from ml_intern.checkpoints.workspace.states import CorruptError

_VERSION = 1
_WAIT = 60.0
"""Seconds to wait for another process: the first scan of a full folder takes as long."""
_POLL = 0.25
"""Seconds after which it is looked whether the waiting is to end."""
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blobs (
    digest BLOB PRIMARY KEY,        -- SHA-256 of the content
    size INTEGER NOT NULL,          -- of the content
    data BLOB NOT NULL              -- deflated if shorter than `size`
);
CREATE TABLE IF NOT EXISTS files (  -- see tree.py
    path BLOB PRIMARY KEY,
    state BLOB NOT NULL,            -- see states.py
    stamp BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS open_turns (session TEXT PRIMARY KEY, turn INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS held (   -- states at the beginning of a session's open turn
    session TEXT NOT NULL,
    path BLOB NOT NULL,             -- relative to the root, or absolute
    state BLOB NOT NULL,
    kept INTEGER NOT NULL,          -- 1: by `keep`
    PRIMARY KEY (session, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended (  -- turns whose changes, if any, are on record
    session TEXT NOT NULL, turn INTEGER NOT NULL, PRIMARY KEY (session, turn)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (
    session TEXT NOT NULL,
    turn INTEGER NOT NULL,
    path BLOB NOT NULL,
    before BLOB NOT NULL,
    after BLOB NOT NULL,
    PRIMARY KEY (session, turn, path)
) WITHOUT ROWID;
"""
_REMEDIES = {
    "SQLITE_FULL": "Free some space on its disk.",
    "SQLITE_BUSY": "Another ml-intern is using it; try again when that one is done.",
    "SQLITE_LOCKED": "Another ml-intern is using it; try again when that one is done.",
    "SQLITE_READONLY": "Make it and its folder writable, or set ML_INTERN_HOME to another folder.",
    "SQLITE_CANTOPEN": "Make it and its folder writable, or set ML_INTERN_HOME to another folder.",
    "SQLITE_IOERR": "Check its disk (`df -h`), or set ML_INTERN_HOME to another folder.",
}
_DAMAGED = (
    "Move it away and a new one is made; earlier turns cannot be undone then, and your own files "
    "stay as they are."
)


class Store:
    """Opened when first used. Safe among threads and processes."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._root = root
        self.path = folder / f"{sha256(os.fsencode(root)).hexdigest()[:32]}.sqlite"
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self.hurry = threading.Event()
        """Set to give up waiting for another process."""

    def exists(self) -> bool:
        """Whether anything was ever stored for this folder."""
        return self.path.exists()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable when left; the only one in any process.

        Raises:
            WorkspaceError: the store cannot be used.
        """
        with self._lock, self._explained():
            connection = self._open()
            self._begin(connection)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _begin(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + _WAIT
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                late = time.monotonic() > deadline or self.hurry.is_set()
                if late or not _is_busy(error):
                    raise
            else:
                return

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """For single queries, and for what may not stand in a transaction."""
        with self._lock, self._explained():
            yield self._open()

    def size(self) -> int:
        """Bytes on disk."""
        return sum(map(_size, self.path.parent.glob(f"{self.path.name}*")))

    def close(self) -> None:
        """Let go of the file; it is opened again when needed."""
        with self._lock, self._explained():
            if self._connection:
                self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            _make(self.path)
            connection = sqlite3.connect(
                self.path, timeout=_POLL, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _use_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_size_limit=16000000")
        with closing(connection.execute("PRAGMA user_version")) as cursor:
            (version,) = cursor.fetchone()
        if version > _VERSION:
            raise WorkspaceError(
                f"{self.path} was written by a newer ml-intern (version {version}, this one knows "
                f"{_VERSION}). Upgrade, or set ML_INTERN_HOME to another folder."
            )
        if version < _VERSION:
            connection.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={_VERSION}; COMMIT;"
            )
            name = os.fsencode(self._root).decode("utf-8", "backslashreplace")
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('root', ?)", (name,))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, CorruptError) as error:
            name = str(getattr(error, "sqlite_errorname", ""))
            known = (said for code, said in _REMEDIES.items() if name.startswith(code))
            remedy = next(known, _DAMAGED)
            raise WorkspaceError(
                f"The record of files {self.path} cannot be used: {error}. {remedy}"
            ) from error


def _is_busy(error: sqlite3.Error) -> bool:
    return str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_BUSY")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # SQLite removes its side files when the last one closes
        return 0


def _make(path: Path) -> None:
    """Make the file if there is none; its owner alone may read it, and its folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise WorkspaceError(
            f"The record of files {path} cannot be used: {error.strerror or error}. "
            f"{_REMEDIES['SQLITE_CANTOPEN']}"
        ) from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """Two processes may do this at once; SQLite does not wait here as it does elsewhere."""
    for pause in (0.05, 0.1, 0.2, 0.4, 0.8, 0):
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not pause or not _is_busy(error):
                raise
            time.sleep(pause)
        else:
            return
