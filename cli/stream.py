"""Markdown that arrives in pieces, handed on block by block."""

from __future__ import annotations


class Blocks:
    """Collects text and gives back what can be rendered: paragraphs, lists, whole code fences."""

    def __init__(self) -> None:
        self._pending = ""

    def feed(self, text: str) -> str:
        """Add text; what is complete up to now, "" if nothing is."""
        self._pending += text
        cut = self._last_break()
        done, self._pending = self._pending[:cut], self._pending[cut:]
        return done

    def flush(self) -> str:
        """What is left, complete or not."""
        done, self._pending = self._pending, ""
        return done

    def _last_break(self) -> int:
        """Just behind the last blank line that is not inside a code fence."""
        cut, offset, fenced = 0, 0, False
        for line in self._pending.splitlines(keepends=True):
            offset += len(line)
            if line.lstrip().startswith(("```", "~~~")):
                fenced = not fenced
            elif not line.strip() and line.endswith("\n") and not fenced:
                cut = offset
        return cut
