"""A thread of the database, held and ready to run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StateSnapshot

from ml_intern.checkpoints.threads import Thread, Threads, ThreadState
from ml_intern.checkpoints.timeline import Timeline
from ml_intern.checkpoints.workspace import WorkspaceError
from ml_intern.configs.errors import MlInternError
from ml_intern.graph.context import RunOptions
from ml_intern.graph.state import AgentState, TurnInput
from ml_intern.nodes.budget import budget_of
from ml_intern.nodes.deps import Deps
from ml_intern.nodes.policies.marks import is_users
from ml_intern.sessions.options import stored

_NO_LIMIT = 1_000_000
"""LangGraph's own step limit, out of the way: ours are iterations, budget and time."""

Graph = CompiledStateGraph[AgentState, RunOptions, TurnInput, AgentState]


class MissingCheckpointError(MlInternError):
    """A checkpoint that was on record is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A thread and what it is run with; this process is its one writer until `release`."""

    thread: Thread
    graph: Graph
    deps: Deps
    options: RunOptions
    threads: Threads
    timeline: Timeline
    resumed: bool
    prune: Callable[[], Awaitable[None]]
    """Let go of turns that are too old to be undone, if there are many."""
    release: Callable[[], Awaitable[None]]
    """Prune what is too old to be undone and let others have the thread; harmless repeated."""

    @property
    def id(self) -> str:
        """The thread's id."""
        return self.thread.id

    @property
    def config(self) -> RunnableConfig:
        """What LangGraph is told with every call."""
        return {"configurable": {"thread_id": self.id}, "recursion_limit": _NO_LIMIT}

    @property
    def budget(self) -> float | None:
        """Dollars that the session may spend on model calls; None: any sum."""
        return budget_of(self.options, self.deps)

    def with_options(self, options: RunOptions) -> Attachment:
        """The same thread, run with other options; its next turn stores them."""
        return replace(self, options=options, thread=replace(self.thread, options=stored(options)))

    async def snapshot(self) -> StateSnapshot:
        """The newest checkpoint."""
        return await self.graph.aget_state(self.config)

    async def state(self) -> AgentState:
        """The newest values."""
        return cast(AgentState, (await self.snapshot()).values)

    async def uncounted(self) -> int:
        """The turns of a session of schema 1, where they were not counted; 0 for any other."""
        if self.thread.state or self.thread.turns:
            return 0
        return sum(is_users(message) for message in (await self.state()).get("messages", []))

    async def at(self, checkpoint_id: str) -> AgentState:
        """The values of an earlier checkpoint; of "", an empty thread's.

        Raises:
            MissingCheckpointError: there is no such checkpoint.
        """
        if not checkpoint_id:
            return AgentState()
        where = RunnableConfig(configurable={"thread_id": self.id, "checkpoint_id": checkpoint_id})
        snapshot = await self.graph.aget_state(where)
        if snapshot.created_at is None:  # LangGraph gives an empty state for what is not there
            raise MissingCheckpointError(
                f"Step {checkpoint_id} of session {self.id[:8]} is no longer stored. "
                f"`ml-intern doctor {self.id[:8]}` checks the session."
            )
        return cast(AgentState, snapshot.values)

    async def head(self) -> str:
        """Id of the newest checkpoint; "" for an empty thread."""
        configurable = (await self.snapshot()).config.get("configurable", {})
        return str(configurable.get("checkpoint_id", ""))

    async def begin_turn(self, text: str) -> None:
        """Enter the turn into the index and the timeline, before anything of it is stored."""
        title = " ".join(text.split())[:80]
        await self.threads.record(replace(self.thread, title=title))
        await self._forget(await self.timeline.begin(await self.head(), title))
        await self.prune()

    async def go_another_way(self) -> None:
        """The session goes on without a new turn: what was undone cannot be redone after that."""
        await self._forget(await self.timeline.forget_undone())

    async def _forget(self, records: list[int]) -> None:
        if records and self.deps.snapshots:
            with suppress(WorkspaceError):  # they only take up room
                await self.deps.snapshots.forget(records)

    async def end_run(self, state: ThreadState) -> None:
        """The run stopped: note how the turn stands; forget effects whose results are stored."""
        snapshot = await self.snapshot()
        await self.threads.note(self.id, state, snapshot.values.get("usage", {}))
        if self.deps.journal and not any(task.name == "tool_execute" for task in snapshot.tasks):
            await self.deps.journal.clear()
