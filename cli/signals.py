"""Signals that end the command. Light: they are heeded before anything heavy is imported."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import NoReturn

from ml_intern.cli.result import EXITS

_SIGNALS = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "terminated",
}


class Signalled(SystemExit):
    """A signal came before there was anything to stop."""

    def __init__(self, status: str) -> None:
        super().__init__(int(EXITS[status]))


def end_on_signals() -> None:
    """Until there is a run: raise `Signalled`. What nohup, or a shell's `&`, ignores stays so."""
    for number, status in heeded().items():
        signal.signal(number, _raising(status))


def heeded() -> dict[signal.Signals, str]:
    """The signals that end us, and how a run is then said to have ended."""
    return {n: s for n, s in _SIGNALS.items() if signal.getsignal(n) is not signal.SIG_IGN}


def _raising(status: str) -> Callable[[int, object], NoReturn]:
    def end(_number: int, _frame: object) -> NoReturn:
        raise Signalled(status)

    return end
