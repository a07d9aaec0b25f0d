"""The interactive prompt: reads lines, shows events, asks for approval."""

from __future__ import annotations

import asyncio
import signal
import time

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import HTML, AnyFormattedText
from prompt_toolkit.history import DummyHistory
from rich.console import Console

from ml_intern.cli import commands
from ml_intern.cli.answers import answer
from ml_intern.cli.approve import decide
from ml_intern.cli.launch import open_session
from ml_intern.cli.live import Live
from ml_intern.cli.request import Request
from ml_intern.cli.safe import safe
from ml_intern.cli.screen import Screen
from ml_intern.configs.errors import Exit, MlInternError
from ml_intern.graph import events as ev
from ml_intern.sessions import operations as op
from ml_intern.sessions.session import Session

_TWICE = 1.5
"""Seconds within which a second Ctrl-C leaves."""
_PATIENCE = 1.0
"""Seconds a turn has to stop by itself after SIGTERM or SIGHUP."""


class Leave(Exception):
    """The person wants to go."""


async def run_repl(request: Request) -> int:
    """Talk until the person leaves; the exit code."""
    screen = Live(Console(highlight=False))
    async with open_session(request, interactive=True) as session:
        repl = Repl(session, screen)
        repl.greet()
        try:
            await repl.run(op.Resume() if await session.unfinished() else None)
            while True:
                await repl.step()
        except Leave:
            begun = (await session.state()).get("messages")
            hint = f" Go on with: ml-intern -r {session.id[:8]}" if begun else ""
            screen.line(f"Bye.{hint}", style="dim")
        except asyncio.CancelledError:
            if not repl.terminated:
                raise
    return int(Exit.TERMINATED if repl.terminated else Exit.DONE)


class Repl:
    """One person at one terminal."""

    def __init__(self, session: Session, screen: Screen) -> None:
        self._session = session
        self._screen = screen
        self._prompt: PromptSession[str] = PromptSession()
        # Of its own, so that answers do not end up among the messages that arrow-up recalls.
        self._questions: PromptSession[str] = PromptSession(history=DummyHistory())
        self._interrupted_at = -_TWICE
        self._leaving = False
        self.terminated = False
        """Whether a signal other than Ctrl-C ended it."""
        self._task = asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._terminate)

    def greet(self) -> None:
        """Say what is running, and how to get help."""
        self._arm()
        options, verb = self._session.options, "resumed" if self._session.resumed else "new"
        self._screen.line("ML Intern", style="bold")
        about = f"{safe(options.model or '')} · {options.permission_mode} mode · {verb} session"
        self._screen.line(f"{about} {self._session.id[:8]} · /help", style="dim")
        for event in self._session.opening():
            self._screen.show(event)

    async def step(self) -> None:
        """Read a line and do what it says.

        Raises:
            Leave: it said to leave.
        """
        if self._leaving:
            raise Leave
        try:
            line = await self._read(self._prompt, HTML("<ansicyan><b>&gt; </b></ansicyan>"), "")
        except EOFError:
            raise Leave from None
        except KeyboardInterrupt:
            if self._twice():
                raise Leave from None
            self._screen.line("  Ctrl-C again to leave.", style="dim")
            return
        if command := commands.find(line):
            await self._command(command, line)
        elif commands.looks_like_command(line):
            what = f"Unknown command {safe(line.strip())}. /help shows them."
            self._screen.line(what, style="red")
        elif line.strip():
            await self.run(op.UserInput(line))

    async def run(self, operation: op.Operation | None) -> None:
        """Carry an operation out to its end, asking where it asks.

        Raises:
            Leave: Ctrl-C came twice.
        """
        while operation:
            current, operation = operation, None
            question: ev.ApprovalRequired | None = None
            async for event in self._session.handle(current):
                self._screen.show(event)
                question = event if isinstance(event, ev.ApprovalRequired) else None
            if self._leaving:
                raise Leave
            operation = await self._answer(question) if question else None

    async def _answer(self, question: ev.ApprovalRequired) -> op.Operation:
        try:
            return op.ExecApproval(await decide(question.tools, self._ask, self._screen))
        except (KeyboardInterrupt, EOFError):
            return op.Interrupt()

    async def _ask(self, question: str, begin: str) -> str:
        return await self._read(self._questions, question, begin)

    async def _read(self, prompt: PromptSession[str], message: AnyFormattedText, begin: str) -> str:
        try:
            return await prompt.prompt_async(message, default=begin)
        finally:
            self._arm()  # prompt_toolkit takes the handler away when it is done

    def _arm(self) -> None:
        """Ctrl-C is ours whenever nothing is being read."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupt)

    def _interrupt(self) -> None:
        working = self._session.stop()
        self._leaving = self._twice()
        if not self._leaving:
            what = "stopping … (Ctrl-C again to leave)" if working else "Ctrl-C again to leave."
            self._screen.line(f"  {what}", style="dim")

    def _terminate(self) -> None:
        """Stop what runs, which saves it, and leave; silently, the terminal may be gone."""
        self.terminated = self._leaving = True
        self._screen.console.quiet = True
        assert self._task is not None
        if self._session.stop("terminated"):
            asyncio.get_running_loop().call_later(_PATIENCE, self._task.cancel)
        else:
            self._task.cancel()

    def _twice(self) -> bool:
        before, self._interrupted_at = self._interrupted_at, time.monotonic()
        return self._interrupted_at - before < _TWICE

    async def _command(self, command: commands.SlashCommand, line: str) -> None:
        if command.action == "quit":
            raise Leave
        before = self._session.id
        try:
            if operation := commands.operation(command, line):
                await self.run(operation)
            else:
                for text in await answer(command.action, self._session):
                    self._screen.line(text)
        except MlInternError as error:
            self._screen.line(f"  {safe(str(error))}", style="red")
        if self._session.id != before:
            self.greet()
