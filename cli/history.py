"""The lines of earlier conversations, for the arrow keys."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from prompt_toolkit.history import FileHistory

_READ = 256 * 1024
"""Bytes of the file that are read, its end: each key pressed searches what was read."""
_LONGEST = 16 * 1024
"""Characters of a message that is kept on disk; a longer one is recalled in this run only."""


class LineHistory(FileHistory):
    """A file that cannot be read or written costs the history, and nothing else."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path

    def load_history_strings(self) -> Iterable[str]:
        """The newest first."""
        found: list[list[str]] = [[]]
        for line in self._end().decode("utf-8", errors="replace").split("\n"):
            if line.startswith("+"):
                found[-1].append(line[1:])
            elif found[-1]:
                found.append([])
        return ["\n".join(lines) for lines in reversed(found) if lines]

    def store_string(self, string: str) -> None:
        """Append it to the file."""
        if len(string) <= _LONGEST:
            with suppress(OSError):
                super().store_string(string)

    def _end(self) -> bytes:
        """What the file ends with, from the beginning of an entry."""
        try:
            with self._path.open("rb") if self._path.is_file() else BytesIO() as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _READ))
                end = file.read(_READ)
        except OSError:
            return b""
        return end if size <= _READ else end.partition(b"\n# ")[2]
