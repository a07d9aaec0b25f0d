"""Fields of what a service answered: of the type that is expected, or left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ml_intern.tools.output import visible

Row = Mapping[str, Any]


def text_of(value: object, most: int = 20_000) -> str:
    """Text on one line; "" for anything else."""
    return " ".join(visible(value[:most]).split()) if isinstance(value, str) else ""


def number_of(value: object) -> int | None:
    """A count; None for anything else, and for what is below zero."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # Of a float that is no number, too.
    return int(value) if 0 <= value < 1e15 else None


def row_of(value: object) -> Row:
    """An object; empty for anything else."""
    return value if isinstance(value, dict) else {}


def rows_of(value: object) -> list[Row]:
    """The objects of a list; empty for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts_of(value: object) -> list[str]:
    """The texts of a list that say anything."""
    return [text for item in value if (text := text_of(item))] if isinstance(value, list) else []


def date_of(value: object) -> str:
    """The day of a date or a time, as in `2026-01-31`; "" for anything else."""
    match = re.match(r"\d{4}-\d{2}-\d{2}(?!\d)", value) if isinstance(value, str) else None
    return match[0] if match else ""


def address_of(value: object) -> str:
    """An address on the web; "" for anything else."""
    text = text_of(value, 300)
    return text if re.fullmatch(r"https?://\S+", text) else ""


def excerpt(text: str, room: int) -> str:
    """`text`, cut after a word where it takes more than `room` characters."""
    if len(text) <= room:
        return text
    head = text[:room]
    return f"{head[: head.rfind(' ') if ' ' in head else room].rstrip(' ,;:')}…"
