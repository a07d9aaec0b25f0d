"""The rules of `.gitignore` files; git itself is never run."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".gitignore"
_LONGEST = 1_000_000
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Rules:
    """The ignore files that hold in a folder, nearest first.

    Only those below the working folder: who works in a folder that an outer one ignores (a home
    kept in git ignores everything) means it to be covered.
    """

    files: tuple[tuple[int, str], ...] = ()
    """How long the path of the file's folder is, its slash included, and the file's text."""

    def nested(self, prefix: str, text: str) -> Rules:
        """The rules in a folder with an ignore file of its own."""
        return Rules(((len(prefix), text), *self.files))

    def ignores(self, path: str, *, folder: bool = False) -> bool:
        """Whether a path is ignored, its folder not being so: the nearest file to say decides."""
        full = f"{path}/" if folder else path
        for length, text in self.files:
            include = _spec(text).check_file(full[length:]).include
            if include is not None:
                return include
        return False


def read_rules(descriptor: int) -> str:
    """The text of the ignore file in an open folder; "" if it cannot be read, as git does."""
    with suppress(OSError):
        file = os.open(IGNORE_FILE, _FLAGS, dir_fd=descriptor)
        with os.fdopen(file, "rb") as stream:
            return stream.read(_LONGEST).decode("utf-8-sig", "surrogateescape")
    return ""


@lru_cache(maxsize=256)
def _spec(text: str) -> GitIgnoreSpec:
    # Imported late: it takes 40 ms, and most sessions never look at an ignore file.
    from pathspec import GitIgnoreSpec

    # Not `splitlines`, which also breaks at form feeds and the like.
    lines = text.split("\n")
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        return GitIgnoreSpec.from_lines([line for line in lines if _valid(line)])


def _valid(line: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
