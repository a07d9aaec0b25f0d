"""One thread, opened: operations in, typed events out. Every front end is a client of this."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml_intern.checkpoints.explain import explain, of_database
from ml_intern.checkpoints.threads import Thread
from ml_intern.configs.errors import MlInternError
from ml_intern.configs.settings import PermissionMode, Settings
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import (
    Error,
    Event,
    Interrupted,
    Notice,
    PlanUpdate,
    Ready,
    Shutdown,
)
from ml_intern.graph.state import AgentState
from ml_intern.sessions import operations as op
from ml_intern.sessions.attachment import Attachment
from ml_intern.sessions.driver import Driver
from ml_intern.sessions.filling import Filling, measure
from ml_intern.sessions.forking import Copier
from ml_intern.sessions.options import changed, told, with_mode, with_rule
from ml_intern.sessions.runner import Runner
from ml_intern.sessions.settle import settle
from ml_intern.sessions.steering import (
    inbox_of,
    queue,
    unanswered,
)
from ml_intern.sessions.travel import complete, redo, undo
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolSpec

Opener = Callable[[RunOptions], Awaitable[Attachment]]


class Session:
    """Not for concurrent use; but interrupt, `steer`, `take_back`, `stop` may come at any time."""

    def __init__(self, attachment: Attachment, new: Opener, copy: Copier) -> None:
        self._at = attachment
        self._new = new
        self._copy = copy
        self._seq = 0
        self._first: list[str] = []
        self._unkept = False
        """Whether permissions were changed since the options were last stored."""
        self._runner = Runner(attachment.threads.database)
        self._driver = Driver(lambda: self._at, self._runner, self._keep)

    @property
    def id(self) -> str:
        """The thread's id."""
        return self._at.id

    @property
    def options(self) -> RunOptions:
        """What the next run is started with."""
        return self._at.options

    @property
    def settings(self) -> Settings:
        """What is configured; `options` go before it."""
        return self._at.deps.settings

    @property
    def cwd(self) -> Path:
        """The folder it works in."""
        return self._at.deps.cwd

    @property
    def outputs(self) -> Path:
        """Where the full text of clipped outputs goes."""
        return self._at.deps.spill

    @property
    def tools(self) -> Mapping[str, ToolSpec[Any]]:
        """What the model can call."""
        return self._at.deps.tools

    @property
    def services(self) -> Services:
        """What its tools ask over the network."""
        return self._at.deps.services

    @property
    def budget(self) -> float | None:
        """Dollars that the session may spend on model calls; None: any sum."""
        return self._at.budget

    @property
    def resumed(self) -> bool:
        """Whether the thread was there before."""
        return self._at.resumed

    async def state(self) -> AgentState:
        """The thread's newest values."""
        return await self._at.state()

    async def turns(self) -> int:
        """Turns of the session, undone ones left out. Compaction takes them from the history."""
        found = await self._at.threads.find(self.id)
        return found[0].turns if found else 0

    async def others(self) -> list[Thread]:
        """The sessions used last, this one left out."""
        return [one for one in await self._at.threads.recent(20) if one.id != self.id]

    async def filling(self) -> Filling:
        """How full the model's window is.

        Raises:
            MlInternError: the model cannot be had.
        """
        return await measure(self._at)

    async def unfinished(self) -> bool:
        """Whether `Resume` is due: a turn was cut off, or what was said in it was not answered."""
        snapshot = await self._at.snapshot()
        # `next` does not tell: it can be empty even so.
        return bool(snapshot.tasks) or await unanswered(self._at, snapshot)

    def set_mode(self, mode: PermissionMode) -> None:
        """Change what needs a person, from the next decision on: also of a turn that runs.

        Raises:
            ConfigError: there is no such mode.
        """
        self._permit(with_mode(self.options, mode))

    def allow(self, rule: str) -> None:
        """Let what comes under a rule run unasked in this session, from the next decision on.

        Raises:
            ConfigError: it is no rule.
        """
        self._permit(with_rule(self.options, rule))

    def _permit(self, options: RunOptions) -> None:
        self._at, self._unkept = self._at.with_options(options), True
        if live := self._at.deps.live:
            live.mode, live.allow = options.permission_mode, options.allow

    async def _keep(self) -> None:
        """Store what was permitted since the turn began."""
        if self._unkept:
            self._unkept = False
            await self._at.threads.record(self._at.thread)

    async def steer(self, text: str) -> None:
        """Say something to the turn that runs or waits: it hears it behind the results of its step.

        It is on disk when this returns. What the turn does not take up begins the next one.

        Raises:
            ConfigError: it is too long, or no turn runs.
        """
        await queue(self._at, text)

    async def take_back(self) -> list[str]:
        """Remove what was said and is on its way to nobody; oldest first."""
        return [said.text for said in await inbox_of(self._at).take_back()]

    async def handle(self, operation: op.Operation) -> AsyncIterator[Event]:
        """Carry out an operation; its events, until it is done or waits for a person."""
        if not isinstance(operation, op.ExecApproval):  # it goes on with a turn, stopped or not
            self._runner.forget()
        try:
            if not isinstance(operation, op.Interrupt | op.New | op.Shutdown):
                # An undo that an error cut off must not be carried out over what comes now.
                for late in await self._late():
                    yield self._stamp(late)
            async for event in self._dispatch(operation):
                yield self._stamp(event)
        except MlInternError as error:
            yield self._stamp(Error(error=str(error), exit_code=int(error.exit)))
        except Exception as error:
            if not of_database(error):
                raise
            yield self._stamp(Error(error=explain(error, self._at.threads.database)))

    async def _late(self) -> list[Event]:
        done = await complete(self._at)
        return [done] if done else []

    def _stamp(self, event: Event) -> Event:
        self._seq += 1
        return replace(event, session_id=self.id, seq=self._seq, time=_now())

    def _dispatch(self, operation: op.Operation) -> AsyncIterator[Event]:
        match operation:
            case op.UserInput(text):
                return self._driver.say(text)
            case op.ExecApproval(decisions):
                return self._driver.answer(decisions)
            case op.Resume():
                return self._driver.go_on()
            case op.Compact():
                return self._driver.compact()
            case op.SetOptions():
                return self._set(operation)
            case op.Interrupt(reason):
                return self._interrupt(reason)
            case op.Undo() | op.Redo():
                return self._travel(operation)
            case op.Fork() | op.New():
                return self._switch(operation)
            case op.Shutdown():
                return self._shutdown()

    def say_first(self, messages: Sequence[str]) -> None:
        """What the user should know when it opens."""
        self._first += messages

    def opening(self) -> list[Event]:
        """The events a session opens with: it is ready, and what it cannot do."""
        events: list[Event] = [self._ready(), *(Notice(message=line) for line in self._first)]
        if servers := self._at.deps.settings.mcpServers:
            names = ", ".join(servers)
            events.append(Notice(message=f"MCP servers are not connected yet: {names}."))
        return [self._stamp(event) for event in events]

    def _ready(self) -> Ready:
        model = self.options.model or self._at.deps.settings.model_name
        return Ready(tool_count=len(self._at.deps.tools), model=model, resumed=self._at.resumed)

    async def _set(self, wanted: op.SetOptions) -> AsyncIterator[Event]:
        options = changed(self.options, wanted)
        lines = told(wanted)
        if wanted.model is not None:
            model = await self._at.deps.model(wanted.model)
            lines.append(f"{model.name} takes over with the next message.")
        self._at = self._at.with_options(options)
        for line in lines:
            yield Notice(message=line)

    def stop(self, reason: str = "user") -> bool:
        """Stop a running turn, from a signal handler for one; False if none is running."""
        return self._runner.stop(reason)

    async def _interrupt(self, reason: str) -> AsyncIterator[Event]:
        """A running turn ends by itself with `interrupted`; one that waits is given up here."""
        if not self.stop(reason) and (await self._at.snapshot()).tasks:
            await inbox_of(self._at).close()
            await settle(self._at)
            await self._at.end_run("interrupted")
            yield Interrupted(reason=reason)

    async def _travel(self, operation: op.Undo | op.Redo) -> AsyncIterator[Event]:
        back, plan = isinstance(operation, op.Undo), (await self.state()).get("plan", [])
        done = await (undo if back else redo)(self._at, operation.turns)
        if done is None:
            name = "undo" if back else "redo"
            yield Error(error=f"There is no turn to {name}.", exit_code=2)
            return
        await inbox_of(self._at).close()
        if (now := (await self.state()).get("plan", [])) != plan:
            yield PlanUpdate(plan=[dict(item) for item in now])
        yield done

    async def _switch(self, operation: op.Fork | op.New) -> AsyncIterator[Event]:
        before = self._at
        if isinstance(operation, op.Fork):
            said: list[str] = []
            self._at = await self._copy(before, operation, said.append)
            for message in said:
                yield Notice(message=message)
        else:
            # What was allowed for a session ends with it.
            self._at = await self._new(replace(before.options, allow=()))
        await before.release()
        yield self._ready()

    async def _shutdown(self) -> AsyncIterator[Event]:
        self._runner.stop("shutdown")
        yield Shutdown()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
