"""Where a text occurs in a file, and how line endings are written there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_NEWLINE = r"(?:\r\n|(?<!\r)\n)"
"""A line ending of either kind, and never the second half of one."""


class Span(NamedTuple):
    """Characters from `start` up to, not including, `end`."""

    start: int
    end: int


def occurrences(text: str, wanted: str, *, overlapping: bool) -> Iterator[Span]:
    """Every place of `wanted`; a bare newline in it stands for CR LF too.

    Overlapping ones count where one place must be meant: in "aaa" there are two of "aa".
    """
    if "\r" in wanted:
        pattern = re.compile(re.escape(wanted))
    else:
        pattern = re.compile(_NEWLINE.join(map(re.escape, wanted.split("\n"))))
    position = 0
    while found := pattern.search(text, position):
        yield Span(*found.span())
        position = found.start() + 1 if overlapping else found.end()


def line_of(text: str, position: int) -> int:
    """The number of the line that holds `position`."""
    return text.count("\n", 0, position) + 1


def in_style_of(text: str, span: Span, addition: str) -> str:
    """`addition` with the line endings in use at `span`; one that brings CR is left as it is."""
    if "\r" in addition or "\n" not in addition:
        return addition
    nearest = text.find("\n", span.start)
    if nearest < 0:
        nearest = text.rfind("\n", 0, span.start)
    if nearest > 0 and text[nearest - 1] == "\r":
        return addition.replace("\n", "\r\n")
    return addition
