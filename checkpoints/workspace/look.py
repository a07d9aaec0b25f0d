"""Looks at one path: what it is, with its content, and whether that can be relied on later."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISLNK, S_ISREG
from typing import NamedTuple

from ml_intern.checkpoints.workspace.states import ABSENT, Dir, File, Link, Reason, State, Unknown

Stamp = tuple[int, ...]
"""Mode, size, times and inode; () means: look at the content again."""
Put = Callable[[bytes], bytes]
"""Takes a content, returns its digest."""

_RACY = 2_000_000_000
"""Nanoseconds around its time stamps in which a file may change again without their showing it:
some file systems (FAT) count in steps of two seconds, and clocks jump."""
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# O_PATH needs no permission to list a folder, only to pass through it; Linux alone has it.
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Entry(NamedTuple):
    """What is known of a path."""

    state: State
    stamp: Stamp = ()


def stamp_of(status: os.stat_result) -> Stamp:
    """What changes with a file."""
    return (
        status.st_mode,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
    )


def unknown(reason: Reason, status: os.stat_result) -> Entry:
    """Something not covered, with what tells that it changes."""
    stamp = stamp_of(status)
    return Entry(Unknown(reason, mark_of(stamp)), stamp)


def mark_of(stamp: Stamp) -> str:
    """Of a stamp, what changes only with the content."""
    _, size, modified, _, inode = stamp
    return f"{size} {modified} {inode}"


def digest_of(data: bytes) -> bytes:
    """A `Put` that stores nothing."""
    return sha256(data).digest()


def look(folder: int, name: str, limit: int, put: Put = digest_of) -> Entry:
    """What `name` is in an open folder; files up to `limit` bytes are read.

    Raises:
        OSError: it is not there (FileNotFoundError) or cannot be read.
    """
    status = os.lstat(name, dir_fd=folder)
    if S_ISREG(status.st_mode):
        return _file(folder, name, limit, put)
    if S_ISDIR(status.st_mode):
        return Entry(Dir(S_IMODE(status.st_mode)))
    if S_ISLNK(status.st_mode):
        return Entry(Link(os.readlink(name, dir_fd=folder)), _lasting(status, time.time_ns()))
    return unknown(Reason.SPECIAL, status)


def _file(folder: int, name: str, limit: int, put: Put) -> Entry:
    started = time.time_ns()
    with os.fdopen(os.open(name, _READ, dir_fd=folder), "rb") as file:
        before = os.fstat(file.fileno())
        if not S_ISREG(before.st_mode):
            return unknown(Reason.SPECIAL, before)
        data = file.read(limit + 1) if before.st_size <= limit else b""
        after = os.fstat(file.fileno())
    if before.st_size > limit or len(data) > limit:
        return unknown(Reason.LARGE, after)
    steady = stamp_of(before) == stamp_of(after) and len(data) == after.st_size
    stamp = _lasting(after, started) if steady else ()
    return Entry(File(put(data), S_IMODE(after.st_mode)), stamp)


def _lasting(status: os.stat_result, now: int) -> Stamp:
    """The stamp, unless the file may change within the same one."""
    racy = any(abs(now - at) < _RACY for at in (status.st_mtime_ns, status.st_ctime_ns))
    return () if racy else stamp_of(status)


@contextmanager
def parent(root: Path, path: str) -> Iterator[tuple[int, str]]:
    """The folder that a path is in, opened without following a link, and the path's name in it.

    Raises:
        FileNotFoundError: there is no such folder.
        NotADirectoryError: a part of the path is a link or a file.
    """
    *folders, name = path.strip("/").split("/")
    descriptor = os.open("/" if path.startswith("/") else root, _PASS)
    try:
        for folder in folders:
            inner = _inner(folder, descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor, name
    finally:
        os.close(descriptor)


def _inner(name: str, folder: int) -> int:
    try:
        return os.open(name, _PASS, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:  # what macOS says of a link
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", name) from error
        raise


def look_at(root: Path, path: str, limit: int, put: Put = digest_of) -> State:
    """What a path is now, absolute or relative to `root`; never raises for the path's sake."""
    try:
        with parent(root, path) as (folder, name):
            return look(folder, name, limit, put).state
    except FileNotFoundError:
        return ABSENT
    except NotADirectoryError:
        return Unknown(Reason.BLOCKED)
    except OSError:
        return Unknown(Reason.UNREADABLE)
