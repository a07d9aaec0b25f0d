"""What came of a call, as it is shown: folded, with its size and where the rest is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rich.text import Text

from ml_intern.cli.request_block import coloured
from ml_intern.cli.safe import safe

_ENDS = (2, 4)
"""Lines shown from the start and the end: results come last."""
_DIFF = 14
"""Lines shown of a change."""
_HEAD = 6
"""Lines shown of a file that was written."""
_WIDTH = 200
"""Characters shown of a line."""
_SAVED = re.compile(
    r"full (?:output|text): (.+?)(?:, without [\d,]+ bytes in its middle)? \.\.\.\]"
)
"""Where the tools say that all of a long output is."""

Line = tuple[str, str]
"""Text and style."""


def result_block(
    call: str, arguments: Mapping[str, Any], output: str, success: bool, where: str = ""
) -> Text:
    """A result under its call: several run at once and end in any order.

    Args:
        call: Tool and summary of the arguments.
        arguments: The call's, as the model gave them.
        output: What the model reads.
        success: Whether the call succeeded.
        where: How to see what is folded away; "" if there is no way but a file.
    """
    style = "dim" if success else "red"
    text = Text(f"  {'✔' if success else '✗'} {safe(call).rstrip()}", style=style)
    for line, colour in _body(call.split(" ")[0], arguments, output, success, where):
        text.append(f"\n  │ {line}", style=colour)
    return text


def _body(
    tool: str, arguments: Mapping[str, Any], output: str, success: bool, where: str
) -> Iterable[Line]:
    lines = _lines(output, where)
    if success and tool == "edit":
        shown = [lines[0], *coloured_lines(lines[1:_DIFF])]
        return [*shown, *_folded(lines[_DIFF:], where)]
    if success and tool == "write" and isinstance(content := arguments.get("content"), str):
        head = _lines(content)
        return [*lines, *head[:_HEAD], *_folded(head[_HEAD:], where)]
    first, last = _ENDS
    if len(lines) <= first + last + 1:
        return lines
    rest = lines[first : len(lines) - last]
    return [*lines[:first], *_folded(rest, _place(output, where)), *lines[len(lines) - last :]]


def coloured_lines(lines: Iterable[Line]) -> list[Line]:
    """Lines of a unified difference, each in its colour."""
    return list(coloured([line for line, _ in lines]))


def _lines(text: str, where: str = "") -> list[Line]:
    return [(_short(line, where), "") for line in safe(text).splitlines() or [""]]


def _short(line: str, where: str) -> str:
    """A line, or its beginning and how to see the rest."""
    if len(line) <= _WIDTH:
        return line
    more = f"{len(line) - _WIDTH:,} more characters"
    return f"{line[:_WIDTH]}… {more}{f' · {where}' if where else ''}"


def _folded(lines: list[Line], where: str) -> list[Line]:
    if not lines:
        return []
    size = sum(len(line.encode(errors="replace")) + 1 for line, _ in lines)
    said = f"… {len(lines):,} more lines, {_size(size)}"
    return [(f"{said} · {where}" if where else said, "")]


def _place(output: str, where: str) -> str:
    saved = _SAVED.search(output)
    return ", ".join(part for part in (where, safe(saved[1]) if saved else "") if part)


def _size(count: int) -> str:
    return f"{count:,} bytes" if count < 1000 else f"{count / 1000:,.1f} kB"
