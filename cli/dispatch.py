"""Does what a finished line says: a command, a line of shell, a message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ml_intern.cli import commands
from ml_intern.cli.answers import answer
from ml_intern.cli.greeting import greet
from ml_intern.cli.live import Live
from ml_intern.cli.pane import Pane
from ml_intern.cli.permissions import rule_lines
from ml_intern.cli.request import Request
from ml_intern.cli.safe import safe
from ml_intern.cli.shell import run_command, shared
from ml_intern.cli.turns import Turns
from ml_intern.configs.environment import prepared_environment
from ml_intern.configs.errors import ConfigError, MlInternError
from ml_intern.configs.settings import PermissionMode
from ml_intern.graph import events as ev
from ml_intern.sessions import operations as op
from ml_intern.sessions.session import Session

_ENDING = 0.7
"""Seconds that a turn may take to end after its answer was seen."""


class Dispatch:
    """Takes one line after the other; none of them keeps it waiting for a turn."""

    def __init__(self, session: Session, request: Request, live: Live, pane: Pane) -> None:
        self._session, self._request = session, request
        self._live, self._pane = live, pane
        self._told: list[str] = []
        """Outputs of the person's own commands, for the next message."""
        self._later: list[asyncio.Task[None]] = []
        """Messages that wait for what is no turn."""
        self.turns: Turns
        self.leave: Callable[[], None]
        self.switch: Callable[[str, str], None]
        """Goes on with the session whose id begins so, "" to choose one; else with the second."""

    async def do(self, line: str) -> None:
        """What the line says.

        Raises:
            MlInternError: it cannot be done; the message says why.
        """
        if command := commands.find(line):
            self._live.line(safe(line.strip()), style="bold")
            await self._command(command, line)
        elif commands.looks_like_command(line):
            raise ConfigError(f"Unknown command {line.strip()}. /help shows them.")
        elif line.startswith("!") and line[1:].strip():
            await self._idle_only("!")
            self.turns.start(self._shell(line[1:].strip()))
        elif self._later or not self.turns.ready:
            self._wait(line)
        else:
            await self._say(line)

    async def _say(self, line: str) -> None:
        if await self.turns.takes_messages():
            await self._steer(line)
        else:
            self._send(line)

    def _wait(self, line: str) -> None:
        """A message behind what is no turn, such as a command line: shown until it is sent."""
        self._live.activity.queued.append(line)
        task = asyncio.create_task(self._said_later(line, self._later[-1:], self.turns.stopped))
        self._later.append(task)
        task.add_done_callback(self._later.remove)

    async def _said_later(self, line: str, before: list[asyncio.Task[None]], stopped: bool) -> None:
        """A stop that came after it gives it back, as it does the messages for a turn."""
        try:
            if before:
                await asyncio.wait(before)
            await self.turns.takes_messages()
            self._unqueue(line)
            if self.turns.stopped and not stopped:
                self._pane.put("\n\n".join(filter(None, [self._pane.buffer.text, line])))
            else:
                await self._say(line)
        except MlInternError as error:
            self._live.line(f"  ✗ {safe(str(error))}", style="red")
        except Exception as error:  # noqa: BLE001 - ends the conversation, and is told there
            self.turns.failed(error)

    async def _none_waits(self) -> None:
        """Give a message that was typed just before the time to be on its way."""
        if self._later:
            await asyncio.wait([*self._later], timeout=_ENDING)

    def close(self) -> None:
        """Say nothing more."""
        for task in self._later:
            task.cancel()

    def _unqueue(self, line: str) -> None:
        """It may have been given back meanwhile."""
        if line in self._live.activity.queued:
            self._live.activity.queued.remove(line)

    def _send(self, line: str) -> None:
        text = "".join([line, *self._told])
        self._told.clear()
        self.turns.start(self.turns.turn(op.UserInput(text), text))

    async def _steer(self, line: str) -> None:
        """A message in the middle of a turn, or the next one if that ends this very moment."""
        self._live.activity.queued.append(line)
        try:
            await self._session.steer(line)
        except MlInternError:
            self._unqueue(line)
            if not await self.turns.over(_ENDING):
                self._pane.put(line)
                raise
            self._send(line)

    async def _command(self, command: commands.SlashCommand, line: str) -> None:
        operation = commands.operation(command, line)
        match command.action:
            case "quit":
                await self._none_waits()
                await self.turns.over(_ENDING)
                self.leave()
            case "resume":
                await self._idle_only(command.names[0])
                begun = (await self._session.state()).get("messages")
                self.switch(commands.argument(line), self._session.id if begun else "")
            case "mode" | "yolo":
                self._set_mode(commands.mode(command, line, self._session.options.permission_mode))
            case "show":
                self._live.unfold(commands.argument(line))
            case _ if operation:
                await self._idle_only(command.names[0])
                if command.action == "clear":
                    self._pane.clear()
                self.turns.start(self._operation(operation))
            case _:
                await self._answer(command)

    async def _answer(self, command: commands.SlashCommand) -> None:
        """What the terminal answers by itself, also in the middle of a turn."""
        if command.action == "permissions":
            lines = await rule_lines(self._request, self._session)
        else:
            lines = await answer(command.action, self._session)
        for line in lines:
            self._live.line(line)

    async def _operation(self, operation: op.Operation) -> None:
        before = self._session.id
        await self.turns.turn(operation)
        if self._session.id != before:
            greet(self._session, self._live)

    async def _shell(self, command: str) -> None:
        """A line of the person's own, for them and for the model's next message."""
        self._live.show(ev.ToolCall(tool="!", tool_call_id="!", arguments={"command": command}))
        log = self._live.watch("!", command)
        session, environ = self._session, prepared_environment()
        work = run_command(command, session, dict(environ), log)
        try:
            result = await self.turns.own(work)
        except asyncio.CancelledError:
            self._live.line("  stopped", style="yellow")
            return
        done = ev.ToolOutput(tool="!", tool_call_id="!", output=result.text, success=result.ok)
        self._live.show(done)
        self._told.append(shared(command, result))

    async def _idle_only(self, name: str) -> None:
        """A turn that is as good as over is waited for.

        Raises:
            ConfigError: it is not over.
        """
        await self._none_waits()
        if self._later or not await self.turns.over(_ENDING):
            raise ConfigError(f"{name} has to wait: let the turn end, or stop it with Esc.")

    def _set_mode(self, wanted: PermissionMode | None) -> None:
        if wanted:
            self._session.set_mode(wanted)
        mode = self._session.options.permission_mode
        self._live.line(f"  {mode} mode: {commands.MODES[mode]}", style="dim")
