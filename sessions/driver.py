"""Drives the graph: begins turns and goes on with them, each up to a question or its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from typing import Any, cast

from langgraph.types import Command

from ml_intern.checkpoints.database import StorageError
from ml_intern.checkpoints.inbox import Queued
from ml_intern.configs.text import clean
from ml_intern.graph.events import Error, Event, Interrupted, Notice, Processing
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.policies.answers import Decision
from ml_intern.nodes.policies.calls import unstorable
from ml_intern.sessions.attachment import Attachment
from ml_intern.sessions.compacting import compact
from ml_intern.sessions.filling import too_long
from ml_intern.sessions.outcome import approval_tools, ending, standing, turn_complete
from ml_intern.sessions.runner import Runner
from ml_intern.sessions.settle import settle
from ml_intern.sessions.steering import begin, followed, inbox_of, left_over, settle_inbox


class Driver:
    """One session's; the session may be attached to another thread between two operations."""

    def __init__(
        self, at: Callable[[], Attachment], runner: Runner, keep: Callable[[], Awaitable[None]]
    ) -> None:
        self._at = at
        self._runner = runner
        self._keep = keep
        """Stores what was permitted since the turn began."""

    def say(self, text: str) -> AsyncIterator[Event]:
        """A new turn."""
        return self._turns(self._input(text))

    def answer(self, decisions: Sequence[Decision]) -> AsyncIterator[Event]:
        """The turn that waits for a person, answered."""
        return self._turns(self._decide(decisions))

    def go_on(self) -> AsyncIterator[Event]:
        """The turn that was left open, if there is one."""
        return self._turns(self._resume())

    def compact(self) -> AsyncIterator[Event]:
        """No turn; but what is said meanwhile begins one."""
        return self._turns(compact(self._at(), self._runner), fresh=True)

    async def _input(self, text: str) -> AsyncIterator[Event]:
        text, replaced = clean(text)
        if replaced:
            yield Notice(
                message=f"{replaced} characters that are not text were replaced by U+FFFD."
            )
        if problem := await too_long(self._at(), text):
            yield Error(error=problem, exit_code=2)
            return
        await settle(self._at())
        async for event in self._begin(await inbox_of(self._at()).claim(), text):
            yield event

    async def _begin(self, queued: Sequence[Queued], text: str = "") -> AsyncIterator[Event]:
        """A turn with what waited, and the `text` behind it."""
        for event in await begin(self._at(), queued, text):
            yield event
        async for event in self._run(None):
            yield event

    def _turns(self, run: AsyncIterator[Event], *, fresh: bool = False) -> AsyncIterator[Event]:
        return followed(run, self._begin, inbox_of(self._at()), self._runner, fresh=fresh)

    async def _run(
        self,
        payload: Any,  # noqa: ANN401 - see Runner.run
        asked: Sequence[str] = (),
    ) -> AsyncIterator[Event]:
        """A run of the graph; `asked` are the calls in the question that it answers."""
        last: Event | None = None
        at = self._at()
        if at.deps.live:
            at.deps.live.begin(at.options, asked)
        await self._keep()
        await at.threads.note(at.id, "running")
        async for last in self._runner.run(at.graph, payload, at.config, at.options):
            yield last
        if isinstance(last, Interrupted):
            await settle(at, stopped=True)
        snapshot = await at.snapshot()
        events = ending(last, cast(AgentState, snapshot.values), snapshot.interrupts)
        # What keeps a run from being saved keeps this from it, too; it has been said.
        with suppress(StorageError) if isinstance(last, Error) else nullcontext():
            await settle_inbox(at)
            events = [*self._news(), *await left_over(at, events[-1]), *events]
            await self._keep()
            await at.end_run(standing(events[-1]))
        for event in events:
            yield event

    def _news(self) -> list[Event]:
        """What undo will not cover of what the run did; each thing is said once."""
        snapshots = self._at().deps.snapshots
        return [Notice(message=line) for line in snapshots.news()] if snapshots else []

    async def _resume(self) -> AsyncIterator[Event]:
        snapshot = await self._at().snapshot()
        values = cast(AgentState, snapshot.values)
        # A pending question is asked anew: the permission mode may be another one now.
        if snapshot.tasks or turn_of(values)["stop"] in ("interrupted", "failed"):
            yield Processing()
            await self._at().go_another_way()
            async for event in self._run(None if snapshot.tasks else {"compact": False}):
                yield event
        elif not await inbox_of(self._at()).waiting():
            yield Notice(message="Nothing was left open.")
            yield turn_complete(values)

    async def _decide(self, decisions: Sequence[Decision]) -> AsyncIterator[Event]:
        # Resuming a thread that asks nothing would run its newest step again.
        question = approval_tools((await self._at().snapshot()).interrupts)
        if not question:
            yield Error(error="No call waits for approval.")
            return
        if problem := unstorable(list(decisions)):
            yield Error(error=f"The answer holds {problem}. The question still waits.")
            return
        command: Command[Any] = Command(resume={"decisions": list(decisions)})
        async for event in self._run(command, [call["tool_call_id"] for call in question]):
            yield event
