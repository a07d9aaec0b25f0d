"""Prints events as they come: the only place that writes to a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from ml_intern.cli.render import markdown, render, seconds_between
from ml_intern.cli.stream import Blocks
from ml_intern.graph import events as ev

_QUIET = 5
"""Seconds without a sign of life, after which a running call shows its newest line."""


class Screen:
    """Append-only output on one console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._blocks = Blocks()
        self._calls: dict[str, Mapping[str, Any]] = {}
        self._in_text = False
        self._alive = ""
        """When something was shown last."""

    def show(self, event: ev.Event) -> None:
        """Print what the event says; of a call's progress, a line every few seconds."""
        if isinstance(event, ev.ToolLog) and event.tool_call_id:
            if seconds_between(self._alive, event.time) < _QUIET:
                return
            self.print(render(event))
        else:
            self._show(event)
        self._alive = event.time

    def _show(self, event: ev.Event) -> None:
        match event:
            case ev.AssistantChunk(content=content):
                self.text(self._blocks.feed(content))
            case ev.AssistantStreamEnd(partial=partial):
                self.text(self._blocks.flush())
                if partial:
                    self.cut_off()
            case ev.AssistantMessage(content=content):
                self.text(content)
            case ev.ToolOutput(tool_call_id=call_id):
                self._output(event, self._calls.pop(call_id, {}))
            case _:
                if isinstance(event, ev.ToolCall):
                    self._calls[event.tool_call_id] = event.arguments
                # A run that is cut off has no stream end; what came until then is shown.
                self.text(self._blocks.flush())
                self.print(render(event))

    def _output(self, event: ev.ToolOutput, arguments: Mapping[str, Any]) -> None:
        self.print(render(event, arguments))

    def print(self, renderable: RenderableType | None) -> None:
        """Print a renderable, if there is one."""
        if renderable is not None:
            self._apart(text=False)
            # In a file a line stays a line: whoever searches it for a path finds it whole.
            whole = isinstance(renderable, Text) and not self.console.is_terminal
            self.console.print(renderable, soft_wrap=whole)

    def line(self, text: str, style: str = "") -> None:
        """Print our own words; markup and emoji codes in them are not interpreted."""
        self._apart(text=False)
        self.console.print(text, style=style, markup=False, emoji=False, highlight=False)

    def cut_off(self) -> None:
        """Say that the text above is not the whole."""
        self.line("  … (cut off)", style="yellow")

    def text(self, text: str) -> None:
        """Print markdown of the model's."""
        if text.strip():
            self._apart(text=True)
            self.console.print(markdown(text))

    def apart(self) -> None:
        """An empty line, unless there just was one."""
        if not self._in_text:
            self.console.print()

    def _apart(self, *, text: bool) -> None:
        """An empty line around the model's text, and between its blocks."""
        if text or self._in_text:
            self.console.print()
        self._in_text = text


class Progress(Screen):
    """What a headless run shows on stderr: all but the answer, which goes to stdout."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._held = ""

    def show(self, event: ev.Event) -> None:
        """Print what the event says, holding text back until it is known not to be the answer."""
        match event:
            case ev.AssistantChunk(content=content) | ev.AssistantMessage(content=content):
                self._held += content
            case ev.AssistantStreamEnd(partial=True):
                self._show_held()
                self.cut_off()
            case ev.AssistantStreamEnd():
                pass
            case ev.ToolCall():
                self._show_held()
                super().show(event)
            case ev.TurnComplete():
                self.line("")  # between the progress and the answer
            case _:
                super().show(event)

    def _show_held(self) -> None:
        if self._held.strip():
            self.line("")
        self.text(self._held)
        self._held = ""
