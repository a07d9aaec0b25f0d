"""What of a local file or folder goes to the Hub, and what stays behind."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.paths import explained, locate, regular, show, status_of
from ml_intern.tools.output import visible
from ml_intern.tools.repos.credentials import credential, is_text
from ml_intern.tools.repos.fingerprint import fingerprint
from ml_intern.tools.repos.leftovers import NEVER, PRIVATE_FOLDERS, reason
from ml_intern.tools.spec import ToolContext

MOST = 100_000
"""Files of one upload; a repository should have no more."""
_CACHES = frozenset({
    ".hg", ".svn", ".cache", "__pycache__", ".ipynb_checkpoints", ".venv", "venv", "node_modules",
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", *PRIVATE_FOLDERS,
})  # fmt: skip
_JUNK = (".DS_Store", "Thumbs.db", "*.pyc", "*.swp")


@dataclass(frozen=True, slots=True)
class Item:
    """A file that goes to the Hub."""

    name: str
    """Its path in the repository."""
    size: int
    source: Path | bytes
    modified: int = 0
    """Nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes, sorted by name, and what stays."""

    items: tuple[Item, ...]
    left_out: tuple[str, ...]
    """Each with the reason; a folder ends with a slash."""

    @property
    def size(self) -> int:
        """Bytes of all that goes."""
        return sum(item.size for item in self.items)

    @property
    def state(self) -> str:
        """Changes when a file does."""
        return fingerprint((item.name, item.size, item.modified) for item in self.items)


def of_text(content: str, path: str) -> Selection:
    """One file of that text.

    Raises:
        ToolError: it has no name, or one of credentials.
    """
    if not path or path.endswith("/"):
        raise ToolError("path is missing: name the file that `content` is to be.")
    if reason(path.rpartition("/")[2]) in NEVER:
        raise ToolError(f"{path} looks like credentials by its name: it was not uploaded.")
    data = content.encode("utf-8", errors="replace")
    return Selection((Item(path, len(data), data),), ())


def of_local(
    local: str, path: str, patterns: Sequence[str], known: Iterable[str], ctx: ToolContext
) -> Selection:
    """The file or the folder of that name. Blocks.

    Raises:
        ToolError: it is not there, nothing of it may go, or there is a credential in a file.
    """
    root = locate(local, ctx)
    if private := PRIVATE_FOLDERS.keys() & set(root.parts):
        raise ToolError(f"{show(root)} is in {private.pop()}: nothing of that is uploaded.")
    status = status_of(root)
    if status is not None and stat.S_ISDIR(status.st_mode):
        chosen = _of_folder(root, path.strip("/"), patterns)
    else:
        chosen = _of_file(root, regular(root), path)
    _require_clean(chosen.items, tuple(known))
    return chosen


def _of_file(file: Path, status: os.stat_result, path: str) -> Selection:
    if reason(file.name) in NEVER:
        raise ToolError(f"{show(file)} looks like credentials by its name: it was not uploaded.")
    name = f"{path}{file.name}" if not path or path.endswith("/") else path
    return Selection((Item(name, status.st_size, file, status.st_mtime_ns),), ())


def _of_folder(root: Path, path: str, patterns: Sequence[str]) -> Selection:
    items: list[Item] = []
    left: list[str] = []
    prefix = f"{path}/" if path else ""
    with explained(root):
        for found in _walked(root, patterns):
            if isinstance(found, str):
                left.append(found)
            else:
                name = found.relative_to(root).as_posix()
                state = found.stat()
                items.append(Item(prefix + name, state.st_size, found, state.st_mtime_ns))
            if len(items) > MOST:
                raise ToolError(f"{show(root)} has more than {MOST:,} files: upload parts of it.")
    if not items:
        said = f" Left out: {'; '.join(left[:10])}." if left else ""
        raise ToolError(f"There is nothing to upload in {show(root)}.{said}")
    return Selection(tuple(sorted(items, key=lambda item: item.name)), tuple(sorted(left)))


def _walked(root: Path, patterns: Sequence[str]) -> Iterator[Path | str]:
    """Files that go, and what stays behind with the reason."""
    for folder, names, files in os.walk(root, followlinks=False):
        for name in sorted(names):
            if why := _folder_reason(Path(folder, name)):
                names.remove(name)
                yield f"{Path(folder, name).relative_to(root).as_posix()}/ ({why})"
        for name in files:
            file = Path(folder, name)
            relative = file.relative_to(root).as_posix()
            if not printable(relative):
                yield f"{relative!r} (its name has control characters)"
            elif not patterns or any(fnmatchcase(relative, pattern) for pattern in patterns):
                why = _file_reason(root, file)
                yield f"{relative} ({why})" if why else file


def printable(name: str) -> bool:
    """Whether a name takes one line and shows whole, as who approves it must see it."""
    return visible(name) == name and not {"\n", "\t"} & set(name)


def _folder_reason(folder: Path) -> str:
    if folder.is_symlink():
        return "a link to a folder"
    if not printable(folder.name):
        return "its name has control characters"
    return "a cache, credentials, or git's own" if folder.name in _CACHES else ""


def _file_reason(root: Path, file: Path) -> str:
    if (why := reason(file.name)) in NEVER:
        return why
    if any(fnmatchcase(file.name, pattern) for pattern in _JUNK):
        return "a leftover"
    if file.is_symlink() and not inside(root, file):
        return "a link out of the folder, or to nothing"
    return "" if stat.S_ISREG(file.stat().st_mode) else "no regular file"


def inside(root: Path, link: Path) -> bool:
    """Whether a link leads to something in the folder that may go."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    names = target.relative_to(root).parts if target.is_relative_to(root) else ()
    return bool(names) and not _CACHES & set(names) and reason(target.name) not in NEVER


def _require_clean(items: Iterable[Item], known: tuple[str, ...]) -> None:
    for item in items:
        if isinstance(item.source, Path) and is_text(item.source.name, item.size):
            with explained(item.source):
                content = item.source.read_text("utf-8", errors="replace")
            if found := credential(content, known):
                raise ToolError(
                    f"{show(item.source)} has {found[0]} in line {found[1]}. Nothing was uploaded. "
                    "Remove it there, or leave that file out with `patterns`."
                )
