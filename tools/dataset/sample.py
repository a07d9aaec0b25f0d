"""Rows to look at: some of all, with what is known of where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_intern.tools.dataset.conversation import Chat, Turn, chat_of, turns_of
from ml_intern.tools.dataset.feature import Feature, features_of, observed


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a split."""

    number: int | None
    cells: Mapping[str, Any]
    cut: frozenset[str] = frozenset()
    """Columns of which the viewer gave only the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Rows of one split, its columns, and how many there are in all."""

    rows: Sequence[Row] = ()
    features: Mapping[str, Feature] = field(default_factory=dict)
    total: int | None = None
    """Rows of the split; None if unknown."""
    source: str = ""
    """Which rows these are, as a report says it."""

    @property
    def size(self) -> int:
        """Rows in it."""
        return len(self.rows)

    def values(self, column: str) -> list[Any]:
        """The whole cells of a column, missing ones as None."""
        return [row.cells.get(column) for row in self.rows if column not in row.cut]

    def columns(self) -> dict[str, Feature]:
        """What is declared; where that says nothing, what the values show."""
        names = self.features or dict.fromkeys(n for row in self.rows for n in row.cells)
        return {name: self._feature(name) for name in names}

    def _feature(self, name: str) -> Feature:
        known = self.features.get(name)
        return known if known and not known.vague else observed(self.values(name))

    def chats(self) -> dict[str, Chat]:
        """The columns that hold conversations."""
        found = {name: chat_of(kind, self.values(name)) for name, kind in self.columns().items()}
        return {name: chat for name, chat in found.items() if chat}

    def turns(self, column: str, chat: Chat) -> list[list[Turn]]:
        """The conversations of a column; rows without one are left out."""
        found = [turns_of(value, chat) for value in self.values(column)]
        return [turns for turns in found if turns is not None]


def rows_of(answer: Mapping[str, Any]) -> list[Row]:
    """The rows in an answer of the viewer; what is malformed is left out."""
    raw = answer.get("rows")
    return [row for entry in raw if (row := _row(entry))] if isinstance(raw, list) else []


def _row(entry: object) -> Row | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("row"), dict):
        return None
    number, cut = entry.get("row_idx"), entry.get("truncated_cells")
    return Row(
        number if isinstance(number, int) else None,
        entry["row"],
        frozenset(map(str, cut)) if isinstance(cut, list) else frozenset(),
    )


def answered(answer: Mapping[str, Any]) -> Sample:
    """An answer of `/rows`, `/first-rows`, `/search` or `/filter`."""
    total = answer.get("num_rows_total")
    return Sample(
        rows=rows_of(answer),
        features=features_of(answer.get("features")),
        total=total if isinstance(total, int) else None,
    )
