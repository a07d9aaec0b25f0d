"""The viewer's statistics of a whole split, one line a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from ml_intern.tools.dataset.cell import label

_LABELS = 12
"""Values of a category that are shown."""
_COLUMNS = 40
_UNITS = {
    "string_text": "characters", "list": "items", "audio": "seconds", "image": "pixels wide",
}  # fmt: skip
_KINDS = {
    "string_text": "text", "string_label": "categories", "class_label": "class label",
}  # fmt: skip


def figure_lines(answer: Mapping[str, Any]) -> list[str]:
    """Lines on what `/statistics` says; what is malformed is left out."""
    raw = answer.get("statistics")
    entries = raw if isinstance(raw, list) else []
    lines = [line for entry in entries if isinstance(entry, dict) and (line := _line(entry))]
    more = len(lines) - _COLUMNS
    return [*lines[:_COLUMNS], *([f"({more:,} columns more left out)"] if more > 0 else [])]


def _line(entry: Mapping[str, Any]) -> str:
    name, figures = entry.get("column_name"), entry.get("column_statistics")
    if not isinstance(name, str) or not isinstance(figures, dict):
        return ""
    kind = str(entry.get("column_type"))
    parts = [_nulls(figures), _numbers(figures, _UNITS.get(kind, "")), _balance(figures)]
    told = "; ".join(part for part in parts if part)
    return f"- {label(name)} ({label(_KINDS.get(kind, kind))}): {told or 'nothing known'}"


def _nulls(figures: Mapping[str, Any]) -> str:
    parts = []
    for key, word in (("nan_count", "missing"), ("no_label_count", "without label")):
        count = figures.get(key)
        if _is_number(count) and (count or key == "nan_count"):
            share = figures.get(key.replace("count", "proportion"))
            told = f" ({100 * share:.1f}%)" if _is_number(share) and count else ""
            parts.append(f"{word} {count:,}{told}")
    return ", ".join(parts)


def _numbers(figures: Mapping[str, Any], unit: str) -> str:
    names = [name for name in ("min", "median", "mean", "max", "std") if name in figures]
    told = [f"{name} {_number(figures[name])}" for name in names if figures[name] is not None]
    return " ".join([unit, ", ".join(told)]).strip() if told else ""


def _number(value: object) -> str:
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,.0f}" if _is_number(value) else label(str(value), 40)


def _balance(figures: Mapping[str, Any]) -> str:
    raw = figures.get("frequencies")
    counts = {str(k): v for k, v in raw.items() if _is_number(v)} if isinstance(raw, dict) else {}
    total = sum(counts.values())
    if not total:
        return ""
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    told = [f"{label(k, 60)} {v:,} ({100 * v / total:.1f}%)" for k, v in ordered[:_LABELS]]
    more = len(counts) - _LABELS
    rest = [f"{more:,} values more"] if more > 0 else []
    return f"{len(counts):,} values: " + ", ".join([*told, *rest])


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
