"""What the keys do in a conversation; all others are prompt_toolkit's own, as in any shell."""

from __future__ import annotations

from typing import Protocol

from prompt_toolkit.filters import Condition, has_completions
from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.search import stop_search

_FOCUS_IN, _FOCUS_OUT = Keys.F23, Keys.F24
"""Keys that no keyboard has stand for a terminal's report that it was looked at, or away from."""


class Actions(Protocol):
    """Who is told."""

    def enter(self, text: str) -> None:
        """A line was finished."""

    def interrupt(self) -> None:
        """Ctrl-C, or an interrupt signal."""

    def escape(self) -> None:
        """Esc by itself."""

    def leave(self) -> None:
        """Ctrl-D on an empty line."""

    def suspend(self) -> None:
        """Ctrl-Z."""

    def next_mode(self) -> None:
        """Shift-Tab."""

    def focus(self, here: bool) -> None:
        """Whether the terminal is the one that is looked at."""


def bindings(actions: Actions) -> KeyBindings:
    """The keys, bound to `actions`."""
    keys = KeyBindings()
    _editing(keys, actions)
    _control(keys, actions)
    return keys


def _editing(keys: KeyBindings, actions: Actions) -> None:
    @keys.add("enter", filter=~Condition(_searching))
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.char_before_cursor == "\\" and buffer.document.is_cursor_at_the_end:
            buffer.delete_before_cursor()
            buffer.newline(copy_margin=False)
        else:
            actions.enter(buffer.text)

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)


def _control(keys: KeyBindings, actions: Actions) -> None:
    empty = Condition(_empty)
    keys.add("c-c")(lambda _: actions.interrupt())
    keys.add("c-c", filter=Condition(_searching))(lambda _: stop_search())
    keys.add("<sigint>")(lambda _: actions.interrupt())
    keys.add("escape", filter=~Condition(_searching) & ~has_completions)(lambda _: actions.escape())
    keys.add("c-z")(lambda _: actions.suspend())
    keys.add("c-d", filter=empty)(lambda _: actions.leave())
    keys.add("s-tab", filter=~has_completions)(lambda _: actions.next_mode())
    ANSI_SEQUENCES.update({"\x1b[I": _FOCUS_IN, "\x1b[O": _FOCUS_OUT})
    keys.add(_FOCUS_IN)(lambda _: actions.focus(True))
    keys.add(_FOCUS_OUT)(lambda _: actions.focus(False))

    @keys.add("escape", filter=has_completions)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.cancel_completion()


def _empty() -> bool:
    from prompt_toolkit.application import get_app

    return not get_app().current_buffer.text and not _searching()


def _searching() -> bool:
    from prompt_toolkit.application import get_app

    return get_app().layout.is_searching
