"""The home folder and the files of the database: owner, permissions, space."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ml_intern.configs.paths import Home
from ml_intern.sessions.doctor.finding import Finding, Repair, fine, problem, warning

_LITTLE, _TOO_LITTLE = 10**9, 10**8
"""Bytes free below which there is a warning, and a problem."""
PARTS = ("", "-wal", "-shm")
"""What SQLite keeps beside a file."""


def check_home(home: Home) -> list[Finding]:
    """The folder and what lies in it; blocks."""
    root = home.root
    try:
        found = root.stat()
    except FileNotFoundError:
        return [fine("home", f"{root} does not exist yet; the first session makes it")]
    except OSError as error:
        return [problem("home", f"{root}: {error.strerror}", _elsewhere())]
    if not stat.S_ISDIR(found.st_mode):
        return [problem("home", f"{root} is not a folder", _elsewhere())]
    findings = [*_private(root, found, 0o700), *_usable(root)]
    for name in PARTS:
        findings += _file(home.database.with_name(home.database.name + name))
    return [*(findings or [fine("home", f"{root}, private")]), _space(root)]


def _file(path: Path) -> Iterator[Finding]:
    try:
        yield from _private(path, path.stat(), 0o600)
    except FileNotFoundError:
        return
    except OSError as error:
        yield problem("permissions", f"{path}: {error.strerror}", _elsewhere())


def _private(path: Path, found: os.stat_result, mode: int) -> Iterator[Finding]:
    if found.st_uid != os.getuid():
        remedy = f"Give it to yourself: sudo chown {os.getuid()} '{path}'"
        yield problem("owner", f"{path} belongs to user {found.st_uid}, not to you", remedy)
    elif (has := stat.S_IMODE(found.st_mode)) & 0o077:
        repair = Repair(what=f"make {path} private ({mode:04o})", do=partial(_close, path, mode))
        said = f"{path} can be used by others ({has:04o} instead of {mode:04o})"
        yield problem("permissions", said, f"chmod {mode:04o} '{path}'", repair)


def _usable(root: Path) -> Iterator[Finding]:
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        yield problem("home", f"{root} cannot be written to", _elsewhere())


async def _close(path: Path, mode: int) -> str:
    await asyncio.to_thread(path.chmod, mode)
    return f"{path} is private now"


def _space(root: Path) -> Finding:
    try:
        free = shutil.disk_usage(root).free
    except OSError as error:
        return warning("disk space", f"unknown: {error.strerror}")
    said = f"{free / 10**9:.1f} GB free"
    if free < _TOO_LITTLE:
        return problem("disk space", said, "Free some: nothing more can be saved soon.")
    return warning("disk space", said, "Free some.") if free < _LITTLE else fine("disk space", said)


def _elsewhere() -> str:
    return "Correct it, or set ML_INTERN_HOME to a folder you may write to."
