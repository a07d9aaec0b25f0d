"""Rows of a split: a page of all, of those with words, or of those that meet a condition."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ml_intern.tools.dataset.files import from_files
from ml_intern.tools.dataset.report import row_lines
from ml_intern.tools.dataset.repository import repository
from ml_intern.tools.dataset.sample import Row, Sample, answered
from ml_intern.tools.dataset.splits import Split, choose, splits_of
from ml_intern.tools.dataset.trouble import explained, why
from ml_intern.tools.dataset.viewer import Viewer
from ml_intern.tools.errors import ToolError
from ml_intern.tools.output import visible
from ml_intern.tools.services import Services
from ml_intern.tools.web.errors import WebError

_ROOM = 16_000
"""Characters that all rows share."""
_MOST = 20_000
"""Characters after which the page ends, whatever was asked for."""
_SMALLEST = 200
_SYNTAX = (
    "`where` is a condition in SQL: column names in double quotes, texts in single quotes ('' for "
    "one inside), =, <>, <, <=, >, >=, AND, OR, NOT and parentheses, as in "
    '"label" = 1 AND "source" <> \'web\''
)


@dataclass(frozen=True)
class Wanted:
    """The rows that are asked for."""

    dataset: str
    path: str
    """`rows`, `search` or `filter`."""
    config: str | None
    split: str | None
    offset: int
    limit: int
    terms: Mapping[str, str] = field(default_factory=dict)
    """`query` or `where`."""

    @cached_property
    def narrows(self) -> str:
        """What narrows the rows, as arguments of a call."""
        return "".join(f", {name}={json.dumps(v)}" for name, v in self.terms.items())

    def call(self, at: Split, offset: int, limit: int) -> str:
        """The call that shows other rows."""
        return (
            f'hf_inspect_dataset(dataset="{self.dataset}"{at.arguments}, view="{self.path}"'
            f"{self.narrows}, offset={offset}, limit={limit})"
        )


async def page(services: Services, wanted: Wanted) -> str:
    """The rows as text.

    Raises:
        ToolError: they cannot be had; the message says why and what to do.
    """
    viewer = Viewer(services, wanted.dataset)
    names = await viewer.tried("splits")
    known = [] if isinstance(names, WebError) else splits_of(names, {})
    at = choose(known, wanted.config, wanted.split)
    try:
        answer = await viewer.ask(
            wanted.path, lifetime=0, config=at.config, split=at.name,
            offset=str(wanted.offset), length=str(wanted.limit), **wanted.terms,
        )  # fmt: skip
    except WebError as error:
        return await _otherwise(services, wanted, at, bool(known), error)
    note = "; of the first part of the split only" if answer.get("partial") is True else ""
    return written(answered(answer), wanted, at, note)


async def _otherwise(
    services: Services, wanted: Wanted, at: Split, known: bool, error: WebError
) -> str:
    """Rows from the files, or the refusal in words."""
    reason = why(error)
    if reason == "bad" and wanted.path == "filter":
        raise ToolError(f"{explained(error)}. {_SYNTAX}.") from None
    if reason in ("bad", "busy"):
        raise ToolError(f"{explained(error)}.") from None
    # Says so if the dataset is missing, private or gated.
    home = await repository(services.hub, wanted.dataset)
    if home.name != wanted.dataset:
        raise ToolError(f"{wanted.dataset} is now called {home.name}: ask for that.") from None
    if wanted.path != "rows":
        raise ToolError(
            f'{explained(error)}. Without the viewer nothing can be searched; view="rows" may '
            f'still read the first rows from the files, and `load_dataset("{wanted.dataset}", '
            "split=..., streaming=True)` reads all of them."
        ) from None
    place = at if known else Split(wanted.config or "", wanted.split or "")
    return await _from_files(services, wanted, place, error)


async def _from_files(services: Services, wanted: Wanted, at: Split, error: WebError) -> str:
    try:
        sample = await from_files(services.hub, wanted.dataset, wanted.config, wanted.split)
    except ToolError as trouble:
        raise ToolError(f"{explained(error)}. And of the files: {trouble}") from None
    if wanted.offset >= sample.size:
        raise ToolError(
            f"{explained(error)}. Of the files only {sample.source} can be shown here; "
            f'`load_dataset("{wanted.dataset}", split=..., streaming=True).skip({wanted.offset})` '
            "reads on."
        )
    shown = sample.rows[wanted.offset : wanted.offset + wanted.limit]
    note = f"; from {sample.source}. {explained(error)}"
    return written(replace(sample, rows=shown), wanted, at, note)


def written(sample: Sample, wanted: Wanted, at: Split, note: str) -> str:
    """A page of rows, what it is of, and how to go on."""
    head = f"# Dataset {wanted.dataset}{at.title}{visible(wanted.narrows)}"
    total = f"{sample.total:,}" if sample.total is not None else "an unknown number"
    kind = "rows" if wanted.path == "rows" else "matching rows"
    if not sample.rows:
        return f"{head}\nNo rows from offset {wanted.offset:,} on, of {total} {kind}{note}."
    shown, lines = _fitting(sample.rows)
    end = wanted.offset + shown
    told = f"{shown:,} of {total} {kind}, from offset {wanted.offset:,}{note}."
    more = sample.total is None or end < sample.total
    next_page = f"[More: {wanted.call(at, end, wanted.limit)}]" if more else "[No more rows.]"
    longer = _longer(lines, wanted, at) if shown > 1 else []
    return "\n".join([head, told, *lines, next_page, *longer])


def _fitting(rows: Sequence[Row]) -> tuple[int, list[str]]:
    room = max(_SMALLEST, _ROOM // len(rows))
    lines: list[str] = []
    for number, row in enumerate(rows):
        new = row_lines(row, room, _SMALLEST)
        if number and sum(map(len, [*lines, *new])) > _MOST:
            return number, lines
        lines += new
    return len(rows), lines


def _longer(lines: Sequence[str], wanted: Wanted, at: Split) -> list[str]:
    if not any("… (" in line for line in lines):
        return []
    return [f"[Less of each cell is cut with limit=1: {wanted.call(at, wanted.offset, 1)}]"]
