"""The database's file: can it be read, is it whole, is it of our schema, can it be written to?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ml_intern.checkpoints.explain import explain
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.schema import SCHEMA_VERSION
from ml_intern.sessions.doctor.finding import Finding, Repair, fine, problem, warning
from ml_intern.sessions.doctor.reading import connect
from ml_intern.sessions.doctor.salvage import salvage

_BIG = 300_000_000
"""Bytes above which indexes are not compared with their tables: it takes seconds a gigabyte."""
_BIG_WAL = 100_000_000
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the file came to."""

    findings: list[Finding]
    readable: bool
    """Whether the sessions in it can be looked at."""


def rescue(path: Path, cwd: Path) -> Repair:
    """Save what can be read."""
    what = f"copy {path} aside and save all that can be read of it into a new file"
    return Repair(what=what, do=partial(salvage, path, cwd))


def inspect(path: Path, cwd: Path) -> Inspection:
    """Look at the file without changing it; blocks."""
    name = "database"
    try:
        length = path.stat().st_size
    except FileNotFoundError:
        found = fine(name, f"{path} does not exist yet; the first session makes it")
        return Inspection(findings=[found], readable=False)
    except OSError as error:
        return Inspection(findings=[problem(name, explain(error, str(path)))], readable=False)
    if not length:
        remedy = "Restore it from a backup, or let a new one be made: ml-intern doctor --fix"
        found = problem(name, f"{path} is empty (0 bytes)", remedy, rescue(path, cwd))
        return Inspection(findings=[found], readable=False)
    try:
        with closing(connect(path)) as connection:
            return _look(connection, path, cwd)
    except sqlite3.Error as error:
        return Inspection(findings=[_unreadable(error, path, cwd)], readable=False)


def _unreadable(error: sqlite3.Error, path: Path, cwd: Path) -> Finding:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
        return _damaged(str(error), path, cwd)
    return problem("database", explain(error, str(path)))


def _damaged(said: str, path: Path, cwd: Path) -> Finding:
    remedy = "Save what can be read: ml-intern doctor --fix (the damaged file is kept)"
    return problem("database", f"{path} is damaged: {said}", remedy, rescue(path, cwd))


def _look(connection: sqlite3.Connection, path: Path, cwd: Path) -> Inspection:
    length = path.stat().st_size
    check = "quick_check" if length > _BIG else "integrity_check"
    [(said,), *_] = connection.execute(f"PRAGMA {check}(1)").fetchall()
    if said != "ok":
        words = " ".join(str(said).removeprefix("*** in database main ***").split())
        return Inspection(findings=[_damaged(words, path, cwd)], readable=False)
    [(version,)] = connection.execute("PRAGMA user_version").fetchall()
    schema, readable = _schema(path, version)
    whole = fine("database", f"{path} is whole ({length / 10**6:.1f} MB, {check})")
    return Inspection(findings=[whole, schema, *_wal(path), _writable(path)], readable=readable)


def _schema(path: Path, version: int) -> tuple[Finding, bool]:
    if version == SCHEMA_VERSION:
        return fine("schema", f"version {version}"), True
    if version > SCHEMA_VERSION:
        said = f"version {version} of a newer ml-intern; this one knows {SCHEMA_VERSION}"
        remedy = "Upgrade, or point ML_INTERN_HOME to another folder."
        return problem("schema", said, remedy), False
    said = f"version {version}; {SCHEMA_VERSION} is the current one, sessions were not looked at"
    repair = Repair(what=f"bring {path} up to date", do=partial(_update, path))
    return warning("schema", said, "The next session brings it up to date.", repair), False


async def _update(path: Path) -> str:
    async with open_database(path):
        return f"{path} is up to date"


def _wal(path: Path) -> Iterator[Finding]:
    wal = path.with_name(path.name + "-wal")
    size = wal.stat().st_size if wal.exists() else 0
    if size > _BIG_WAL:
        said = f"{wal} has {size / 10**6:.0f} MB: a program has kept it from being written back"
        yield warning("write-ahead log", said, "Close every program that has the database open.")


def _writable(path: Path) -> Finding:
    try:
        with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return problem("writing", explain(error, str(path)))
    return fine("writing", "nothing keeps it from being written to")
