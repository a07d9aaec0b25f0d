"""Keeps the output of a command: both ends in memory, as much as is sensible on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ml_intern.tools.output import create

DISK_CAP = 64 * 1024 * 1024
"""Bytes one command may leave on disk; a training log is far below, a runaway loop far above."""
_HEAD = 64 * 1024
_TAIL = 512 * 1024
_COPY = 1024 * 1024


class View(NamedTuple):
    """Both ends of the output; they meet unless something is missing between them."""

    head: bytes
    tail: bytes
    total: int

    @property
    def missing(self) -> int:
        """Bytes between head and tail."""
        return self.total - len(self.head) - len(self.tail)


class RollingFile:
    """A file that never grows over `cap`: its first quarter stays, the rest holds the latest."""

    def __init__(self, path: Path, cap: int) -> None:
        self._path = path
        self._cap = cap
        self._head = cap // 4
        self._written = 0
        self._file = create(path)

    @property
    def dropped(self) -> int:
        """Bytes that are no longer in the file."""
        return max(0, self._written - self._cap)

    def write(self, data: bytes) -> None:
        """Add `data`, over the oldest bytes after the head if the file is full."""
        rest = memoryview(data)
        while rest:
            position, room = self._slot()
            self._file.seek(position)
            self._file.write(rest[:room])
            self._written += len(rest[:room])
            rest = rest[room:]

    def _slot(self) -> tuple[int, int]:
        if self._written < self._cap:
            return self._written, self._cap - self._written
        ring = self._cap - self._head
        offset = (self._written - self._cap) % ring
        return self._head + offset, ring - offset

    def finish(self) -> None:
        """Bring the bytes into order and close."""
        try:
            if self.dropped:
                self._straighten()
        finally:
            self._file.close()

    def remove(self) -> None:
        """Close without a trace."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _straighten(self) -> None:
        oldest, _ = self._slot()
        straight = self._path.with_name(f"{self._path.name}.part")
        try:
            with create(straight) as out:
                self._copy(out, 0, self._head)
                out.write(f"\n[... {self.dropped:,} bytes dropped ...]\n".encode())
                self._copy(out, oldest, self._cap)
                self._copy(out, self._head, oldest)
            straight.replace(self._path)
        finally:
            straight.unlink(missing_ok=True)

    def _copy(self, out: BinaryIO, start: int, stop: int) -> None:
        self._file.seek(start)
        while start < stop:
            data = self._file.read(min(_COPY, stop - start))
            out.write(data)
            start += len(data)


class Capture:
    """Takes output of any size with flat memory. Blocking, and safe to use from any thread."""

    def __init__(self, path: Path, disk_cap: int = DISK_CAP) -> None:
        self.path = path
        self.total = 0
        self.fault: str | None = None
        """Why the full output is not on disk, if it is not."""
        self._disk_cap = disk_cap
        self._head = bytearray()
        self._tail = bytearray()
        self._file: RollingFile | None = None
        self._closed = False
        self._lock = threading.Lock()

    @property
    def dropped(self) -> int:
        """Bytes that are missing from the middle of the file."""
        return self._file.dropped if self._file else 0

    def write(self, data: bytes) -> None:
        """Add output; ignored once closed, because a thread may come late."""
        with self._lock:
            if self._closed:
                return
            self.total += len(data)
            self._remember(data)
            self._save(data)

    def view(self) -> View:
        """What is in memory; nothing is missing below half a megabyte."""
        with self._lock:
            return View(bytes(self._head), bytes(self._tail), self.total)

    def close(self) -> None:
        """Take no more, and complete the file on disk."""
        with self._lock:
            self._closed = True
            if self._file and self.fault is None:
                self._attempt(self._file.finish)

    def discard(self) -> None:
        """Take no more, and leave nothing on disk."""
        with self._lock:
            self._closed = True
            if self._file:
                self._attempt(self._file.remove)

    def _remember(self, data: bytes) -> None:
        room = _HEAD - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * _TAIL:
            del self._tail[:-_TAIL]

    def _save(self, data: bytes) -> None:
        if self.fault is None:
            self._attempt(lambda: self._opened().write(data))

    def _opened(self) -> RollingFile:
        self._file = self._file or RollingFile(self.path, self._disk_cap)
        return self._file

    def _attempt(self, action: Callable[[], None]) -> None:
        # A full disk must not end the command, whose output is also in memory.
        try:
            action()
        except OSError as error:
            self.fault = error.strerror or str(error)
