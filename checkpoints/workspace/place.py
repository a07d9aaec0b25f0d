"""Puts a file, a link or a folder in its place within an open folder, or takes it away."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from stat import S_IMODE
from uuid import uuid4

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Check = Callable[[], None]
"""Called at the last moment; raises if the path is no longer what it was."""


@contextmanager
def writable(folder: int) -> Iterator[None]:
    """Make an open folder of the user's writable for as long as its entries are changed.

    Raises:
        OSError: it is not writable and cannot be made so.
    """
    if os.access(".", os.W_OK | os.X_OK, dir_fd=folder):
        yield
        return
    mode = S_IMODE(os.fstat(folder).st_mode)
    os.chmod(".", mode | 0o700, dir_fd=folder)
    try:
        yield
    finally:
        os.chmod(".", mode, dir_fd=folder)


def place_file(folder: int, name: str, data: bytes, mode: int, check: Check, *, sync: bool) -> None:
    """Put a file there in one step, in place of a file or link; the owner stays the same."""
    temporary = _temporary()
    try:
        descriptor = os.open(temporary, _CREATE, 0o600, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            _keep_owner(folder, name, descriptor)
            os.fchmod(descriptor, mode)
            if sync:
                os.fsync(descriptor)
        check()
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        _discard(folder, temporary)
        raise


def place_link(folder: int, name: str, target: str, check: Check) -> None:
    """Put a symbolic link there in one step, in place of a file or link."""
    temporary = _temporary()
    try:
        os.symlink(target, temporary, dir_fd=folder)
        check()
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        _discard(folder, temporary)
        raise


def place_folder(folder: int, name: str, mode: int, check: Check) -> None:
    """Put an empty folder there in one step; nothing, or an empty folder, is in its place."""
    temporary = _temporary()
    os.mkdir(temporary, dir_fd=folder)
    try:
        os.chmod(temporary, mode, dir_fd=folder)
        check()
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.rmdir(temporary, dir_fd=folder)
        raise


def sync_folder(folder: int) -> None:
    """Make what was put into an open folder durable, where the file system can."""
    with suppress(OSError):
        descriptor = os.open(".", _LIST, dir_fd=folder)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _temporary() -> str:
    return f".ml-intern-{uuid4().hex}.tmp"


def _discard(folder: int, name: str) -> None:
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)


def _keep_owner(folder: int, name: str, descriptor: int) -> None:
    with suppress(OSError):
        old = os.lstat(name, dir_fd=folder)
        os.fchown(descriptor, old.st_uid, old.st_gid)
