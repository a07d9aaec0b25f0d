"""One writer a session: a lock that the kernel frees when its owner dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ml_intern.checkpoints.database import InUseError

_TRIES, _PAUSE = 5, 0.02
"""Seconds: long enough for a passing look at the lock (`holder`) to be over."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a session open."""

    pid: int
    host: str
    since: str
    """Local time, ISO 8601."""

    def __str__(self) -> str:
        """As it stands in a message."""
        since = datetime.fromisoformat(self.since)
        today = since.date() == datetime.now().astimezone().date()
        return f"process {self.pid} on host {self.host}, since {since:{_format(today)}}"


def _format(today: bool) -> str:
    return "%H:%M" if today else "%Y-%m-%d %H:%M"


def ourselves() -> Holder:
    """This process, from now on."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return Holder(os.getpid(), socket.gethostname(), now)


def refusal(session_id: str, holder: Holder | None) -> InUseError:
    """What the second one is told."""
    return InUseError(
        f"Session {session_id[:8]} is in use by {holder or 'another process'}. "
        "Close it there first, or start another session."
    )


class FileLock:
    """`flock` on a file of its own, which says who holds it. All methods block, but not long.

    Children do not inherit it: Python opens files close-on-exec. Between hosts that share a folder
    over a network it may not hold; SQLite's WAL does not work there either.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, session_id: str) -> None:
        """Become the holder.

        Raises:
            InUseError: someone else is.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(_TRIES):
            if self._try():
                return
            time.sleep(_PAUSE)
        raise refusal(session_id, _read(self._path))

    def release(self) -> None:
        """Let go, if we are the holder."""
        if self._file is None:
            return
        # Before it is unlocked: afterwards, the file could already be another's.
        if _is(self._file, self._path):
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = None

    def _try(self) -> bool:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        # Between the two, the last holder may have removed the file we opened.
        if not (_locked(file, fcntl.LOCK_EX) and _is(file, self._path)):
            os.close(file)
            return False
        self._file = file
        with suppress(OSError):  # On a full disk, the lock holds without a name on it.
            os.ftruncate(file, 0)
            os.pwrite(file, json.dumps(asdict(ourselves())).encode(), 0)
        return True


def holder(path: Path) -> Holder | None:
    """Who holds the lock; a file whose owner was killed tells of nobody."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _locked(file, fcntl.LOCK_SH) else _read(path)
    finally:
        os.close(file)


def _locked(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
