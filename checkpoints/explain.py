"""What a database's error means to the person at the terminal, and what to do about it."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_intern.checkpoints.database import StorageError

_ELSEWHERE = "or set ML_INTERN_HOME to a folder you may write to."
_ROOM = 2**17
"""Bytes below which a disk is taken for full."""
_KEPT = "All that was saved before is kept."
_REMEDIES = {
    "locked": "The session database {name} is locked by another program (a backup, a database "
    "browser?). Close that program and try again.",
    "full": "There is no space left for the session database {name}. Free some and go on with -c. "
    + _KEPT,
    "read-only": "The session database {name} cannot be written to: {error}. Make the file and its "
    "folder writable, " + _ELSEWHERE,
    "denied": "The session database {name} may not be used by this user: {error}. Correct the "
    "permissions, " + _ELSEWHERE,
    "damaged": "The session database {name} is damaged: {error}. Run `ml-intern doctor` to see "
    "what can be saved of it.",
    "lost": "The connection to the session database {name} was lost, or could not be made: "
    "{error}. Check that the server runs and can be reached, then go on with -c. " + _KEPT,
    "other": "The session database {name} cannot be used: {error}.",
}
_SQLITE = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_PERM: "denied",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
}
_SYSTEM = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read-only",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
}
_POSTGRES = {
    "08": "lost",
    "57": "lost",
    "25006": "read-only",
    "53100": "full",
    "55P03": "locked",
    "58030": "lost",
    "XX001": "damaged",
    "XX002": "damaged",
}
"""By SQLSTATE, or its class: the first two characters."""


def explain(error: Exception, name: str) -> str:
    """One message that names the database and the remedy; `name` holds no password."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    said = " ".join(said.split()).rstrip(".")
    return _REMEDIES[_kind(error, name)].format(name=name, error=said)


def of_database(error: BaseException) -> bool:
    """Whether an error comes from SQLite or PostgreSQL; the latter need not be installed."""
    ours = any(kind.__module__.startswith("psycopg") for kind in type(error).__mro__)
    return ours or isinstance(error, sqlite3.Error)


def _no_room(path: str) -> bool:
    try:
        return shutil.disk_usage(Path(path).parent).free < _ROOM
    except OSError:
        return False


def _kind(error: Exception, name: str) -> str:
    if isinstance(error, sqlite3.Error):
        # The low byte is the kind of error, the others say where it was met.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        # If one of its side files cannot grow, SQLite calls it an input/output error.
        if code == sqlite3.SQLITE_IOERR and _no_room(name):
            return "full"
        return _SQLITE.get(code, "other")
    if isinstance(error, OSError):
        return _SYSTEM.get(error.errno or 0, "other")
    state = getattr(error, "sqlstate", None)
    if state is None:
        # libpq gives no code to what happens on this side of the connection.
        return "lost" if type(error).__name__ == "OperationalError" else "other"
    return _POSTGRES.get(state) or _POSTGRES.get(state[:2], "other")


@contextmanager
def explained(name: str, *also: type[Exception]) -> Iterator[None]:
    """Turns what the database raises into a `StorageError` that names the remedy.

    `also` are errors of other kinds that belong to what is done with it.
    """
    try:
        yield
    except Exception as error:
        if not (of_database(error) or isinstance(error, also)):
            raise
        raise StorageError(explain(error, name)) from error
