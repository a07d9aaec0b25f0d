"""The columns of a dataset as a reader sees them."""

from __future__ import annotations

from collections.abc import Mapping

from ml_intern.tools.dataset.cell import label
from ml_intern.tools.dataset.feature import UNKNOWN, Feature

_INLINE = 100
"""Characters up to which a type stands on one line."""
_LINES = 120
_NAMES = 20
"""Labels that are named."""


def schema_lines(features: Mapping[str, Feature]) -> list[str]:
    """One line for each column; structs that are too wide for one have a line for each field."""
    lines = [line for name, kind in features.items() for line in _lines(name, kind, 0)]
    cut = len(lines) - _LINES
    return [*lines[:_LINES], f"({cut:,} lines more left out)"] if cut > 0 else lines


def _lines(name: str, feature: Feature, depth: int) -> list[str]:
    whole = inline(feature)
    start = f"{'  ' * depth}- {label(name)}: "
    inner = _innermost_struct(feature)
    if len(whole) <= _INLINE or inner is None:
        return [start + whole]
    head = whole.partition("{")[0] + "struct"
    below = [line for n, f in inner.fields.items() for line in _lines(n, f, depth + 1)]
    return [start + head, *below]


def _innermost_struct(feature: Feature | None) -> Feature | None:
    while feature is not None and feature.kind == "list":
        feature = feature.item
    return feature if feature is not None and feature.kind == "struct" else None


def inline(feature: Feature) -> str:
    """The type in a few words: `list of {role: string, content: string}`."""
    if feature.kind == "struct":
        return "{" + ", ".join(f"{label(n)}: {inline(f)}" for n, f in feature.fields.items()) + "}"
    if feature.kind == "list":
        return f"list{feature.detail} of {inline(feature.item or UNKNOWN)}"
    if feature.kind == "label":
        return f"class label ({_labels(feature)})"
    kind = label(feature.kind)
    return f"{kind} ({label(feature.detail)})" if feature.detail else kind


def _labels(feature: Feature) -> str:
    shown = [f"{number} {label(name)}" for number, name in enumerate(feature.names[:_NAMES])]
    more = len(feature.names) - _NAMES
    rest = [f"{more:,} more"] if more > 0 else []
    return ", ".join([*shown, *rest]) or feature.detail or "names unknown"
