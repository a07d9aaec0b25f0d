"""What libraries and log entries print while the pane is shown: above it, not across it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable


class Stray(io.TextIOBase):
    """Stands in for stderr; hands on whole lines, from any thread."""

    def __init__(self, line: Callable[[str], None]) -> None:
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._begun = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What is asked of every stream."""
        return "utf-8"

    def write(self, text: str, /) -> int:
        """Hand on what is a line by now."""
        *lines, self._begun = f"{self._begun}{text}".split("\n")
        for line in lines:
            self._loop.call_soon_threadsafe(self._line, line)
        return len(text)
