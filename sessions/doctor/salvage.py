"""Saves what can be read of a damaged database into a new file, which takes its place.

Nothing is lost by trying: the damaged file and its write-ahead log are copied aside first.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import BinaryIO

from ml_intern.checkpoints.database import InUseError, StorageError
from ml_intern.checkpoints.lock import holder
from ml_intern.checkpoints.sqlite import open_sqlite
from ml_intern.configs.errors import MlInternError
from ml_intern.configs.prompts import system_prompt
from ml_intern.sessions.doctor.fill import Tally, fill
from ml_intern.sessions.doctor.place import PARTS

_COPIES = 3
"""Of the file that there are at the same time: the one aside, one to read from, the new one."""


async def salvage(path: Path, cwd: Path) -> str:
    """Replace the file by one with all that can be read; what was saved and lost.

    Raises:
        InUseError: a session is open.
        MlInternError: there is no space, or the file was written to meanwhile.
        OSError: it cannot be copied or replaced.
    """
    await asyncio.to_thread(_refuse_if_used, path)
    before = await asyncio.to_thread(_stamps, path)
    aside = await asyncio.to_thread(_copy_aside, path)
    scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, "", ".salvage-", path.parent))
    try:
        async with open_sqlite(scratch / "new.sqlite"):
            pass  # With all its tables.
        prompt = await asyncio.to_thread(system_prompt, cwd)
        tally = await asyncio.to_thread(_rebuild, aside, scratch, cwd, prompt)
        await asyncio.to_thread(_replace, path, scratch / "new.sqlite", before)
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
    return f"{tally}. The damaged file is kept as {aside}."


def _refuse_if_used(path: Path) -> None:
    locks = path.parent / "locks"
    for lock in locks.iterdir() if locks.is_dir() else ():
        if who := holder(lock):
            raise InUseError(f"Session {lock.name[:8]} is in use by {who}. Close it there first.")
    size = sum(part.stat().st_size for part in _parts(path))
    free = shutil.disk_usage(path.parent).free
    if free < _COPIES * size:
        raise MlInternError(f"This takes {_COPIES * size / 10**6:.0f} MB; free some space first.")


def _parts(path: Path) -> list[Path]:
    names = (path.with_name(path.name + part) for part in PARTS)
    return [part for part in names if part.exists()]


def _stamps(path: Path) -> list[tuple[str, int, int]]:
    """By which a write would be noticed; the `-shm` also changes by reading."""
    found = [(part, part.stat()) for part in _parts(path) if not part.name.endswith("-shm")]
    return [(part.name, stat.st_size, stat.st_mtime_ns) for part, stat in found]


def _copy_aside(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.damaged-{n}") for n in count(1))
    aside = next(name for name in names if not _parts(name))
    _copy(path, aside)
    return aside


def _copy(path: Path, target: Path) -> None:
    for part in _parts(path):
        copy = target.with_name(target.name + part.name.removeprefix(path.name))
        with part.open("rb") as source, _private(copy) as file:
            shutil.copyfileobj(source, file, 2**20)
            file.flush()
            os.fsync(file.fileno())


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _rebuild(aside: Path, scratch: Path, cwd: Path, prompt: str) -> Tally:
    # Opening changes a file: the log is written back. The copy that is kept stays as it is.
    _copy(aside, scratch / "old.sqlite")
    (scratch / "old.sqlite-shm").unlink(missing_ok=True)
    return fill(scratch / "new.sqlite", scratch / "old.sqlite", str(cwd), prompt)


def _replace(path: Path, new: Path, before: list[tuple[str, int, int]]) -> None:
    if _stamps(path) != before:
        raise StorageError(f"{path} was written to meanwhile. Nothing was replaced; try again.")
    with new.open("rb") as file:
        os.fsync(file.fileno())
    # First the old log: with the new file, it would be taken for that one's.
    for part in _parts(path)[1:]:
        part.unlink()
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
