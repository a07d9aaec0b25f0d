"""The report on a dataset: what it holds, and what can be trained on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from ml_intern.tools.dataset.audit import audit
from ml_intern.tools.dataset.cell import cell, label, level
from ml_intern.tools.dataset.figures import figure_lines
from ml_intern.tools.dataset.findings import Findings, gathered
from ml_intern.tools.dataset.harm import harms
from ml_intern.tools.dataset.preference import dpo, kto
from ml_intern.tools.dataset.prompts import grpo
from ml_intern.tools.dataset.sample import Row, Sample
from ml_intern.tools.dataset.schema import schema_lines
from ml_intern.tools.dataset.shape import Shape, Verdict, shape_of
from ml_intern.tools.dataset.splits import split_lines
from ml_intern.tools.dataset.supervised import sft
from ml_intern.tools.dataset.texts import length_lines, lengths, text_columns
from ml_intern.tools.output import visible
from ml_intern.tools.services import Services

_CELLS = 2_000
"""Characters of one row that are shown, shared by its columns."""
_SMALLEST = 100
_COLUMNS = 40
"""Columns of a row that are shown."""
_CHATS = 3
_POWERS = ("preview", "viewer", "search", "filter", "statistics")


async def report(
    services: Services, dataset: str, config: str | None, split: str | None, rows: int
) -> str:
    """The report on one split, with `rows` of its rows.

    Raises:
        ToolError: the dataset is missing or closed, or nothing could be learnt of it.
    """
    found = await gathered(services, dataset, config, split)
    return await asyncio.to_thread(written, found, rows)


def written(found: Findings, rows: int) -> str:
    """The report as text."""
    shape = shape_of(found.sample)
    verdicts = [sft(shape), dpo(shape), kto(shape), grpo(shape)]
    sections = [
        _head(found),
        *_section("Configs and splits", split_lines(found.splits)),
        *_section("Columns", schema_lines(shape.columns)),
        _section_of_verdicts(verdicts),
        *_section(_of_sample("What harms training", found.sample),
                  _harms(shape, verdicts)),
        *_section(_of_sample("Conversations", found.sample), _conversations(shape)),
        *_section(_of_sample("Lengths", found.sample), _lengths(shape, verdicts)),
        *_section(_statistics_title(found), figure_lines(found.figures)),
        _rows(found, rows),
    ]  # fmt: skip
    return "\n\n".join(section for section in sections if section)


def _section(title: str, lines: Sequence[str]) -> list[str]:
    # Names of columns may have line breaks.
    shown = (visible(line.replace("\n", " ")) for line in lines)
    return ["\n".join([f"## {title}", *shown])] if lines else []


def _of_sample(title: str, sample: Sample) -> str:
    return f"{title} (in the sample of {sample.size:,} rows)"


def _head(found: Findings) -> str:
    chosen, sample = found.split, found.sample
    total = chosen.total if chosen.total is not None else sample.total
    of = f" of {total:,}" if total is not None else " of an unknown number"
    lines = [
        f"# Dataset {found.dataset}{chosen.title}",
        *([found.repository.line] if found.repository else []),
        *([_powers(found.powers)] if found.powers else []),
        f"Sample: {sample.size:,} rows{of} ({sample.source}){_cut(sample)}",
        *(f"Note: {note}" for note in dict.fromkeys(found.notes)),
    ]
    return visible("\n".join(lines))


def _cut(sample: Sample) -> str:
    cut = sum(bool(row.cut) for row in sample.rows)
    told = f"; {cut:,} rows have cells that the viewer cut: those cells are not counted below"
    return told if cut else ""


def _powers(powers: Mapping[str, Any]) -> str:
    has = [name for name in _POWERS if powers.get(name) is True]
    lacks = [name for name in _POWERS if powers.get(name) is not True]
    told = f"The dataset viewer has: {', '.join(has) or 'nothing'}"
    return f"{told}; not: {', '.join(lacks)}" if lacks else told


def _section_of_verdicts(verdicts: Sequence[Verdict]) -> str:
    lines = ["## Fits which training (TRL's dataset formats)"]
    for verdict in verdicts:
        fits = {"as is": "fits as it is", "no": "does not fit"}.get(
            verdict.fits, "fits after mapping"
        )
        why = f"{verdict.why[0].upper()}{verdict.why[1:]}".replace("\n", " ")
        lines.append(f"- {verdict.method}: {fits}. {why}.")
        lines += ["```python", verdict.code, "```"] if verdict.code else []
    return visible("\n".join(lines))


def _harms(shape: Shape, verdicts: Sequence[Verdict]) -> list[str]:
    if not shape.sample.size or all(verdict.fits == "no" for verdict in verdicts):
        return []
    return harms(shape, verdicts) or ["nothing found"]


def _conversations(shape: Shape) -> list[str]:
    names = list(shape.chats) if shape.sample.size else []
    lines = [
        line
        for name in names[:_CHATS]
        for line in audit(name, shape.chats[name], shape.sample, shape.columns)
    ]
    more = ", ".join(f"`{name}`" for name in names[_CHATS:])
    return [*lines, *([f"(also conversations: {more})"] if more else [])]


def _lengths(shape: Shape, verdicts: Sequence[Verdict]) -> list[str]:
    fitting = next((v.columns for v in verdicts if v.fits != "no"), ())
    columns = [c for c in fitting if shape.usable(c)] or text_columns(shape)
    lines = length_lines(lengths(shape, columns))
    named = ", ".join(f"`{column}`" for column in columns[:8])
    return [f"text of {named} together", *lines] if lines else []


def _statistics_title(found: Findings) -> str:
    count, partial = found.figures.get("num_examples"), found.figures.get("partial") is True
    rows = f"{count:,} rows" if isinstance(count, int) else "the split"
    return f"Statistics of {rows}" + (", the first part only" if partial else "")


def _rows(found: Findings, rows: int) -> str:
    shown = found.sample.rows[:rows]
    if not shown:
        return ""
    lines = [line for row in shown for line in row_lines(row, _CELLS, _SMALLEST)]
    chosen = found.split
    finds = '; view="search" with query and view="filter" with where find rows'
    more = (
        f'[More rows: hf_inspect_dataset(dataset="{found.dataset}"{chosen.arguments}, '
        f'view="rows", offset={len(shown)}){finds * (found.powers.get("search") is True)}.]'
    )
    return "\n".join(["## Rows", *lines, more])


def row_lines(row: Row, room: int, smallest: int) -> list[str]:
    """A row as lines, one a cell; its texts share `room`, and have the `smallest` part each."""
    names = list(row.cells)[:_COLUMNS]
    longest = level((row.cells[name] for name in names), room, smallest)
    head = f"row {row.number:,}:" if row.number is not None else "row:"
    more = len(row.cells) - len(names)
    rest = [f"  ({more:,} columns more left out)"] if more else []
    return [head, *(f"  {_cell(row, name, longest)}" for name in names), *rest]


def _cell(row: Row, name: str, longest: int) -> str:
    cut = " (cut by the viewer)" if name in row.cut else ""
    return f"{label(name)}: {cell(row.cells[name], longest)}{cut}"
