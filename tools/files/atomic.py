"""Replaces a file's content in one step: at any instant it is the old one or the new one."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_IWGRP, S_IWOTH, S_IWUSR
from uuid import uuid4

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.paths import explained, show

CHANGING = threading.Lock()
"""Held from checking a file to having changed it, so that parallel calls do not undo each other."""


def replace(path: Path, data: bytes, old: os.stat_result | None) -> None:
    """Put `data` at `path`, keeping mode and owner of the `old` file; both are durable after.

    A hard link to the file elsewhere keeps the old content.
    """
    if old and not _writable(path, old):
        raise ToolError(
            f"{show(path)} is read-only (mode {S_IMODE(old.st_mode):o}). If it is meant to be "
            "changed, run chmod u+w on it first."
        )
    with explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".ml-intern-{uuid4().hex}.tmp")
    with explained(path):
        try:
            _fill(temporary, data, old)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)


def _writable(path: Path, old: os.stat_result) -> bool:
    # Root may write anything, so the bits count too: they are somebody's wish.
    return bool(old.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) and os.access(path, os.W_OK)


def _fill(path: Path, data: bytes, old: os.stat_result | None) -> None:
    # Not `tempfile`: it makes files 0600, and the umask can only be read by setting it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        if old:
            with suppress(PermissionError):
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fchmod(file.fileno(), S_IMODE(old.st_mode))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
