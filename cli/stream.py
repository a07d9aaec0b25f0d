"""Markdown that arrives in pieces, handed on block by block."""

from __future__ import annotations

import re

_FENCE = re.compile(r"\s*(?P<item>[-*+]\s+|\d+[.)]\s+)?(?P<mark>`{3,}|~{3,})(?P<info>.*)")


class Blocks:
    """Collects text and gives back what can be rendered: paragraphs, lists, whole code fences."""

    def __init__(self) -> None:
        self._pending = ""
        self._read = 0
        """Where the first line of `_pending` begins that is not complete yet."""
        self._fence = ""
        """What opened the code fence that `_read` is in."""

    def feed(self, text: str) -> str:
        """Add text; what is complete up to now, "" if nothing is."""
        self._pending += text
        cut = 0
        for line in self._pending[self._read :].split("\n")[:-1]:
            self._read += len(line) + 1
            self._fence = _fence_after(line, self._fence)
            if not line.strip() and not self._fence:
                cut = self._read
        done, self._pending = self._pending[:cut], self._pending[cut:]
        self._read -= cut
        return done

    def pending(self, most: int) -> str:
        """What waits to be complete, its last `most` characters; a code block stays one."""
        if len(self._pending) <= most:
            return self._pending
        tail = self._pending[-most:]
        tail = tail.partition("\n")[2] or tail  # a single long line has no other beginning
        return f"{self._fence}\n{tail}" if self._fence else tail

    def flush(self) -> str:
        """What is left, complete or not."""
        done, self._pending = self._pending, ""
        self._read, self._fence = 0, ""
        return done


def _fence_after(line: str, fence: str) -> str:
    """The open code fence after `line`, by CommonMark's rules; "" for none."""
    match = _FENCE.match(line)
    if not match:
        return fence
    mark, info = match["mark"], match["info"]
    if not fence:
        return "" if mark[0] in info and mark[0] == "`" else mark
    closes = mark.startswith(fence) and not info.strip() and not match["item"]
    return "" if closes else fence
