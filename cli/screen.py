"""Prints events as they come: the only place that writes to a terminal."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.text import Text

from ml_intern.cli.render import markdown, render, seconds_between, summary
from ml_intern.cli.stream import Blocks
from ml_intern.graph import events as ev

_QUIET = 5
"""Seconds without a sign of life, after which a running call shows its newest line."""


class Screen:
    """Append-only output on one console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._blocks = Blocks()
        self._calls: dict[str, str] = {}
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
                self.print(render(event, self._calls.pop(call_id, "")))
            case _:
                if isinstance(event, ev.ToolCall):
                    self._calls[event.tool_call_id] = summary(event.arguments)
                # A run that is cut off has no stream end; what came until then is shown.
                self.text(self._blocks.flush())
                self.print(render(event))

    def print(self, renderable: RenderableType | None) -> None:
        """Print a renderable, if there is one."""
        if renderable is not None:
            # In a file a line stays a line: whoever searches it for a path finds it whole.
            whole = isinstance(renderable, Text) and not self.console.is_terminal
            self.console.print(renderable, soft_wrap=whole)

    def line(self, text: str, style: str = "") -> None:
        """Print our own words; markup and emoji codes in them are not interpreted."""
        self.console.print(text, style=style, markup=False, emoji=False, highlight=False)

    def cut_off(self) -> None:
        """Say that the text above is not the whole."""
        self.line("  … (cut off)", style="yellow")

    def text(self, text: str) -> None:
        """Print markdown of the model's."""
        if text.strip():
            self.console.print(markdown(text))


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
