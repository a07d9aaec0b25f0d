"""Shows a person the lines of a running command, few enough to be read."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

from ml_intern.tools.output import decode, strip_ansi, visible

RATE = 20
"""Lines a second, and lines at once: more cannot be read, and each costs an event."""
_LOOK = 16 * 1024
_WIDTH = 500
_SETTLE = 0.25


class LineFeed:
    """Passes on complete lines, `RATE` a second at most; the last one always arrives.

    Belongs to the event loop it is used on.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._rest = b""
        self._held: bytes | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._allowance = float(RATE)
        self._refilled = time.monotonic()

    def feed(self, data: bytes) -> None:
        """Take output as it came from the pipe; only the end of a flood is looked at."""
        *lines, rest = re.split(rb"[\r\n]+", self._rest + data[-_LOOK:])
        self._rest = rest[-_LOOK:]
        lines = [line for line in lines if line.strip()]
        if lines:
            self._pass_on(lines)

    def close(self) -> None:
        """Show what was held back, an unfinished last line included."""
        if self._rest.strip():
            self._held = self._rest
        self._rest = b""
        self._release()

    def _pass_on(self, lines: list[bytes]) -> None:
        self._refill()
        allowed = lines[-int(self._allowance) :] if self._allowance >= 1 else []
        self._allowance -= len(allowed)
        for line in allowed:
            self._emit(line)
        self._held = None if allowed else lines[-1]
        if self._held is not None and self._timer is None:
            # The flood may be followed by silence; then this line is the news.
            self._timer = asyncio.get_running_loop().call_later(_SETTLE, self._release)

    def _refill(self) -> None:
        now = time.monotonic()
        self._allowance = min(RATE, self._allowance + (now - self._refilled) * RATE)
        self._refilled = now

    def _release(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._held is not None:
            self._emit(self._held)
            self._held = None

    def _emit(self, line: bytes) -> None:
        self._show(visible(strip_ansi(decode(line[: 4 * _WIDTH])))[:_WIDTH])
