"""A change shown as a short unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from ml_intern.tools.output import clip, visible

CAP = 6000
_CONTEXT = 3
_WIDTH = 300
_COMPARED = 2000


def short_diff(old: str, new: str) -> str:
    """The changed lines with three around them, in at most `CAP` characters."""
    before, after = old.split("\n"), new.split("\n")
    head = _common(before, after)
    rest = min(len(before), len(after)) - head
    tail = _common(before[::-1][:rest], after[::-1][:rest])
    start = max(0, head - _CONTEXT)
    keep = max(0, tail - _CONTEXT)
    before, after = before[start : len(before) - keep], after[start : len(after) - keep]
    if len(before) + len(after) > _COMPARED:
        # Comparing takes quadratic time, and nobody reads that many lines.
        return f"(changes spread over lines {start + 1}-{start + len(before)}; too long to show)"
    return clip("\n".join(_hunks(before, after, start + 1)), CAP)


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(first), len(second)))


def _hunks(before: list[str], after: list[str], line: int) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        a, b, c, d = group[0][1], group[-1][2], group[0][3], group[-1][4]
        yield f"@@ -{a + line},{b - a} +{c + line},{d - c} @@"
        for tag, i, j, k, m in group:
            if tag == "equal":
                yield from _marked(" ", before[i:j])
            else:
                yield from _marked("-", before[i:j])
                yield from _marked("+", after[k:m])


def _marked(sign: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        shown = visible(line.removesuffix("\r"))
        yield sign + (shown if len(shown) <= _WIDTH else f"{shown[:_WIDTH]} [...]")
