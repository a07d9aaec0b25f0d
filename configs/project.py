"""The folders a project's own texts are looked for in, and how such a text is read.

A cloned repository is not trusted, and neither is a folder that others can write to: what is read
must be a regular file of ours, and must not lead out of the project.
"""

from __future__ import annotations

import codecs
import os
import stat
from dataclasses import dataclass
from pathlib import Path


class UnusableError(Exception):
    """A file is there and cannot be taken; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Where to look."""

    folders: tuple[Path, ...]
    """From the working folder up to the root of the repository; without one, to the user's home."""
    root: Path | None
    """Of the repository; None if there is none."""

    @property
    def cwd(self) -> Path:
        """The working folder, without symlinks."""
        return self.folders[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The beginning of a file."""

    text: str
    size: int
    """Bytes of the whole file."""
    cut: bool


def project_of(cwd: Path) -> Project:
    """The folders from `cwd` upwards that belong to it."""
    here, top = cwd.resolve(), home()
    folders: list[Path] = []
    for folder in (here, *here.parents):
        folders.append(folder)
        if _there(folder / ".git"):
            return Project(folders=tuple(folders), root=folder)
        if folder == top:
            break
    return Project(folders=tuple(folders), root=None)


def home() -> Path | None:
    """The user's home, without symlinks."""
    try:
        return Path.home().resolve()
    except RuntimeError:  # no HOME, and none in the user database
        return None


def _there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def read_own(path: Path, most: int) -> Text | None:
    """The first `most` bytes of a file of the user's; None if it is not there.

    Raises:
        UnusableError: it is there and cannot be read.
    """
    return _read(path, most)


def read_theirs(path: Path, most: int, project: Project, folder: Path) -> Text | None:
    """The same of a file that `folder` of the project came with.

    Raises:
        UnusableError: it cannot be read, leads out of the project or belongs to somebody else.
    """
    try:
        real = path.resolve(strict=True)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as error:
        raise UnusableError(_why(error)) from error
    if not real.is_relative_to(project.root or folder):
        raise UnusableError(f"it is a link that leads out of the project, to {real}")
    if real.suffix.lower() != ".md":  # such as a link to .env
        raise UnusableError(f"it is a link to {real}, which is no Markdown file")
    chosen = folder == project.cwd and not _open_to_all(folder)
    owners = None if chosen else {os.geteuid(), 0, _owner(project.cwd)}
    return _read(real, most, os.O_NOFOLLOW, owners)


def _read(path: Path, most: int, flags: int = 0, owners: set[int] | None = None) -> Text | None:
    try:
        # A FIFO would make `open` wait for a writer, a device may act on being opened.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnusableError("it is not a regular file")
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | flags)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnusableError("it is not a regular file")
            if owners is not None and status.st_uid not in owners:
                raise UnusableError("it belongs to another user, who was free to put it there")
            data = file.read(most + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableError(_why(error)) from error
    cut = len(data) > most
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    text = decoder.decode(data[:most], final=not cut)
    return Text(text=text, size=max(status.st_size, len(data)), cut=cut)


def _open_to_all(folder: Path) -> bool:
    """Whether anybody can put a file there, as into /tmp."""
    try:
        return bool(folder.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return True


def _owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return 0


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or "its symbolic links go in a circle")
