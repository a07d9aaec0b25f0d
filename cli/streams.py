"""The three standard streams, any of which may be closed, full, or read by nobody."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from ml_intern.cli.safe import safe

SIGPIPE = 141
"""What a shell reports of a program whose reader went away: 128 + 13."""


def prepare_streams() -> None:
    """Give each closed stream its number back, before a file of ours takes it."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, _nowhere(name))
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            # Somebody's pipe may be set not to block: what it has no room for now would be lost.
            os.set_blocking(stream.fileno(), True)
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal's encoding cannot show must not end a run that is done.
            stream.reconfigure(errors="backslashreplace")


def _nowhere(name: str) -> TextIO:
    """Without the right to write as stdout: writing the answer fails, as it does for anyone."""
    number = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
    return os.fdopen(number, "r" if name == "stdin" else "w", closefd=False)


def say(text: str) -> None:
    """A line for people, on stderr."""
    Lenient(sys.stderr).write(f"{safe(text)}\n")


def abandon(stream: TextIO) -> None:
    """Let what is left in a stream's buffer go nowhere, or the interpreter fails on it at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def flushed(code: int) -> int:
    """The exit code of a command that is done but for what stdout still holds."""
    if (lost := _attempt(sys.stdout.flush)) is None:
        return code
    return code or lost


def _attempt(write: Callable[[], object]) -> int | None:
    """Write to stdout; if that fails, the exit code which says so."""
    try:
        write()
    except OSError as error:
        abandon(sys.stdout)
        if error.errno == errno.EPIPE:
            return SIGPIPE
        say(f"ml-intern: stdout cannot be written to: {error.strerror}.")
        return 1
    return None


class Lenient(io.TextIOBase):
    """A stream whose failing stops nothing: progress that nobody can read any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's own."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """Write what can be written."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            abandon(self._stream)
        return len(text)

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The stream's own."""
        return self._stream.fileno()


class Answers:
    """stdout, which carries the answer and nothing else."""

    def __init__(self) -> None:
        self.lost: int | None = None
        """Once it cannot be written to: the exit code that says so."""

    def write(self, text: str) -> None:
        """Write and flush; nothing any more once it is lost."""
        if self.lost is not None:
            return
        self.lost = _attempt(lambda: print(text, end="", flush=True))
