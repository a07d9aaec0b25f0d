"""The filter behind a renderer that makes characters of its own, as Markdown does of `&rlm;`."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from ml_intern.cli.safe import safe


@dataclass(frozen=True, slots=True)
class Filtered:
    """What `inner` renders to, with nothing in it that a terminal acts on."""

    inner: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Each piece of text through the filter; what Rich adds for its styles comes later."""
        for text, style, control in console.render(self.inner, options):
            yield Segment(safe(text), style) if not control else Segment("")
