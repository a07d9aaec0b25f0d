"""Paths the model names: resolved, checked, and explained when they are wrong."""

from __future__ import annotations

import difflib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from ml_intern.configs.text import storable
from ml_intern.tools.errors import ToolError
from ml_intern.tools.output import visible
from ml_intern.tools.spec import ToolContext

_NAMES_LOOKED_AT = 5_000
_REMEDIES = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "is no valid path: a part of it before the last is a file, not a folder",
    errno.EISDIR: "is a folder, not a file",
    errno.EACCES: "is not accessible: permission denied. Check `ls -ld` of it and its folder",
    errno.EPERM: "may not be changed: operation not permitted. Check `ls -ld` and `lsattr`",
    errno.EROFS: "is on a read-only file system. Choose another place",
    errno.ENOSPC: "cannot be written: no space left on the device. Free some (`df -h`) or "
    "choose another place",
    errno.EDQUOT: "cannot be written: the disk quota is used up. Free some space",
    errno.ENAMETOOLONG: "is too long a name. Use a shorter one (255 bytes a part at most)",
    errno.ELOOP: "is a symbolic link that leads to itself. Give the real path",
    errno.EBUSY: "is in use by the system (a mount point?). Choose another place",
}
_KINDS = {
    stat.S_ISDIR: "a folder; list it with `bash`: ls -la",
    stat.S_ISFIFO: "a named pipe, not a regular file; use `bash`",
    stat.S_ISSOCK: "a socket, not a regular file",
    stat.S_ISCHR: "a character device, not a regular file; use `bash`",
    stat.S_ISBLK: "a block device, not a regular file; use `bash`",
}


def show(path: Path) -> str:
    """`path` as it may appear in a message."""
    return visible(str(path))


def locate(path: str, ctx: ToolContext) -> Path:
    """The file that `path` means: absolute, links followed. It need not exist."""
    if not path.strip():
        raise ToolError("The path is empty; name a file.")
    if not storable(path):
        raise ToolError(f"The path {visible(path)!r} contains a NUL or a lone surrogate.")
    given = Path(path)
    if given.parts[:1] == ("~",) and (home := ctx.env.get("HOME")):
        given = Path(home, *given.parts[1:])
    target = ctx.cwd / given
    with explained(target):
        try:
            return target.resolve()
        except RuntimeError as error:
            raise ToolError(f"{show(target)} {_REMEDIES[errno.ELOOP]}.") from error


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's errors about `path` into ones the model can act on."""
    try:
        yield
    except OSError as error:
        said = _REMEDIES.get(error.errno or 0, f"failed: {error.strerror or error}")
        raise ToolError(f"{show(path)} {said}.") from error


def folder(path: str, ctx: ToolContext) -> Path:
    """The existing folder that `path` means."""
    found = locate(path, ctx)
    status = status_of(found)
    if status is None:
        raise ToolError(f"The folder {show(found)} does not exist.{hint(found)}")
    if not stat.S_ISDIR(status.st_mode):
        raise ToolError(f"{show(found)} is a file, not a folder.")
    return found


def status_of(path: Path) -> os.stat_result | None:
    """What `path` is, or None if there is nothing."""
    with explained(path):
        try:
            return path.stat()
        except FileNotFoundError:
            return None


def regular(path: Path) -> os.stat_result:
    """The status of a regular file; anything else is refused by name, before it is opened."""
    status = status_of(path)
    if status is None:
        raise ToolError(f"{show(path)} does not exist.{hint(path)}")
    require_regular(path, status)
    return status


def require_regular(path: Path, status: os.stat_result) -> None:
    """Refuse what is not a regular file: opening a pipe or a device may wait for ever."""
    if stat.S_ISREG(status.st_mode):
        return
    kind = next((said for test, said in _KINDS.items() if test(status.st_mode)), "no regular file")
    raise ToolError(f"{show(path)} is {kind}.")


def hint(path: Path) -> str:
    """Where a missing path may have been meant to lead."""
    parent = path.parent
    try:
        names = [entry.name for entry in islice(parent.iterdir(), _NAMES_LOOKED_AT)]
    except NotADirectoryError:
        return f" {show(parent)} is a file, not a folder."
    except FileNotFoundError:
        return f" Its folder {show(parent)} does not exist either."
    except OSError:
        return ""
    by_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(path.name.lower(), by_lower, n=3, cutoff=0.6)
    if not close:
        return f" List its folder with `bash`: ls -la {show(parent)}"
    return f" Did you mean {', '.join(show(parent / by_lower[name]) for name in close)}?"
