"""The bottom of the terminal: what is under way, the input line, a line of standing.

Everything else is written above it, once, and scrolls away as in any terminal.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from prompt_toolkit.application import Application
from prompt_toolkit.application.run_in_terminal import run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer, ThreadedCompleter
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.key_binding import KeyBindingsBase, merge_key_bindings
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.output.color_depth import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output

from ml_intern.cli.history import LineHistory
from ml_intern.cli.layout import STYLE, Parts, Rows

_ESCAPE = 0.1
"""Seconds after which Esc is Esc, and not the beginning of Alt and a key."""
_HOLD, _RELEASE = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronised output: terminals that know it show erase, text and redraw as one frame."""
_FOCUS_ON, _FOCUS_OFF = "\x1b[?1004h", "\x1b[?1004l"


class Pane:
    """Owns the terminal while `run` runs."""

    def __init__(
        self, parts: Parts, keys: KeyBindingsBase, completer: Completer, history: Path
    ) -> None:
        self._held: list[str] = []
        self._away = False
        self._soon = False
        self.buffer = Buffer(
            name="input",
            completer=ThreadedCompleter(completer),
            complete_while_typing=True,
            history=LineHistory(history),
            auto_suggest=AutoSuggestFromHistory(),
            multiline=True,
            tempfile_suffix=".md",
        )
        self._rows = Rows(parts, self.buffer, lambda: self.size)
        self.app: Application[None] = Application(
            layout=self._rows.layout,
            key_bindings=merge_key_bindings([load_auto_suggest_bindings(), keys]),
            output=terminal_output(),
            style=STYLE,
            erase_when_done=True,
        )
        self.app.ttimeoutlen = self.app.timeoutlen = _ESCAPE
        self._height = 0
        self.app.before_render += lambda _: self._look()
        self.app.after_render += lambda _: self._raw(_RELEASE)

    async def run(self, work: Awaitable[object]) -> None:
        """Show the pane until `work` is done."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self.app.exit() if self.app.is_running else None)
        try:
            self._raw(_FOCUS_ON)
            # Its own handler would print a traceback, and wait for Enter.
            await self.app.run_async(set_exception_handler=False)
        finally:
            self._raw(_FOCUS_OFF)
            task.cancel()
            await asyncio.wait([task])
            self.flush()
        task.result()

    def write(self, text: str) -> None:
        """Put whole lines above the pane, with all that was written in the same instant."""
        self._held.append(text)
        if not self._soon:
            self._soon = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Bring what was written to the terminal."""
        self._soon = False
        if self._away or not self._held:
            return
        text = "".join(self._held)
        self._held.clear()
        if self.app.is_running:
            self._raw(_HOLD)
            self.app.renderer.erase()
            self._raw(text)
            self.app.invalidate()
        else:
            self._raw(text)

    def refresh(self) -> None:
        """Draw the pane anew, soon."""
        if self.app.is_running and not self._away:
            self.app.invalidate()

    async def leave_to(self, action: Callable[[], object]) -> None:
        """Give the terminal to `action`, run in a thread, such as an editor."""
        self._away = True
        self._raw(_FOCUS_OFF)
        try:
            await run_in_terminal(action, in_executor=True)
        finally:
            self._away = False
            if self.app.is_running:
                self._raw(_FOCUS_ON)
            self.flush()

    def put(self, text: str) -> None:
        """Replace what stands in the input line, the cursor at its end."""
        self.buffer.set_document(Document(text), bypass_readonly=True)

    def sent(self) -> None:
        """Empty the input line; what stood there is the newest of the history."""
        self.buffer.reset(append_to_history=True)

    @property
    def away(self) -> bool:
        """Whether the terminal is somebody else's for now."""
        return self._away

    @property
    def size(self) -> Size:
        """Of the terminal."""
        return self.app.output.get_size()

    def clear(self) -> None:
        """Empty the visible screen; what scrolled away stays."""
        self.app.renderer.clear()

    def bell(self, sequence: str) -> None:
        """Ask for attention."""
        self._raw(sequence)

    def _look(self) -> None:
        """Gather what is to be drawn. A pane that became smaller would leave empty rows behind."""
        height = self._rows.look()
        if height < self._height:
            self._raw(_HOLD)
            self.app.renderer.erase()
        self._height = height

    def _raw(self, text: str) -> None:
        with suppress(OSError):  # the terminal went away: what is under way has to be saved yet
            self.app.output.write_raw(text)
            self.app.output.flush()


def terminal_output() -> Vt100_Output:
    """Without cursor position requests: an answer on a slow line would hold up every print."""
    output = Vt100_Output.from_pty(sys.stdout, default_color_depth=ColorDepth.from_env())
    output.enable_cpr = False
    return output
