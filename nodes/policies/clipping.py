"""Texts made shorter: their head and tail stay, what is left out is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Count = Callable[[str], int]
"""Tokens of a text."""

_MOST_PER_CHARACTER = 4
"""Tokens a character can take: one a byte."""


def clip_middle(text: str, cap: int) -> str:
    """At most about `cap` characters of `text`: its head and its tail."""
    if len(text) <= cap:
        return text
    half = cap // 2
    gap = f"\n[… {len(text) - 2 * half:,} characters left out …]\n"
    return text[:half] + gap + text[len(text) - half :]


def clip_to(text: str, tokens: int, count: Count) -> str:
    """At most about `tokens` of `text`."""
    if len(text) * _MOST_PER_CHARACTER <= tokens or count(text) <= tokens:
        return text
    cap = min(len(text), tokens * 5)
    while cap > 0 and count(clipped := clip_middle(text, cap)) > tokens:
        cap = cap * 3 // 4
    return clipped if cap > 0 else ""


def clip_strings(value: Any, cap: int) -> Any:  # noqa: ANN401 - JSON
    """JSON with no text in it longer than about `cap` characters."""
    if isinstance(value, dict):
        return {key: clip_strings(item, cap) for key, item in value.items()}
    if isinstance(value, list):
        return [clip_strings(item, cap) for item in value]
    return clip_middle(value, cap) if isinstance(value, str) else value
