"""Reading JSON that strangers wrote: what is not of the form expected is as if it were missing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ml_intern.tools.output import visible

LONGEST = 200
"""Characters of a name, a value or a note that are shown."""
_LARGEST = 10**16
_SCALES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?(?:e\d{1,2})?)\s*([kmbt]?)", re.IGNORECASE)


def text(value: object, longest: int = LONGEST) -> str:
    """A string on one line, cut at `longest`; "" for anything else."""
    if not isinstance(value, str):
        return ""
    line = visible(" ".join(value[: 4 * longest].split()))
    return line if len(line) <= longest else f"{line[:longest]}…"


def texts(value: object, most: int = 50) -> list[str]:
    """The strings of a list, or the one string, without repetitions."""
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    found = (text(item) for item in items[:most])
    return list(dict.fromkeys(item for item in found if item))


def whole(value: object) -> int | None:
    """A number that counts something: not negative, not absurd."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value <= _LARGEST:
        return None
    return int(value) if value == int(value) else None


def positive(value: object) -> int | None:
    """A size: a count that is not zero."""
    return whole(value) or None


def number(value: object) -> float | None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) <= _LARGEST and math.isfinite(value) else None


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object, most: int = 1000) -> list[Mapping[str, Any]]:
    """The JSON objects of a list."""
    items = value[:most] if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]


def first(config: Mapping[str, Any], *names: str) -> int | None:
    """The first size among `names`: what one family of models calls so, another calls otherwise."""
    return next((size for name in names if (size := positive(config.get(name)))), None)


def amount(written: str) -> int | None:
    """`8B`, `1.5e9`, `500M` or `7,000,000,000` as a number; None if it is none."""
    match = _AMOUNT.fullmatch(written.strip().replace(",", "").replace("_", ""))
    return positive(round(float(match[1]) * _SCALES[match[2].lower()])) if match else None


def short(count: int | None) -> str:
    """`8.03B`; "?" for what is not known."""
    if count is None:
        return "?"
    for size, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g}{letter}" if count < 1000 * size else f"{count:.3g}"
    return str(count)


def gigabytes(size: float) -> str:
    """Bytes in GB of 10^9, three digits."""
    value = size / 1e9
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bytes_in_words(size: float) -> str:
    """`16.1 GB`, `912 kB`."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            value = size / unit
            return f"{value:,.0f} {name}" if value >= 100 else f"{value:.3g} {name}"
    return f"{size:.0f} bytes"
