"""Text that every layer below can store: no NUL, no lone surrogate.

PostgreSQL refuses NUL, UTF-8 has no surrogates, and providers answer 400 to both.
"""

from __future__ import annotations

import re
from typing import TypeVar

_BAD = re.compile("[\x00\ud800-\udfff]")
_Json = TypeVar("_Json")


def storable(text: str) -> bool:
    """Whether `text` has neither NUL nor a lone surrogate."""
    return _BAD.search(text) is None


def clean(text: str) -> tuple[str, int]:
    """`text` with each unstorable character replaced by U+FFFD, and how many there were."""
    return _BAD.subn("\ufffd", text)


def clean_json(value: _Json) -> _Json:
    """`value` with every string in it cleaned, keys included."""
    if isinstance(value, str):
        return clean(value)[0]  # type: ignore[return-value]
    if isinstance(value, list):
        return [clean_json(item) for item in value]  # type: ignore[return-value]
    if isinstance(value, dict):
        return {clean_json(key): clean_json(item) for key, item in value.items()}  # type: ignore[return-value]
    return value
