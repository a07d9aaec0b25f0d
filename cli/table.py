"""The list of sessions as a table: in a terminal as wide as it is, in a pipe a line a session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ml_intern.cli.listing import Entry, Standing
from ml_intern.cli.render import dollars
from ml_intern.cli.safe import safe

STATES: dict[Standing, tuple[str, str]] = {
    "finished": ("finished", "green"),
    "waiting": ("waiting for approval", "yellow"),
    "interrupted": ("interrupted", "yellow"),
    "running": ("running", "cyan"),
    "damaged": ("damaged, see: ml-intern doctor", "red"),
}
"""Each state in plain words, and its colour."""
_AGES = ((86400, "d"), (3600, "h"), (60, "min"))
_SIZES = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the list."""

    name: str
    text: Callable[[Entry], str]
    width: int = 0
    """Columns a terminal must have for it to be shown."""
    justify: Literal["left", "right"] = "left"


def show(found: Sequence[Entry], console: Console, here: Path, *, numbered: bool = False) -> None:
    """Print the list, newest first; `numbered` for choosing from."""
    now = datetime.now(UTC)
    columns = _columns(found, here, now)
    if not console.is_terminal:
        for line in plain(found, columns):
            console.print(Text(line), soft_wrap=True)
        return
    shown = [column for column in columns if console.width >= column.width]
    table = Table.grid(padding=(0, 2, 0, 0))
    for head in [*([""] if numbered else []), *(column.name for column in shown)]:
        table.add_column(head, no_wrap=head not in ("title", "folder", "in use by"))
    for column, into in zip(shown, table.columns[numbered:], strict=True):
        into.justify = column.justify
    if not numbered:
        table.add_row(*(Text(column.name, style="dim") for column in shown))
    for number, entry in enumerate(found, start=1):
        first = [Text(str(number), style="bold")] if numbered else []
        table.add_row(*first, *(_cell(column, entry) for column in shown))
    console.print(table)


def plain(found: Sequence[Entry], columns: Sequence[Column]) -> list[str]:
    """A line a session, aligned, nothing cut."""
    rows = [[column.name for column in columns]]
    rows += [[column.text(entry) for column in columns] for entry in found]
    widths = [max(map(cell_len, cells)) for cells in zip(*rows, strict=True)]
    return ["  ".join(map(_padded, row, widths)).rstrip() for row in rows]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _columns(found: Sequence[Entry], here: Path, now: datetime) -> list[Column]:
    elsewhere = any(entry.thread.cwd != str(here) for entry in found)
    held = any(entry.holder for entry in found)
    columns = [
        Column(name="id", text=lambda e: e.thread.id[:8]),
        Column(name="state", text=lambda e: STATES[e.state][0], width=40),
        Column(name="age", text=lambda e: age(e.thread.updated, now), width=40, justify="right"),
        Column(name="turns", text=lambda e: str(e.thread.turns), width=80, justify="right"),
        Column(name="cost", text=cost, width=80, justify="right"),
        Column(name="size", text=lambda e: size(e.size), width=90, justify="right"),
        Column(name="title", text=lambda e: one_line(e.thread.title) or "(no title)"),
    ]
    if held:
        columns.append(Column(name="in use by", text=lambda e: one_line(e.holder), width=100))
    if elsewhere:
        columns.append(Column(name="folder", text=lambda e: _folder(e, here), width=100))
    return columns


def _cell(column: Column, entry: Entry) -> Text:
    text = column.text(entry)
    if column.name == "state":
        return Text(text, style=STATES[entry.state][1])
    return Text(text, style="dim" if column.name == "folder" else "")


def _folder(entry: Entry, here: Path) -> str:
    return "" if entry.thread.cwd == str(here) else one_line(entry.thread.cwd)


def one_line(text: str) -> str:
    """Data on one line, with nothing in it that a terminal acts on."""
    return " ".join(safe(text).split())


def age(then: str, now: datetime) -> str:
    """How long ago something was ("3 min"); what lies ahead, by a clock set back, is now."""
    try:
        seconds = (now - datetime.fromisoformat(then)).total_seconds()
    except (ValueError, TypeError):
        return "?"
    fits = (f"{seconds // unit:.0f} {name}" for unit, name in _AGES if seconds >= unit)
    return next(fits, "now")


def size(number: int) -> str:
    """Bytes for people: "1.2 MB"."""
    fits = (f"{number / unit:.1f} {name}" for unit, name in _SIZES if number >= unit)
    return next(fits, f"{number} B")


def cost(entry: Entry) -> str:
    """Known dollars, and how many calls are not in them."""
    return dollars(entry.thread.usage)
