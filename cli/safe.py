"""The one filter between data and the terminal: no control sequence but ours gets through."""

from __future__ import annotations

import unicodedata

_KEPT = {"\n", "\t"}


def _shown(character: str) -> str | None:
    """None drops a control character; format characters (bidi, zero width) become visible."""
    category = unicodedata.category(character)
    if category == "Cc":
        return None
    return f"<U+{ord(character):04X}>" if category in ("Cf", "Cs", "Zl", "Zp") else character


def safe(text: str) -> str:
    """`text` without anything a terminal acts on; an escape sequence loses its escape character."""
    if text.isascii() and text.isprintable():
        return text
    shown = (c if c in _KEPT or c.isprintable() else _shown(c) for c in text)
    return "".join(c for c in shown if c is not None)
