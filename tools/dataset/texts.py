"""The texts of a sample: how long they are, and which come twice."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ml_intern.tools.dataset.conversation import turns_of
from ml_intern.tools.dataset.sample import Row
from ml_intern.tools.dataset.shape import Shape

_EDGES = (0, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768)
"""Tokens at which the histogram is divided."""
TOKEN = 4
"""Characters to a token, roughly, in English."""


def text_columns(shape: Shape) -> list[str]:
    """All columns of text or conversations, for data that fits no method."""
    return [name for name in shape.columns if shape.usable(name)]


def lengths(shape: Shape, columns: Sequence[str]) -> list[int]:
    """Characters of each row's text in these columns; rows that are not whole are left out."""
    return [sum(map(len, texts)) for texts in _texts(shape, columns)]


def duplicates(shape: Shape, columns: Sequence[str]) -> tuple[int, int]:
    """How many rows say what an earlier one says, case and white space aside; of how many."""
    keys = [_normalised(texts) for texts in _texts(shape, columns)]
    keys = [key for key in keys if key]
    return len(keys) - len(set(keys)), len(keys)


def _normalised(texts: Iterable[str]) -> str:
    return "\x00".join(" ".join(text.split()) for text in texts).casefold().strip("\x00")


def _texts(shape: Shape, columns: Sequence[str]) -> list[list[str]]:
    usable = [name for name in columns if name in shape.columns and shape.usable(name)]
    rows = [row for row in shape.sample.rows if usable and not row.cut & set(usable)]
    return [[_text(shape, row, name) for name in usable] for row in rows]


def _text(shape: Shape, row: Row, column: str) -> str:
    value, chat = row.cells.get(column), shape.chats.get(column)
    if chat is None:
        return value if isinstance(value, str) else ""
    return "\n".join(turn.text for turn in turns_of(value, chat) or ())


def length_lines(sizes: Sequence[int]) -> list[str]:
    """Quantiles and a histogram of lengths in characters."""
    if not sizes:
        return []
    ordered = sorted(sizes)
    middle, high = int(statistics.median(ordered)), ordered[int(0.95 * (len(ordered) - 1))]
    marks = [("min", ordered[0]), ("median", middle), ("95%", high), ("max", ordered[-1])]
    told = ", ".join(f"{name} {size:,} ({size // TOKEN:,})" for name, size in marks)
    return [
        f"characters (tokens, taken as characters/4) of a row: {told}",
        f"rows by tokens: {_histogram([size // TOKEN for size in ordered])}",
    ]


def _histogram(ordered: Sequence[int]) -> str:
    cuts = [bisect_left(ordered, edge) for edge in _EDGES]
    bins = [(a, b, upto - start) for (a, b), (start, upto)
            in zip(pairwise(_EDGES), pairwise(cuts), strict=True)]  # fmt: skip
    parts = [f"{a:,}-{b - 1:,}: {count:,}" for a, b, count in bins if count]
    over = len(ordered) - cuts[-1]
    return ", ".join([*parts, *([f"{_EDGES[-1]:,} or more: {over:,}"] if over else [])])
