"""What a column holds, as `datasets` writes it down (`Features.to_dict()`), or as its values show.

Lists come in three spellings (`List`, `LargeList`, `Sequence`, and a JSON array before those), and
a `Sequence` of a struct is a struct of lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_DEEPEST = 20
_LISTS = frozenset({"List", "LargeList", "Sequence"})
_TEXTS = frozenset({"string", "large_string", "string_view"})
MEDIA = frozenset({"image", "audio", "video", "pdf", "nifti", "binary", "large_binary"})
"""Kinds whose values are large and no text."""


@dataclass(frozen=True, slots=True)
class Feature:
    """The type of a column, or of a part of one."""

    kind: str
    """`string`, `int64`, … of plain values; else `struct`, `list`, `label`, `image`, …"""
    fields: Mapping[str, Feature] = field(default_factory=dict)
    item: Feature | None = None
    names: tuple[str, ...] = ()
    """Of a class label."""
    detail: str = ""

    @property
    def text(self) -> bool:
        """Whether its values are texts."""
        return self.kind in _TEXTS

    @property
    def vague(self) -> bool:
        """Whether only the values tell what it is."""
        return self.kind in ("unknown", "json", "null") or bool(self.item and self.item.vague)

    @property
    def media(self) -> bool:
        """Whether there are pictures, sounds or other files in it."""
        inner = [*self.fields.values(), *([self.item] if self.item else [])]
        return self.kind in MEDIA or any(feature.media for feature in inner)


UNKNOWN = Feature("unknown")


def features_of(raw: object) -> dict[str, Feature]:
    """Columns of `{name: type}`, or of the viewer's list of `{name, type}`."""
    if isinstance(raw, list):
        pairs = [(e.get("name"), e.get("type")) for e in raw if isinstance(e, dict)]
        return {name: parsed(kind) for name, kind in pairs if isinstance(name, str)}
    return {str(k): parsed(v) for k, v in raw.items()} if isinstance(raw, dict) else {}


def parsed(raw: object, depth: int = 0) -> Feature:
    """A type as it is written; `unknown` where it makes no sense."""
    if depth > _DEEPEST:
        return UNKNOWN
    if isinstance(raw, list):
        return Feature("list", item=parsed(raw[0] if raw else None, depth + 1))
    if not isinstance(raw, dict):
        return UNKNOWN
    name = raw.get("_type")
    if not isinstance(name, str):
        return _struct(raw, depth)
    if name in _LISTS:
        return _list(name, raw, depth)
    return _plain(name, raw)


def _struct(raw: Mapping[Any, Any], depth: int) -> Feature:
    return Feature("struct", {str(k): parsed(v, depth + 1) for k, v in raw.items()})


def _list(name: str, raw: Mapping[str, Any], depth: int) -> Feature:
    item, length = parsed(raw.get("feature"), depth + 1), raw.get("length")
    if name == "Sequence" and item.kind == "struct":
        return Feature("struct", {k: Feature("list", item=v) for k, v in item.fields.items()})
    fixed = f" of length {length}" if isinstance(length, int) and length > 0 else ""
    return Feature("list", item=item, detail=fixed)


def _plain(name: str, raw: Mapping[str, Any]) -> Feature:
    if name == "Value":
        return Feature(str(raw.get("dtype") or "unknown"))
    if name == "ClassLabel":
        names = raw.get("names")
        count = raw.get("num_classes")
        detail = f"{count} classes" if isinstance(count, int) and not names else ""
        known = tuple(map(str, names)) if isinstance(names, list) else ()
        return Feature("label", names=known, detail=detail)
    if name.startswith("Array"):
        return Feature("array", detail=f"{raw.get('dtype')} of shape {raw.get('shape')}")
    if name.startswith("Translation"):
        languages = raw.get("languages")
        of = ", ".join(map(str, languages)) if isinstance(languages, list) else ""
        return Feature("translation", detail=of)
    rate = raw.get("sampling_rate")
    return Feature(name.lower(), detail=f"{rate:,} Hz" if isinstance(rate, int) else "")


def observed(values: Iterable[object], depth: int = 0) -> Feature:
    """The type that values have in common, missing ones aside."""
    found = [value for value in values if value is not None]
    if not found or depth > _DEEPEST:
        return UNKNOWN
    kinds = {_kind(value) for value in found}
    if kinds == {"list"}:
        items = [item for value in found if isinstance(value, list) for item in value]
        return Feature("list", item=observed(items, depth + 1))
    if kinds == {"struct"}:
        return _observed_struct([value for value in found if isinstance(value, dict)], depth)
    if kinds <= {"int64", "double"}:
        return Feature("double" if "double" in kinds else "int64")
    return Feature(kinds.pop()) if len(kinds) == 1 else UNKNOWN


def _observed_struct(found: Sequence[Mapping[Any, Any]], depth: int) -> Feature:
    names = dict.fromkeys(str(name) for value in found for name in value)
    return Feature("struct", {n: observed([v.get(n) for v in found], depth + 1) for n in names})


def _kind(value: object) -> str:
    plain = {str: "string", bool: "bool", int: "int64", float: "double", bytes: "binary"}
    if isinstance(value, dict):
        return "struct"
    return "list" if isinstance(value, list) else plain.get(type(value), type(value).__name__)
