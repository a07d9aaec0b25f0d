"""Tables of a LaTeXML page as markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ml_intern.tools.papers.inline import Element, classes, inline
from ml_intern.tools.papers.untrusted import excerpt

_ROWS = 400
_COLUMNS = 60
_COPY = 200
"""Characters of a cell's text that stand in the other cells it spans."""
_CELLS = frozenset({"ltx_td", "ltx_th"})

Grid = list[list[str]]


def table(element: Element) -> str:
    """A markdown table; what spans several cells stands in each, a line of its own once."""
    grid = _grid(element)
    if not grid:
        return ""
    note = f"\n[the first {_ROWS} rows]" if len(grid) > _ROWS else ""
    return markdown(grid[:_ROWS]) + note


def markdown(grid: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a markdown table, without what is empty throughout."""
    width = max(map(len, grid))
    full = [[*row, *[""] * (width - len(row))] for row in grid]
    kept = [column for column in range(width) if any(row[column] for row in full)]
    rows = [[row[column] for column in kept] for row in full if any(row)]
    if not rows:
        return ""
    lines = ["| " + " | ".join(map(_escaped, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(kept), *lines[1:]])


def _escaped(cell: str) -> str:
    return cell.replace("|", r"\|")


def _grid(element: Element) -> Grid:
    grid: Grid = []
    below: dict[int, tuple[int, str]] = {}
    """By column: for how many rows a cell from above goes on, and its text."""
    for row in _of(element, _is_row):
        cells = [
            (inline(cell), _span(cell, "col"), _span(cell, "row")) for cell in _of(row, _is_cell)
        ]
        line, below = _line(cells, below)
        grid.append(line)
        if len(grid) > _ROWS:
            break
    return grid


def _line(
    cells: Sequence[tuple[str, int, int]], above: dict[int, tuple[int, str]]
) -> tuple[list[str], dict[int, tuple[int, str]]]:
    """A row with what spans into it, and what spans out of it."""
    line: list[str] = []
    below = {column: (rows - 1, text) for column, (rows, text) in above.items() if rows > 1}
    alone = len(cells) == 1 and not above
    for text, columns, rows in cells[:_COLUMNS]:
        while len(line) in above and len(line) < _COLUMNS:
            line.append(above[len(line)][1])
        copy = excerpt(text, _COPY)
        for index in range(columns):
            if rows > 1:
                below[len(line)] = (rows - 1, copy)
            line.append(text if not index else "" if alone else copy)
    while len(line) in above and len(line) < _COLUMNS:
        line.append(above[len(line)][1])
    return line[:_COLUMNS], below


def _of(element: Element, fits: Callable[[Element], bool]) -> Iterator[Element]:
    """The nearest elements below that fit: not those of a table in a cell."""
    for child in element:
        if not isinstance(child.tag, str):
            continue
        if fits(child):
            yield child
        elif not _is_cell(child):
            yield from _of(child, fits)


def _is_row(element: Element) -> bool:
    return element.tag == "tr" or "ltx_tr" in classes(element)


def _is_cell(element: Element) -> bool:
    return element.tag in ("td", "th") or bool(classes(element) & _CELLS)


def _span(cell: Element, way: str) -> int:
    # LaTeXML says it in a class where the cell is no `td`.
    named = next((n for n in classes(cell) if n.startswith(f"ltx_{way}span_")), "")
    said = cell.get(f"{way}span") or named.rpartition("_")[2]
    return min(max(int(said), 1), _COLUMNS) if said.isdecimal() and len(said) < 6 else 1
