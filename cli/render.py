"""From an event to what the terminal shows: pure functions, tested without a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.text import Text

from ml_intern.cli.filtered import Filtered
from ml_intern.cli.prose import Prose
from ml_intern.cli.results import result_block
from ml_intern.cli.safe import safe
from ml_intern.graph import events as ev

_ARGS = 100
"""Characters of a call's arguments on its line."""
_PROMPT_LINES = 12
"""Lines shown of a message of the user's."""
SHARED = "\n\n[I ran this myself: "
"""What begins the output of a command of the person's own, behind a message."""
_FILES = 20
"""Files that an undo names in the terminal; of each kind."""

_BOXES = {"completed": ("✔", "green"), "in_progress": ("▶", "yellow"), "pending": ("○", "dim")}


def render(
    event: ev.Event, arguments: Mapping[str, Any] | None = None, where: str = ""
) -> RenderableType | None:
    """What an event looks like, None for nothing.

    `arguments` are those of the call of a `tool_output`, `where` how to see what is folded of it.
    """
    match event:
        case ev.ToolCall(tool="plan_tool") | ev.ToolOutput(tool="plan_tool", success=True):
            return None  # its `plan_update` shows it
        case ev.ToolCall(tool=tool, arguments=arguments):
            return tool_line(tool, arguments)
        case ev.ToolOutput(tool=tool, output=output, success=success):
            about = f"{tool} {summary(arguments) if arguments else ''}"
            return result_block(about, arguments or {}, output, success, where)
        case ev.PlanUpdate(plan=plan):
            return plan_block(plan)
        case ev.UndoComplete():
            return undo_block(event)
        case _:
            return _line(event)


def undo_block(event: ev.UndoComplete) -> Text:
    """What a move brought back, and what it did not."""
    verb, turns = "brought back" if event.redo else "undone", event.turns
    text = Text(f"  {verb}: {turns} turn{'s' if turns != 1 else ''}", style="bold")
    for about, items, style in (
        ("files as they were" if not event.redo else "files changed again", event.restored, ""),
        ("left alone, changed since", event.conflicts, "yellow"),
        ("not covered", event.not_covered, "yellow"),
        ("done elsewhere, not undone" if not event.redo else "not run again", event.elsewhere,
         "yellow"),
    ):  # fmt: skip
        if items:
            text.append(f"\n  {about}:", style=style)
            more = [f"… and {len(items) - _FILES:,} more"] if len(items) > _FILES else []
            shown = "".join(f"\n    {safe(item)}" for item in [*items[:_FILES], *more])
            text.append(shown, style=style)
    return text


def _line(event: ev.Event) -> Text | None:
    match event:
        case ev.Compacted(old_tokens=old, new_tokens=new):
            return Text(f"  context compacted: {old:,} → {new:,} tokens", style="dim")
        case ev.Notice(message=message):
            return Text(f"  {safe(message)}", style="yellow")
        case ev.Retry(wait_seconds=seconds):
            return Text(retry_line(event, seconds), style="yellow")
        case ev.Error(error=message):
            return Text(f"  ✗ {safe(message)}", style="red")
        case ev.Interrupted():
            return Text("  interrupted", style="yellow")
        case ev.ToolLog(tool="system", log=log):
            return Text(f"  {safe(log)}", style="dim")
        case ev.ToolLog(tool=tool, log=log):
            return Text(f"  ┆ {safe(tool)}: {safe(log)[:200]}", style="dim")
        case _:
            return None


class Trimmed:
    """A renderable without the empty lines around it, which Rich gives tables and code."""

    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._inner, options, pad=False)
        filled = [n for n, line in enumerate(lines) if any(part.text.strip() for part in line)]
        for line in lines[filled[0] : filled[-1] + 1] if filled else []:
            yield from line
            yield Segment.line()


def markdown(text: str) -> RenderableType:
    """The model's text."""
    return Trimmed(Padding(Filtered(Prose(safe(text))), (0, 2)))


def prompt_block(text: str) -> Text:
    """A message of the user's, as it went to the model."""
    own, *outputs = text.split(SHARED)
    lines = safe(own).rstrip().split("\n")
    if outputs:
        lines.append(f"(with what {len(outputs)} of your own commands printed)")
    if more := len(lines[_PROMPT_LINES:]):
        lines[_PROMPT_LINES:] = [f"… {more:,} more lines"]
    return Text("\n".join([f"> {lines[0]}", *(f"  {line}" for line in lines[1:])]), style="bold")


def tool_line(tool: str, arguments: Mapping[str, Any]) -> Text:
    """One line for a call: what will be done, shortened."""
    return Text.assemble(
        ("▸ ", "cyan"), (safe(tool), "bold cyan"), " ", (summary(arguments), "dim")
    )


_MAIN = (
    "command", "operation", "view", "repo_id", "dataset", "arxiv_id", "library", "url", "folder",
    "path", "section", "query",
)  # fmt: skip
"""The arguments that say what a call is about, of whichever tool, in the order they are shown."""


def summary(arguments: Mapping[str, Any]) -> str:
    """A call's arguments in a line."""
    words = [arguments[name] for name in _MAIN if arguments.get(name)]
    plain = bool(words) and all(isinstance(word, str) for word in words)
    text = " ".join(words) if plain else json.dumps(arguments, ensure_ascii=False)
    line = " ".join(safe(text).split())
    return line if len(line) <= _ARGS else f"{line[:_ARGS]}…"


def plan_block(plan: Sequence[Mapping[str, Any]]) -> Text:
    """The plan as a checklist."""
    text = Text()
    for item in plan:
        box, style = _BOXES.get(item["status"], ("?", ""))
        text.append(f"  {box} {safe(item['content'])}\n", style=style)
    done = sum(item["status"] == "completed" for item in plan)
    return text.append(f"  {done}/{len(plan)} done", style="dim")


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one event's time to another's; 0 if one of them has none."""
    if not (earlier and later):
        return 0.0
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def cost_line(usage: Mapping[str, float]) -> str:
    """Tokens and dollars; a cost that is partly unknown says so."""
    tokens = f"{usage.get('input_tokens', 0):,.0f} in, {usage.get('output_tokens', 0):,.0f} out"
    return f"{tokens} · {dollars(usage)}"


def dollars(usage: Mapping[str, float]) -> str:
    """Known dollars, and how many calls are not in them."""
    unpriced = usage.get("unpriced_calls", 0)
    more = f" + {unpriced:.0f} unpriced" if unpriced else ""
    return f"${usage.get('cost_usd', 0.0):.4f}{more}"


def retry_line(event: ev.Retry, seconds: float, room: int | None = None) -> str:
    """A model call that failed and is tried again in `seconds`; in `room` columns, if given."""
    what = "  " + " ".join(safe(f"{event.model}: {event.reason}").split()).rstrip(".")
    delay = f" in {ceil(seconds)} s" if seconds > 0 else ""
    when = f" · trying again{delay} ({event.attempt} of {event.retries})"
    if room is not None and cell_len(what) + cell_len(when) > room:
        what = set_cell_size(what, max(0, room - cell_len(when) - 1)).rstrip() + "…"
    return what + when
