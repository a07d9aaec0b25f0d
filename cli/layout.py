"""The rows at the bottom of the terminal: what is under way, the input line, one of standing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.data_structures import Size
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import AnyFormattedText, StyleAndTextTuples
from prompt_toolkit.layout import (
    ConditionalContainer,
    Dimension,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import (
    AppendAutoSuggestion,
    HighlightIncrementalSearchProcessor,
)
from prompt_toolkit.styles import Style
from prompt_toolkit.widgets import SearchToolbar

_MENU = 8
"""Rows kept free for the list of completions while it is open."""
STYLE = Style.from_dict(
    {
        "prompt": "ansicyan bold",
        "question": "ansiyellow bold",
        "standing": "ansibrightblack",
        "status": "ansicyan",
        "last": "ansibrightblack",
        "queued": "ansimagenta",
        "retry": "ansiyellow",
        "completion-menu": "noinherit",
        "completion-menu.completion.current": "noinherit reverse",
        "completion-menu.meta.completion": "noinherit ansibrightblack",
        "completion-menu.meta.completion.current": "noinherit ansibrightblack reverse",
    }
)
"""The terminal's own sixteen colours: they suit whatever its background is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the pane shows; each is asked anew for every frame."""

    live: Callable[[int, int], StyleAndTextTuples]
    """What is under way, for so many columns and rows; [] for nothing."""
    prefix: Callable[[], AnyFormattedText]
    """What stands before the input."""
    standing: Callable[[], str]
    """Mode, model and the like."""


class Rows:
    """The rows of one frame after the other, for one input."""

    def __init__(self, parts: Parts, buffer: Buffer, size: Callable[[], Size]) -> None:
        self._parts, self._buffer, self._size = parts, buffer, size
        self._live: StyleAndTextTuples = []
        self._search = SearchToolbar(ignore_case=True)
        line = self._line()
        self.layout = Layout(self._rows(line), line)

    def look(self) -> int:
        """Gather what the next frame shows; the rows it takes."""
        size = self._size()
        self._live = self._parts.live(size.columns, size.rows)
        return self.layout.container.preferred_height(size.columns, size.rows).preferred

    def _rows(self, line: Window) -> HSplit:
        live = Window(
            FormattedTextControl(lambda: self._live), dont_extend_height=True, wrap_lines=False
        )
        standing = Window(
            FormattedTextControl(lambda: [("class:standing", self._parts.standing())]),
            height=1,
            wrap_lines=False,
        )
        menu = Float(
            xcursor=True, ycursor=True, content=CompletionsMenu(max_height=_MENU, scroll_offset=1)
        )
        return HSplit(
            [
                ConditionalContainer(live, Condition(lambda: bool(self._live))),
                FloatContainer(line, [menu]),
                ConditionalContainer(standing, ~Condition(self._choosing)),
                self._search,
            ]
        )

    def _line(self) -> Window:
        control = BufferControl(
            self._buffer,
            input_processors=[HighlightIncrementalSearchProcessor(), AppendAutoSuggestion()],
            search_buffer_control=self._search.control,
            preview_search=True,
        )
        return Window(
            control,
            height=self._height,
            get_line_prefix=self._prefix,
            wrap_lines=True,
            dont_extend_height=True,
        )

    def _choosing(self) -> bool:
        return self._buffer.complete_state is not None

    def _height(self) -> Dimension:
        most = max(3, self._size().rows // 2)
        return Dimension(min=_MENU + 1 if self._choosing() else 1, max=max(most, _MENU + 1))

    def _prefix(self, number: int, wrapped: int) -> AnyFormattedText:
        return self._parts.prefix() if number == wrapped == 0 else "  "
