"""Calls a person back to a terminal that they are not looking at."""

from __future__ import annotations

from ml_intern.cli.safe import safe

_LONG = 20.0
"""Seconds of work after which a terminal that does not report its focus rings at the end, too."""
_BELL = "\a"


def signal(what: str, *, focused: bool | None, worked: float, notifies: bool) -> str:
    """The sequence to write, "" for none.

    Args:
        what: What has happened, in few words.
        focused: Whether the terminal has the focus; None if it never said.
        worked: Seconds that the turn took.
        notifies: Whether the terminal shows OSC 9 as a desktop notification; others get the bell.
    """
    if focused or (focused is None and worked < _LONG):
        return ""
    line = " ".join(safe(what).replace(";", ",").split())[:80]
    return f"\x1b]9;{line}{_BELL}" if notifies else _BELL
