"""What a licence, as the Hub names it, lets people do: a hint, not advice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_intern.tools.models.fields import text, texts

_NON_COMMERCIAL = "non-commercial use only"
_OPEN = "permissive"
_BEHAVIOUR = "restricts kinds of use, also of what is derived from it"
_EXACT = {
    "apache-2.0": _OPEN,
    "mit": _OPEN,
    "isc": _OPEN,
    "cc0-1.0": _OPEN,
    "unlicense": _OPEN,
    "cc-by-4.0": "permissive, with attribution",
    "cc-by-3.0": "permissive, with attribution",
    "cc-by-2.0": "permissive, with attribution",
    "gemma": "Gemma terms: restricts kinds of use, also of what is derived from it",
    "apple-amlr": "research only",
    "intel-research": "research only",
}
_STARTS = {
    "bsd": _OPEN,
    "afl": _OPEN,
    "llama": "community licence: acceptable-use policy, naming rules, no free use for companies "
    "with more than 700 million users",
    "cc-by-nc": _NON_COMMERCIAL,
    "cc-by-sa": "share alike: what is derived from it must have the same licence",
    "cc-by-nd": "nothing derived from it may be shared",
    "agpl": "copyleft, also for network services",
    "gpl": "copyleft",
    "lgpl": "weak copyleft",
    "openrail": _BEHAVIOUR,
    "bigscience": _BEHAVIOUR,
    "creativeml": _BEHAVIOUR,
    "bigcode": _BEHAVIOUR,
}
_WORDS = {"non-commercial": _NON_COMMERCIAL, "noncommercial": _NON_COMMERCIAL,
          "-nc": _NON_COMMERCIAL, "research": "probably research only"}  # fmt: skip


def licence_id(card: Mapping[str, Any], tags: list[str]) -> str:
    """As the card names it, or else the Hub's tag; "" for none."""
    stated = texts(card.get("license"), 3)
    tagged = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    return ", ".join(stated or tagged[:3])


def licence_line(card: Mapping[str, Any], tags: list[str]) -> str:
    """The licence, what it restricts, and where it stands."""
    name = licence_id(card, tags)
    if not name:
        return "not stated: ask the owner before using it"
    own = text(card.get("license_name"), 80)
    link = text(card.get("license_link"))
    called = f"{name} ({own})" if own and own != name else name
    return f"{called}: {meaning(name, own)}" + (f"; its text: {link}" if link else "")


def meaning(name: str, own: str = "") -> str:
    """What the licence `name` restricts; `own` is what its owner calls it if `name` is other."""
    name, own = name.lower(), own.lower()
    if name in _EXACT:
        return _EXACT[name]
    starts = (note for start, note in _STARTS.items() if name.startswith(start))
    words = (note for word, note in _WORDS.items() if word in f"{name} {own}")
    return next(starts, "") or next(words, "") or "own terms: read them before use"
