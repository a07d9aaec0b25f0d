"""What ends a headless run from outside: signals, `--timeout`, a reader that went away."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn

from ml_intern.cli.result import EXITS
from ml_intern.cli.signals import heeded
from ml_intern.sessions.session import Session
from ml_intern.tools.proctree import living

_REASONS = {"interrupted": "user"}
"""What the session calls it, where that is another word."""
_PATIENCE = 15.0
"""Seconds a stopped run has to save itself. What every step wrote before is safe without them."""
_MOMENT = 1.0
"""Seconds that the loop has to heed a second signal, and the last words to be written."""


class Stopper:
    """Stops the run once, by what asks first; a second signal ends the process."""

    def __init__(self, timeout: float | None, last_words: Callable[[str], None]) -> None:
        self.status = ""
        """How the run ends, once it was stopped."""
        self._session: Session | None = None
        self._finished = False
        self._heard = False
        self._last_words = last_words
        self._timers: list[threading.Timer | asyncio.TimerHandle] = []
        self._before = {number: signal.getsignal(number) for number in heeded()}
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        # Never taken away: with the default action back, a late signal would kill us unsaid.
        for number, status in heeded().items():
            self._loop.add_signal_handler(number, self._signal, status)
            # This one interrupts a write that nobody reads, in which the loop never gets a turn.
            signal.signal(number, partial(self._outside, status))
        if timeout is not None:
            self._timers.append(self._loop.call_later(timeout, self.stop, "timeout"))
            self._force_after(timeout + _PATIENCE + _MOMENT, "timeout")

    def watch(self, session: Session) -> None:
        """There is a session: from here on a stop is saved in it."""
        self._session = session

    def finish(self) -> None:
        """The turn is over: what comes now is too late to change how it ended."""
        self._finished = True

    def release(self) -> None:
        """The process goes on without the run: nothing of it may end what comes now."""
        self._finished = True
        for timer in self._timers:
            timer.cancel()
        for number, handler in self._before.items():
            self._loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def stop(self, status: str) -> None:
        """Stop what runs, or the opening of the session."""
        if self.status or self._finished:
            return
        self.status = status
        self._timers.append(self._loop.call_later(_PATIENCE, self._force))
        if self._session is not None:
            self._session.stop(_REASONS.get(status, status))
        elif self._task is not None:
            self._task.cancel()

    def _signal(self, status: str) -> None:
        if self.status:
            self._force()
        else:
            self.stop(status)

    def _outside(self, status: str, _number: int, _frame: object) -> None:
        """Heed a signal for a loop that cannot: it is given the time to do so first."""
        self._force_after(_MOMENT if self._heard else _PATIENCE + _MOMENT, status)
        self._heard = True

    def _force_after(self, seconds: float, status: str) -> None:
        timer = threading.Timer(seconds, self._force_hung, [status])
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _force_hung(self, status: str) -> None:
        """End a process that is still there; a run in good time has left by itself."""
        if status == "timeout" and self._finished:
            return
        self.status = self.status or status
        self._force()

    def _force(self) -> NoReturn:
        """End now, whatever hangs: a call that cannot be cancelled, a thread, a disk, a pipe."""
        words = threading.Thread(target=self._last_words, args=[self.status], daemon=True)
        words.start()
        words.join(_MOMENT)
        _kill_descendants()
        os._exit(int(EXITS[self.status]))


def _kill_descendants() -> None:
    """Leave no command running that was still given time to end by itself."""
    table, ours, size = living(), {os.getpid()}, 0
    while size != len(ours):
        size = len(ours)
        ours |= {process.pid for process in table if process.parent in ours}
    for pid in ours - {os.getpid()}:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
