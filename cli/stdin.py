"""The prompt, from the words of the command line and from stdin."""

from __future__ import annotations

import array
import fcntl
import os
import select
import stat
import sys
import termios
import time
from collections.abc import Sequence

from ml_intern.cli.streams import say
from ml_intern.configs.errors import ConfigError, Exit, MlInternError

_SILENT = 2.0
"""Seconds of waiting for stdin before it is said."""


class StdinTimeoutError(MlInternError):
    """Nobody ended stdin in time."""

    exit = Exit.TIMEOUT


def read_prompt(
    words: Sequence[str] | None, *, optional: bool, timeout: float | None = None
) -> str | None:
    """The message to send.

    The words; all of stdin for `-` and for a pipe without words; with `-` among words, both.

    Raises:
        ConfigError: there is none, and `optional` is False.
        StdinTimeoutError: stdin was still open after `timeout` seconds.
    """
    rest = [word for word in words or () if word != "-"]
    piped = not sys.stdin.isatty()
    if not rest and (words or piped):
        text = _read(timeout)
    elif words and len(rest) < len(words) and piped:
        text = f"{' '.join(rest)}\n\n<stdin>\n{_read(timeout).rstrip()}\n</stdin>"
    else:
        text = " ".join(words or [])
        if _holds_something():
            say("ml-intern: what is piped in is not read. To send it along, add - to the words.")
    if text.strip():
        return text
    if optional and not words:
        return None
    raise ConfigError("There is no prompt. Give one as an argument, or pipe one in with '-'.")


def _read(timeout: float | None) -> str:
    """All of stdin. Bytes that are not UTF-8 become lone surrogates; the session mends them."""
    began, said, read = time.monotonic(), False, bytearray()
    while True:
        waited = time.monotonic() - began
        left = _SILENT if timeout is None else min(_SILENT, timeout - waited)
        if left <= 0:
            raise StdinTimeoutError("Stdin was still open at the --timeout; nothing was begun.")
        if select.select([sys.stdin], [], [], left)[0]:
            piece = _piece()
            if not piece:
                return read.decode("utf-8", "surrogateescape")
            read += piece
        elif not said and not read:
            said = True
            say("ml-intern: reading the prompt from stdin, until it is closed …")


def _piece() -> bytes:
    try:
        return os.read(sys.stdin.fileno(), 1 << 16)
    except OSError as error:
        raise ConfigError(
            f"Stdin cannot be read: {error.strerror}. Give the prompt as an argument."
        ) from error


def _holds_something() -> bool:
    """Whether somebody piped something in, as far as it is there by now."""
    waiting = array.array("i", [0])
    try:
        if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
            fcntl.ioctl(sys.stdin.fileno(), termios.FIONREAD, waiting)
    except (OSError, ValueError):
        return False
    return waiting[0] > 0
