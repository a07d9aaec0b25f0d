"""Does one thing at a time for the person: a turn, a command, a line of shell; stoppable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from ml_intern.cli.approve import Stopped, decide
from ml_intern.cli.attention import signal as attention
from ml_intern.cli.live import Live
from ml_intern.cli.pane import Pane
from ml_intern.cli.person import AtTerminal
from ml_intern.cli.safe import safe
from ml_intern.configs.environment import notifies, prepared_environment
from ml_intern.configs.errors import MlInternError
from ml_intern.graph import events as ev
from ml_intern.sessions import operations as op
from ml_intern.sessions.session import Session

_FRAME = 0.125
"""Seconds between two frames while something is under way."""
_TEXT_FRAME = 0.05
"""Seconds between two frames at least while text streams in."""


class Turns:
    """What is under way, and how it is shown, asked about and stopped."""

    def __init__(self, session: Session, live: Live, pane: Pane, person: AtTerminal) -> None:
        self._session, self._live, self._pane, self._person = session, live, pane, person
        self._task: asyncio.Task[None] | None = None
        self._own: asyncio.Task[Any] | None = None
        """Work of ours that the session does not know of, such as a shell line."""
        self._acknowledged = asyncio.Event()
        self._stopped = False
        self._leaving = False
        self._drawn = 0.0
        self.focused: bool | None = None
        self.failed: Callable[[BaseException], None] = lambda _: None
        """Told of what ended the work and was not expected."""

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self._task is not None and not self._task.done()

    @property
    def stopped(self) -> bool:
        """Whether the person stopped what is, or was, under way."""
        return self._stopped

    @property
    def ready(self) -> bool:
        """Whether a message can go at once: to the turn that runs, or as a new one."""
        return not self.busy or (self._acknowledged.is_set() and not self._stopped)

    async def takes_messages(self) -> bool:
        """Whether a turn is under way that goes on.

        One that has just been started, or stopped, is waited for.
        """
        if self._task and self.busy and self._stopped:
            await asyncio.wait([self._task])
        elif self._task and self.busy:
            acknowledged = asyncio.ensure_future(self._acknowledged.wait())
            await asyncio.wait([self._task, acknowledged], return_when=asyncio.FIRST_COMPLETED)
            acknowledged.cancel()
        return self.busy

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin something; nothing else may be under way."""
        self._acknowledged, self._stopped = asyncio.Event(), False
        self._task = asyncio.create_task(self._shown(work))

    def stop(self, reason: str = "user") -> None:
        """Stop what is under way; a question is taken back."""
        self._stopped = True
        if self._own:
            self._own.cancel()
        elif not self._person.stop():
            self._session.stop(reason)

    async def over(self, seconds: float) -> bool:
        """Whether nothing is under way after `seconds` at most."""
        if self._task and not self._task.done():
            await asyncio.wait([self._task], timeout=seconds)
        return not self.busy

    async def leave(self, reason: str, seconds: float) -> None:
        """End what is under way within `seconds`; an open question stays open for the next time."""
        self._leaving = True
        if self._task is None or not self.busy:
            return
        if not self._person.asked:
            self.stop(reason)
            await asyncio.wait([self._task], timeout=seconds)
        self._task.cancel()
        await asyncio.wait([self._task])

    async def turn(self, operation: op.Operation, text: str = "") -> None:
        """Carry out `operation`, asking where it asks; `text` is the message it sends."""
        last = await self._carry_out(operation)
        if text and not self._acknowledged.is_set() and not self._pane.buffer.text:
            self._pane.put(text)  # it was refused: they can mend it
        if self._leaving:  # what is queued stays on disk: nobody reads the line any more
            return
        if self._stopped or (isinstance(last, ev.TurnComplete) and last.status == "interrupted"):
            self._give_back(await self._session.take_back())

    async def own(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - what `work` gives
        """Do `work`, which Esc and Ctrl-C cancel.

        Raises:
            CancelledError: it was.
        """
        self._own = asyncio.create_task(work)
        try:
            return await self._own
        finally:
            self._own = None

    async def _carry_out(self, operation: op.Operation) -> ev.Event | None:
        """The last event."""
        following: op.Operation | None = operation
        last: ev.Event | None = None
        while following:
            current, following = following, None
            async for last in self._session.handle(current):
                if isinstance(last, ev.Processing):
                    self._acknowledged.set()
                self._live.show(last)
                self._refresh(last)
            if isinstance(last, ev.ApprovalRequired):
                following = await self._answer(last)
        return last

    def _refresh(self, event: ev.Event) -> None:
        """Not for each of a hundred pieces of text a second: a frame of a long one takes 15 ms."""
        now = time.monotonic()
        if not isinstance(event, ev.AssistantChunk) or now - self._drawn >= _TEXT_FRAME:
            self._drawn = now
            self._pane.refresh()

    async def _answer(self, question: ev.ApprovalRequired) -> op.Operation:
        self._live.activity.asking = True
        self._call("needs your approval")
        try:
            return op.ExecApproval(await decide(question.tools, self._person, self._live))
        except Stopped:
            return op.Interrupt()
        finally:
            self._live.activity.asking = False

    def _give_back(self, texts: list[str]) -> None:
        self._live.activity.queued.clear()
        if texts:
            text = "\n\n".join([*texts, self._pane.buffer.text]).rstrip("\n")
            self._pane.put(text)

    async def _shown(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` with the pane alive."""
        self._live.activity.begin(time.monotonic())
        ticker = asyncio.create_task(self._tick())
        try:
            await work
        except MlInternError as error:
            self._live.line(f"  ✗ {safe(str(error))}", style="red")
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - ends the conversation, and is told there
            self.failed(error)
        finally:
            ticker.cancel()
            self._call("is done")
            self._live.settle()
            self._pane.refresh()

    async def _tick(self) -> None:
        while True:
            self._pane.refresh()
            await asyncio.sleep(_FRAME)

    def _call(self, what: str) -> None:
        since = self._live.activity.since or time.monotonic()
        sequence = attention(
            f"ML Intern {what}",
            focused=self.focused,
            worked=time.monotonic() - since,
            notifies=notifies(prepared_environment()),
        )
        if sequence:
            self._pane.bell(sequence)
