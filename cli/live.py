"""The screen of a conversation: a wait before a retry is counted down on its line."""

from __future__ import annotations

import asyncio
from math import ceil

from rich.console import Console, RenderableType
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from ml_intern.cli.render import retry_line
from ml_intern.cli.screen import Screen
from ml_intern.graph import events as ev

_CLEAR = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


class Live(Screen):
    """Whatever is written ends the countdown first, so that no two things share a line."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._waiting: ev.Retry | None = None
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def show(self, event: ev.Event) -> None:
        """Print what the event says."""
        self._settle()
        rewritable = self.console.is_terminal and not self.console.is_dumb_terminal
        if isinstance(event, ev.Retry) and rewritable:
            self._begin(event)
        else:
            super().show(event)

    def print(self, renderable: RenderableType | None) -> None:
        """Print a renderable, if there is one."""
        self._settle()
        super().print(renderable)

    def line(self, text: str, style: str = "") -> None:
        """Print our own words."""
        self._settle()
        super().line(text, style)

    def _begin(self, event: ev.Retry) -> None:
        self.text(self._blocks.flush())
        self._waiting = event
        self._until = asyncio.get_running_loop().time() + event.wait_seconds
        self._tick()

    def _tick(self) -> None:
        assert self._waiting is not None
        loop = asyncio.get_running_loop()
        left = max(0.0, self._until - loop.time())
        # One column less: a line that fills the last one is two lines to some terminals.
        text = retry_line(self._waiting, left, self.console.width - 1)
        self.console.control(_CLEAR)
        self.console.print(Text(text, style="yellow"), end="", no_wrap=True, crop=True)
        if left > 0:
            self._timer = loop.call_later(left - ceil(left) + 1, self._tick)

    def _settle(self) -> None:
        """Leave the line as a headless run prints it: whole, with the wait as it was announced."""
        if self._timer:
            self._timer.cancel()
        event, self._waiting, self._timer = self._waiting, None, None
        if event:
            self.console.control(_CLEAR)
            super().show(event)
