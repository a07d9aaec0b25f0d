"""When a person is called back to the terminal, and by which sequence."""

from __future__ import annotations

import pytest

from ml_intern.cli.attention import signal


@pytest.mark.parametrize(
    ("focused", "worked", "rings"),
    [
        (True, 0.0, False),
        (True, 500.0, False),
        (False, 0.0, True),
        (None, 5.0, False),
        (None, 25.0, True),
    ],
)
def test_only_who_looks_elsewhere_is_called(
    focused: bool | None, worked: float, rings: bool
) -> None:
    made = signal("done", focused=focused, worked=worked, notifies=False)
    assert made == ("\a" if rings else "")


def test_a_notification_says_what_happened() -> None:
    made = signal("ML Intern is done", focused=False, worked=1, notifies=True)
    assert made == "\x1b]9;ML Intern is done\a"


def test_nothing_in_its_words_ends_or_splits_it() -> None:
    made = signal("a;b\x07\x1b]0;c\x07\nd" + "e" * 200, focused=False, worked=1, notifies=True)
    assert made.startswith("\x1b]9;a,b d")
    assert (made.count("\x1b"), made.count("\a"), made.count(";")) == (1, 1, 1)
    assert len(made) < 100
