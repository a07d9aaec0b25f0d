"""Which files of a folder are the model, and which stay behind."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ml_intern.configs.text import storable
from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.paths import explained, show
from ml_intern.tools.repos.leftovers import NEVER, folder_reason, reason
from ml_intern.tools.repos.selection import inside

MOST = 20_000
"""Files of a folder above which it is none of a model; a commit may have 25,000."""
_SIZES = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file that goes to the Hub."""

    path: str
    """Relative to the folder, with slashes."""
    size: int
    modified: int = 0
    """Nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What stays behind; a folder's path ends with a slash."""

    path: str
    reason: str
    size: int | None = None
    """Bytes; None for a folder, which is not looked into."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A folder, sorted by path."""

    root: Path
    files: tuple[LocalFile, ...]
    left_out: tuple[LeftOut, ...]


def contents(root: Path, include: Sequence[str] = ()) -> Contents:
    """What of `root` goes and what stays. Blocks.

    Raises:
        ToolError: it cannot be read, or has more than `MOST` files.
    """
    files: list[LocalFile] = []
    left: list[LeftOut] = []
    with explained(root):
        for found in _walked(root, root, tuple(include), outside=""):
            (files if isinstance(found, LocalFile) else left).append(found)  # type: ignore[arg-type]
            if len(files) + len(left) > MOST:
                raise ToolError(
                    f"{show(root)} has more than {MOST:,} files: name the folder of the model."
                )
    by_path = lambda found: found.path  # noqa: E731 - the key of two sorts
    return Contents(root, tuple(sorted(files, key=by_path)), tuple(sorted(left, key=by_path)))


def _walked(
    root: Path, folder: Path, include: tuple[str, ...], outside: str
) -> Iterator[LocalFile | LeftOut]:
    """`outside` is why the folder stays behind, except for what is asked for by name."""
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        path = Path(entry.path).relative_to(root).as_posix()
        if not storable(path) or "\n" in path:
            yield LeftOut(ascii(path), "its name cannot be stored")
        elif entry.is_dir(follow_symlinks=False):
            why = outside or folder_reason(entry.name)
            if why and (why in NEVER or not _asked_within(path, include)):
                yield LeftOut(f"{path}/", why)
            else:
                yield from _walked(root, Path(entry.path), include, why)
        else:
            yield _judged(root, entry, path, include, outside)


def _judged(
    root: Path, entry: os.DirEntry[str], path: str, include: tuple[str, ...], outside: str
) -> LocalFile | LeftOut:
    why = outside or reason(entry.name)
    if entry.is_symlink() and not inside(root, Path(entry.path)):
        return LeftOut(path, "a link out of the folder, or to nothing")
    status = entry.stat()
    if not stat.S_ISREG(status.st_mode):
        return LeftOut(path, "no regular file")
    never = reason(entry.name)
    if why and (never in NEVER or not asked(path, include)):
        return LeftOut(path, never if never in NEVER else why, status.st_size)
    return LocalFile(path, status.st_size, status.st_mtime_ns)


def asked(path: str, include: Sequence[str]) -> bool:
    """Whether `path`, its name or a folder it is in is among the patterns."""
    name = path.rpartition("/")[2]
    return any(
        fnmatchcase(path, pattern)
        or fnmatchcase(name, pattern)
        or path.startswith(f"{pattern.rstrip('/')}/")
        for pattern in include
    )


def _asked_within(folder: str, include: Sequence[str]) -> bool:
    """Whether a pattern may be about something in the folder."""
    return any(f"{pattern.rstrip('/')}/".startswith(f"{folder}/") for pattern in include) or asked(
        folder, include
    )


def size(number: int) -> str:
    """Bytes for people: "1.2 MB"."""
    fits = (f"{number / unit:,.1f} {name}" for unit, name in _SIZES if number >= unit)
    return next(fits, f"{number} B")
