"""The screen of a conversation: finished things above, what is under way in the pane."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from langchain_core.messages import ToolCall
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples, to_formatted_text
from rich.console import Console, RenderableType
from rich.text import Text

from ml_intern.cli.activity import Activity, Running
from ml_intern.cli.render import markdown, prompt_block, render, summary
from ml_intern.cli.safe import safe
from ml_intern.cli.screen import Screen
from ml_intern.configs.errors import ConfigError
from ml_intern.graph import events as ev

_TAIL = 3000
"""Characters of unfinished text that are rendered for a frame."""
_KEPT = 50
"""Folded outputs that can still be shown whole."""
_SHARE = 3
"""The unfinished text takes up to one row in so many."""


class Above(io.TextIOBase):
    """What Rich writes to: whole lines, handed on above the pane."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def write(self, text: str, /) -> int:
        """Hand the text on."""
        self._write(text)
        return len(text)

    def isatty(self) -> bool:
        """It ends up on a terminal."""
        return True


class Live(Screen):
    """Scrollback and pane: each event goes to one, the other, or both."""

    def __init__(self, console: Console, activity: Activity, clock: Callable[[], float]) -> None:
        super().__init__(console)
        self.activity = activity
        self._clock = clock
        self._folded: dict[int, str] = {}
        self._count = 0
        self._drawn: tuple[str, int, list[StyleAndTextTuples]] = ("", 0, [])

    def show(self, event: ev.Event) -> None:
        """Print what is finished; remember what is under way."""
        queued = isinstance(event, ev.Processing) and bool(event.message)
        self.activity.note(event, self._clock())
        if queued:
            assert isinstance(event, ev.Processing)
            self.text(self._blocks.flush())
            self.apart()
            self.print(prompt_block(event.message))
        elif isinstance(event, ev.ToolCall):
            self.text(self._blocks.flush())
            self._calls[event.tool_call_id] = event.arguments  # it is shown with its result
        elif not (isinstance(event, ev.ToolLog) and event.tool_call_id):
            super().show(event)

    def frame(self, columns: int, rows: int) -> StyleAndTextTuples:
        """The pane's upper part: the text that is being written, and what else is going on."""
        lines = self._unfinished(columns)[-max(1, rows // _SHARE) :]
        made = self.activity.lines(self._clock(), columns)
        fragments: StyleAndTextTuples = []
        for line in [*lines, *(_line(*one) for one in made)]:
            fragments += [*line, ("", "\n")]
        return fragments[:-1]

    def _unfinished(self, columns: int) -> list[StyleAndTextTuples]:
        """The lines of the block that is not complete yet, rendered as it will be."""
        pending = self._blocks.pending(_TAIL)
        if not pending.strip():
            return []
        if self._drawn[:2] != (pending, columns):
            self._drawn = (pending, columns, self._rendered(markdown(pending), columns))
        return self._drawn[2]

    def _rendered(self, what: RenderableType, columns: int) -> list[StyleAndTextTuples]:
        system: Any = self.console.color_system
        paper = Console(
            file=io.StringIO(), width=columns, force_terminal=True, color_system=system,
            no_color=system is None, highlight=False,
        )  # fmt: skip
        paper.print(what)
        assert isinstance(paper.file, io.StringIO)
        text = paper.file.getvalue().rstrip("\n")
        return [list(to_formatted_text(ANSI(line.rstrip()))) for line in text.split("\n")]

    def _output(self, event: ev.ToolOutput, arguments: Mapping[str, Any]) -> None:
        where = f"/show {self._count + 1}"
        block = render(event, arguments, where)
        self.print(block)
        if isinstance(block, Text) and where in block.plain:
            self._count += 1
            self._folded[self._count] = event.output
            self._folded.pop(self._count - _KEPT, None)

    def know(self, calls: Iterable[ToolCall]) -> None:
        """Calls that an earlier run left open: their results are still to come."""
        for call in calls:
            self._calls[call["id"] or ""] = call["args"]
            self.activity.know(call["id"] or "", call["args"])

    def unfold(self, number: str) -> None:
        """Print a folded output whole; the newest without a number.

        Raises:
            ConfigError: there is none of that number.
        """
        wanted = int(number) if number.isdecimal() else self._count
        if (number and not number.isdecimal()) or wanted not in self._folded:
            known = f"{min(self._folded)} to {self._count}" if self._folded else "none yet"
            raise ConfigError(f"There is no folded output '{number}'. There are: {known}.")
        self.print(Text(safe(self._folded[wanted])))

    def watch(self, name: str, about: str) -> Callable[[str], None]:
        """Show a call of the person's own as running; takes its newest lines."""
        running = Running(name, summary({"command": about}), self._clock())
        self.activity.calls[name] = running

        def log(line: str) -> None:
            running.last = line

        return log

    def settle(self) -> None:
        """Nothing is under way any more; a text that was cut off is shown as far as it came."""
        self.text(self._blocks.flush())
        for call in self.activity.calls.values():
            self.line(f"  ✗ {safe(call.name)} {call.about} (stopped)", style="yellow")
        self.activity.end()


def _line(style: str, text: str) -> StyleAndTextTuples:
    return [(style, text)]
