"""The conversation at a terminal: what the person does, and what they see."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace

from prompt_toolkit.formatted_text import AnyFormattedText, StyleAndTextTuples
from rich.console import Console

from ml_intern.checkpoints.threads import Thread
from ml_intern.cli.activity import Activity
from ml_intern.cli.choices import choices
from ml_intern.cli.complete import Completions
from ml_intern.cli.crash import described
from ml_intern.cli.dispatch import Dispatch
from ml_intern.cli.greeting import goodbye, greet
from ml_intern.cli.keys import bindings
from ml_intern.cli.launch import open_session
from ml_intern.cli.layout import Parts
from ml_intern.cli.live import Above, Live
from ml_intern.cli.pane import Pane
from ml_intern.cli.permissions import take
from ml_intern.cli.person import AtTerminal
from ml_intern.cli.request import Request
from ml_intern.cli.safe import safe
from ml_intern.cli.stray import Stray
from ml_intern.cli.turns import Turns
from ml_intern.configs.environment import plain_terminal, prepared_environment
from ml_intern.configs.errors import ConfigError, Exit, MlInternError
from ml_intern.configs.paths import home
from ml_intern.configs.settings import STRICTNESS, PermissionMode
from ml_intern.nodes.policies.history import pending_calls
from ml_intern.sessions import operations as op
from ml_intern.sessions.session import Session

_TWICE = 1.5
"""Seconds within which a second Ctrl-C leaves."""
_PATIENCE = 1.0
"""Seconds a turn has to stop by itself when the person leaves."""
_PROMPT: StyleAndTextTuples = [("class:prompt", "> ")]


class Switch(Exception):
    """The person wants to go on with another session."""

    def __init__(self, wanted: str, before: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted
        """The start of its id; "" to choose one."""
        self.before = before
        """The id of the session to come back to if that fails; "" for a new one."""


async def run_repl(request: Request) -> int:
    """Talk until the person leaves; the exit code."""
    if plain_terminal(prepared_environment()):
        raise ConfigError(
            "This terminal (TERM=dumb) cannot show a conversation. Give the task as an argument: "
            'ml-intern "…", or set TERM to what the terminal is.'
        )
    before: str | None = None
    while True:
        try:
            async with open_session(request, interactive=True) as session:
                before = None
                return await Repl(session, request).talk()
        except Switch as switch:
            request, before = _resuming(request, switch.wanted), switch.before
        except Exception as error:  # a damaged session must not cost the conversation before it
            if before is None:
                raise
            told = str(error) if isinstance(error, MlInternError) else described(error)
            Console(stderr=True).print(f"  ✗ {safe(told)}", style="red", markup=False)
            request, before = _resuming(request, before or None), None


def _resuming(request: Request, wanted: str | None) -> Request:
    """What to open next; without an id a new session."""
    return replace(request, resume=wanted, proceed=False, fork=False, fork_into=None)


@contextmanager
def _handled(terminate: Callable[[], None]) -> Iterator[None]:
    """The signals that end a conversation go to `terminate`; behind it, to who had them before."""
    loop, numbers = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        loop.add_signal_handler(number, terminate)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler or signal.SIG_DFL)


def _stop_process() -> None:
    os.kill(0, signal.SIGTSTP)


class Repl:
    """One person at one terminal with one session."""

    def __init__(self, session: Session, request: Request) -> None:
        self._session = session
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._interrupted_at = -_TWICE
        self._hint = ""
        self._suspended: asyncio.Future[None] | None = None
        self._threads: list[Thread] = []
        """Other sessions, for completion."""
        self._pane = self._made_pane()
        console = Console(file=Above(self._pane.write), highlight=False, force_terminal=True)  # type: ignore[arg-type]
        self._live = Live(console, Activity(), time.monotonic)
        self._person = AtTerminal(self._pane, lambda rule, scope: take(rule, scope, session))
        self._turns = Turns(session, self._live, self._pane, self._person)
        self._dispatch = Dispatch(session, request, self._live, self._pane)
        self._turns.failed, self._dispatch.turns = self._fail, self._turns
        self._dispatch.leave, self._dispatch.switch = self.leave, self._switch

    def _made_pane(self) -> Pane:
        parts = Parts(live=self._frame, prefix=self._prefix, standing=self._standing)
        found = choices(self._session, self._threads)
        completions = Completions(lambda: self._session.cwd, found)
        history = home(prepared_environment()).root / "history"
        return Pane(parts, bindings(self), completions, history)

    async def talk(self) -> int:
        """Until the person leaves; the exit code.

        Raises:
            Switch: they want another session.
        """
        try:
            with _handled(self._terminate), redirect_stderr(Stray(self._stray)):
                await self._pane.run(self._work())
        except (EOFError, OSError):  # the terminal went away
            return int(Exit.TERMINATED)
        return self._end.result()

    async def _work(self) -> None:
        greet(self._session, self._live)
        listener = asyncio.create_task(self._listen())
        try:
            self._threads += await self._session.others()
            if await self._session.unfinished():
                self._live.know(pending_calls((await self._session.state()).get("messages", [])))
                self._turns.start(self._turns.turn(op.Resume()))
            await asyncio.shield(self._end)
        finally:
            listener.cancel()
            self._dispatch.close()
            await self._turns.leave("user" if self._left() else "terminated", _PATIENCE)
        if self._left():
            await goodbye(self._session, self._live)

    def _left(self) -> bool:
        """Whether the person went, and not the terminal."""
        return self._end.done() and not self._end.exception() and self._end.result() == Exit.DONE

    async def _listen(self) -> None:
        """Do what each line says, in their order."""
        while True:
            line = await self._lines.get()
            try:
                await self._dispatch.do(line)
            except MlInternError as error:
                self._live.line(f"  ✗ {safe(str(error))}", style="red")
            except Exception as error:  # noqa: BLE001 - ends the conversation, and is told there
                self._fail(error)

    # What the keys do.

    def enter(self, text: str) -> None:
        """A line was finished."""
        if self._person.take(text) or not text.strip():
            return
        self._pane.sent()
        self._lines.put_nowait(text)

    def interrupt(self) -> None:
        """Ctrl-C: stop what is under way, else empty the line, else leave if it came twice."""
        if self._pane.away:  # an editor's signal reaches us, too
            return
        before, self._interrupted_at = self._interrupted_at, time.monotonic()
        if self._interrupted_at - before < _TWICE:
            self._finish(Exit.DONE)
        elif self._turns.busy:
            self._turns.stop()
        elif self._pane.buffer.text:
            self._pane.put("")
        self._hint = "Ctrl-C again to leave"
        asyncio.get_running_loop().call_later(_TWICE, self._forget_hint)
        self._pane.refresh()

    def escape(self) -> None:
        """Stop what is under way."""
        if self._turns.busy:
            self._turns.stop()

    def leave(self) -> None:
        """Leave at once."""
        self._finish(Exit.DONE)

    def suspend(self) -> None:
        """Stop the process until the shell lets it go on."""
        if not self._pane.away:
            self._suspended = asyncio.ensure_future(self._pane.leave_to(_stop_process))

    def next_mode(self) -> None:
        """From the strictest to the next, yolo left out: that one is to be said in words."""
        around: list[PermissionMode] = [mode for mode in STRICTNESS if mode != "yolo"]
        now = self._session.options.permission_mode
        at = around.index(now) if now in around else -1
        self._session.set_mode(around[(at + 1) % len(around)])
        self._pane.refresh()

    def focus(self, here: bool) -> None:
        """The terminal says whether it is looked at."""
        self._turns.focused = here

    def _stray(self, line: str) -> None:
        self._live.line(f"  {safe(line)}", style="yellow")

    # What the pane shows.

    def _frame(self, columns: int, rows: int) -> StyleAndTextTuples:
        return self._live.frame(columns, rows)

    def _prefix(self) -> AnyFormattedText:
        label = self._person.label
        return [("class:question", f"  {label}")] if label else _PROMPT

    def _standing(self) -> str:
        hint = f"{self._hint} · " if self._hint else ""
        options = self._session.options
        mode = f"{options.permission_mode} mode (Shift-Tab)"
        return f"{hint}{mode} · {safe(options.model or '')}"

    def _forget_hint(self) -> None:
        if time.monotonic() - self._interrupted_at >= _TWICE - 0.05:
            self._hint = ""
            self._pane.refresh()

    def _finish(self, code: int) -> None:
        if not self._end.done():
            self._end.set_result(int(code))

    def _switch(self, wanted: str, before: str) -> None:
        self._fail(Switch(wanted, before))

    def _fail(self, error: BaseException) -> None:
        if not self._end.done():
            self._end.set_exception(error)

    def _terminate(self) -> None:
        """Save and leave; silently, the terminal may be gone."""
        self._live.console.quiet = True
        self._finish(Exit.TERMINATED)
