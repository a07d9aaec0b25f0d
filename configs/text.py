"""Values that every layer below can store: no NUL, no lone surrogate, no boundless number.

PostgreSQL refuses NUL, UTF-8 has no surrogates, and providers answer 400 to both.
"""

from __future__ import annotations

import math
import re
from typing import Any, TypeVar

_BAD = re.compile("[\x00\ud800-\udfff]")
_Json = TypeVar("_Json")

MAX_DEPTH = 64
"""Levels of nesting that are stored; the serializer raises somewhere above a thousand."""
SMALLEST, LARGEST = -(2**63), 2**64 - 1
"""Integers that msgpack can hold."""


def storable(text: str) -> bool:
    """Whether `text` has neither NUL nor a lone surrogate."""
    return _BAD.search(text) is None


def clean(text: str) -> tuple[str, int]:
    """`text` with each unstorable character replaced by U+FFFD, and how many there were."""
    return _BAD.subn("\ufffd", text)


def clean_json(value: _Json, depth: int = MAX_DEPTH) -> _Json:
    """`value` as every layer can store it, the nearest where it cannot.

    Strings are cleaned, keys included; integers clamped to 64 bits; numbers that are not finite
    become None; what is nested deeper than `depth` is left out, and said to be.
    """
    return _cleaned(value, depth)  # type: ignore[no-any-return]


def _cleaned(value: Any, depth: int) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return clean(value)[0]
    if isinstance(value, int):
        return value if SMALLEST <= value <= LARGEST else max(SMALLEST, min(value, LARGEST))
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | dict) and depth == 0:
        return "(nested too deeply)"
    if isinstance(value, list):
        return [_cleaned(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {_cleaned(key, 1): _cleaned(item, depth - 1) for key, item in value.items()}
    return value
