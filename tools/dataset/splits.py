"""The configs and splits of a dataset, with their sizes as far as they are known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_intern.tools.dataset.cell import label
from ml_intern.tools.errors import ToolError

_LISTED = 25
"""Splits that are listed."""
_NAMED = 50
"""Names in an error."""


@dataclass(frozen=True, slots=True)
class Split:
    """One split of one config."""

    config: str
    name: str
    rows: int | None = None
    estimated: int | None = None
    """Rows of the whole split where `rows` are only those of its first part."""
    size: int | None = None
    """Bytes as parquet."""

    @property
    def total(self) -> int | None:
        """Rows, estimated if need be."""
        return self.estimated or self.rows

    @property
    def title(self) -> str:
        """Its names as they stand after the dataset's; "" if they are unknown."""
        names = (("config", self.config), ("split", self.name))
        return "".join(f", {what} {label(name)}" for what, name in names if name)

    @property
    def arguments(self) -> str:
        """Its names as arguments of a call."""
        names = (("config", self.config), ("split", self.name))
        return "".join(f", {what}={json.dumps(name)}" for what, name in names if name)


def splits_of(splits: Mapping[str, Any], sizes: Mapping[str, Any]) -> list[Split]:
    """What `/splits` and `/size` say together; either may be empty."""
    sized = {(s.config, s.name): s for e in _sized(sizes) if (s := _split(e))}
    raw = splits.get("splits")
    named = [s for e in raw if (s := _split(e))] if isinstance(raw, list) else []
    return [sized.get((s.config, s.name), s) for s in named] or list(sized.values())


def _sized(sizes: Mapping[str, Any]) -> list[object]:
    inner = sizes.get("size")
    raw = inner.get("splits") if isinstance(inner, dict) else None
    return raw if isinstance(raw, list) else []


def _split(entry: object) -> Split | None:
    if not isinstance(entry, dict):
        return None
    config, name = entry.get("config"), entry.get("split")
    if not isinstance(config, str) or not isinstance(name, str):
        return None
    return Split(
        config, name, _count(entry.get("num_rows")), _count(entry.get("estimated_num_rows")),
        _count(entry.get("num_bytes_parquet_files")),
    )  # fmt: skip


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def choose(known: Sequence[Split], config: str | None, split: str | None) -> Split:
    """The one that was asked for; `default` and `train`, or the first, where none was.

    Raises:
        ToolError: there is no such one; those there are, are named.
    """
    if not known:
        return Split(config or "default", split or "train")
    configs = list(dict.fromkeys(s.config for s in known))
    chosen = _one_of("config", configs, config, "default")
    splits = [s for s in known if s.config == chosen]
    name = _one_of(f"split of the config {chosen!r}", [s.name for s in splits], split, "train")
    return next(s for s in splits if s.name == name)


def _one_of(what: str, names: Sequence[str], asked: str | None, usual: str) -> str:
    if asked and asked not in names:
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        there = label(", ".join(names[:_NAMED]), 3_000)
        raise ToolError(f"There is no {what} {asked!r}; there are: {there}{more}.")
    return asked or (usual if usual in names else names[0])


def split_lines(known: Sequence[Split]) -> list[str]:
    """One line a split, and what of them is left out."""
    lines = [_line(split) for split in known[:_LISTED]]
    more = len(known) - _LISTED
    if more <= 0:
        return lines
    configs = list(dict.fromkeys(s.config for s in known[_LISTED:]))
    named = label(", ".join(configs[:_NAMED]), 3_000)
    return [*lines, f"({more:,} splits more, of the configs {named}: give config to see one)"]


def _line(split: Split) -> str:
    rows = "rows unknown" if split.rows is None else f"{split.rows:,} rows"
    if split.estimated and split.estimated != split.rows:
        rows += f" in the part the viewer has, about {split.estimated:,} in all"
    size = f", {megabytes(split.size)}" if split.size is not None else ""
    return f"- {label(split.config)} / {label(split.name)}: {rows}{size}"


def megabytes(size: int) -> str:
    """Bytes in a unit that fits."""
    if size < 100_000:
        return f"{size:,} bytes"
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
