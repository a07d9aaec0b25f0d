"""A call that needs a person, as they are shown it: what will happen, exactly."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from ml_intern.cli.safe import exact

_LINES = 40
"""Lines of an argument that are shown before the rest is folded; `v` shows all."""


def request_block(
    number: int, count: int, request: Mapping[str, Any], *, whole: bool = False
) -> Text:
    """The call, its arguments one by one; nothing of it is cut without saying so."""
    position = f"[{number}/{count}] " if count > 1 else ""
    text = Text()
    text.append(f"{position}{exact(request['tool'])}", style="bold yellow")
    text.append(f"  {exact(request['reason'])}\n", style="yellow")
    arguments = dict(request["arguments"])
    if change := _change(arguments):
        arguments = {k: v for k, v in arguments.items() if k not in ("old_str", "new_str")}
    for name, value in arguments.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        _append(text, name, [(line, "") for line in exact(shown).split("\n")], whole)
    if change:
        _append(text, "change", change, whole)
    if preview := str(request.get("preview") or ""):
        _append(text, "it would", [(line, "") for line in exact(preview).split("\n")], whole)
    text.rstrip()
    return text


def _append(text: Text, name: str, lines: Sequence[tuple[str, str]], whole: bool) -> None:
    text.append(f"  {exact(name)}: ", style="bold")
    several = len(lines) > 1
    shown = lines if whole else lines[:_LINES]
    for line, style in shown:
        text.append(f"\n    {line}" if several else line, style=style)
    if hidden := len(lines) - len(shown):
        text.append(f"\n    … {hidden:,} more lines: v shows all", style="yellow")
    text.append("\n")


def _change(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    """An edit as a difference; [] for any other call."""
    old, new = arguments.get("old_str"), arguments.get("new_str")
    replaces = arguments.get("mode", "replace") == "replace"
    if not (replaces and isinstance(old, str) and isinstance(new, str)):
        return []
    return list(coloured(_difference(exact(old).split("\n"), exact(new).split("\n"))))


def _difference(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Every line of both, those that stay with a space before them."""
    around = len(old) + len(new)
    return list(difflib.unified_diff(old, new, n=around, lineterm=""))[3:] or [f" {x}" for x in new]


def coloured(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each line of a difference with its style."""
    styles = {"+": "green", "-": "red"}
    for line in lines:
        yield line, styles.get(line[:1], "dim")
