"""What belongs to no session: rows, output folders and locks that a crash left behind."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from ml_intern.checkpoints.database import Database
from ml_intern.checkpoints.lock import FileLock
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.threads import Threads
from ml_intern.configs.paths import Home
from ml_intern.sessions.doctor.finding import Finding, Repair, fine, warning

_NAMED = {
    "checkpoints": "thread_id",
    "journal": "session",
    "turns": "session",
    "archive": "session",
    "inbox": "session",
}
"""The tables that refer to sessions, and by which column; the saver's others follow the first."""


async def orphan_rows(database: Database, home: Home, url: str | None) -> Finding:
    """Rows without a session; a copy that is being made has no row yet, but it is held."""
    found: set[str] = set()
    for table, column in _NAMED.items():
        query = f"SELECT DISTINCT {column} FROM {table} WHERE {column} NOT IN "
        found.update(row[0] for row in await database.fetch(query + "(SELECT id FROM sessions)"))
    doomed = [id_ for id_ in sorted(found) if not await database.held(id_)]
    if not doomed:
        return fine("orphans", "no rows without a session")
    said = f"checkpoints or other rows of {len(doomed)} sessions that do not exist"
    repair = Repair(what=f"delete {said}", do=partial(_delete, home, url, doomed))
    return warning("orphans", said, "ml-intern doctor --fix deletes them", repair)


async def _delete(home: Home, url: str | None, doomed: Iterable[str]) -> str:
    removed = 0
    async with open_database(home.database, url) as database:
        threads = Threads(database)
        for id_ in doomed:
            async with database.hold(id_):
                if not await threads.find(id_):
                    await threads.remove(id_)
                    removed += 1
        await database.shrink()
    return f"the rows of {removed} sessions that did not exist are gone"


async def orphan_files(database: Database, home: Home) -> list[Finding]:
    """Output folders and locks of sessions that are not in this database."""
    known = {row[0] for row in await database.fetch("SELECT id FROM sessions")}
    folders = await asyncio.to_thread(_sessions_in, home.root / "outputs", known)
    locks = await asyncio.to_thread(_sessions_in, home.root / "locks", known)
    folders = [path for path in folders if not await database.held(path.name)]
    locks = [path for path in locks if not await database.held(path.name)]
    if damaged := await asyncio.to_thread(_damaged_copies, home):
        # What a damaged database could not tell may still be recovered by hand.
        folders = []
    kept = f" (those of sessions lost with {damaged[0].name} are kept)" if damaged else ""
    return [
        _finding("output folders", kept, folders, shutil.rmtree),
        _finding("locks", "", locks, _free),
    ]


def _finding(what: str, note: str, doomed: list[Path], remove: Callable[[Path], object]) -> Finding:
    if not doomed:
        return fine("orphans", f"no {what} without a session{note}")
    said = f"{len(doomed)} {what} of sessions that do not exist, in {doomed[0].parent}"
    repair = Repair(what=f"delete {said}", do=partial(_remove, said, doomed, remove))
    return warning("orphans", said, "ml-intern doctor --fix deletes them", repair)


async def _remove(said: str, doomed: list[Path], remove: Callable[[Path], object]) -> str:
    for path in doomed:
        await asyncio.to_thread(remove, path)
    return f"{said}: deleted"


def _free(lock: Path) -> None:
    """Being the holder is the one right to remove it."""
    held = FileLock(lock)
    held.take(lock.name)
    held.release()


def _sessions_in(folder: Path, known: set[str]) -> list[Path]:
    """What in a folder is named like a session that is not known; links are not followed."""
    if not folder.is_dir():
        return []
    return [p for p in sorted(folder.iterdir()) if _is_id(p.name) and p.name not in known]


def _is_id(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


def _damaged_copies(home: Home) -> list[Path]:
    return sorted(home.root.glob(f"{home.database.name}.damaged-*"))
