"""Opens the database and, in it, sessions: new, the last one of a folder, or by id."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from ml_intern.checkpoints.journal import Journal
from ml_intern.checkpoints.saver import open_saver
from ml_intern.checkpoints.threads import Thread, Threads
from ml_intern.configs.errors import ConfigError
from ml_intern.configs.paths import Home
from ml_intern.configs.prompts import system_prompt
from ml_intern.configs.settings import STRICTNESS, Settings
from ml_intern.graph.build import build_graph
from ml_intern.graph.context import RunOptions
from ml_intern.llm.factory import nothing
from ml_intern.nodes.deps import Deps, ModelSource
from ml_intern.sessions.session import Attachment, Session
from ml_intern.tools.spec import ToolSpec

_KEPT = ("model", "permission_mode", "max_iterations")
"""Options that belong to a session and are restored with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every session of this process shares."""

    settings: Settings
    home: Home
    cwd: Path
    model: ModelSource
    close: Callable[[], Awaitable[None]] = nothing
    """Closes what `model` opened; called when the sessions are closed."""
    tools: Mapping[str, ToolSpec[Any]]
    env: Mapping[str, str]
    """For child processes."""


class Sessions:
    """The sessions of one database."""

    def __init__(self, saver: AsyncSqliteSaver, threads: Threads, around: Surroundings) -> None:
        self._saver = saver
        self._around = around
        self.threads = threads

    def start(self, options: RunOptions) -> Session:
        """An empty session; it is entered into the index with its first message."""
        return Session(self._fresh(options), partial(self._fresh, options))

    async def latest(self, options: RunOptions, given: Mapping[str, Any]) -> Session:
        """The session used last in this folder; `given` are the options set by hand.

        Raises:
            ConfigError: there is none.
        """
        thread = await self.threads.latest(str(self._around.cwd))
        if thread is None:
            raise ConfigError(
                f"No session was run in {self._around.cwd} yet. Start one without -c."
            )
        return self._reopen(thread, options, given)

    async def by_id(self, prefix: str, options: RunOptions, given: Mapping[str, Any]) -> Session:
        """The session whose id begins with `prefix`.

        Raises:
            ConfigError: there is none, or more than one.
        """
        found = await self.threads.find(prefix)
        if len(found) == 1:
            return self._reopen(found[0], options, given)
        if not found:
            raise ConfigError(f"No session's id begins with '{prefix}'.")
        ids = ", ".join(thread.id[:13] for thread in found[:5])
        raise ConfigError(
            f"{len(found)} sessions begin with '{prefix}' ({ids} …). Give more of the id."
        )

    def _reopen(self, thread: Thread, options: RunOptions, given: Mapping[str, Any]) -> Session:
        kept = {key: thread.options[key] for key in _KEPT if thread.options.get(key) is not None}
        # A headless run's `yolo` must not follow the session to a terminal unasked.
        modes = (options.permission_mode, kept.get("permission_mode", options.permission_mode))
        kept["permission_mode"] = min(modes, key=STRICTNESS.index)
        limits = [n for n in (options.max_iterations, kept.get("max_iterations")) if n is not None]
        kept["max_iterations"] = min((n for n in limits if n != -1), default=-1)
        restored = replace(options, **{**kept, **given})
        return Session(self._attach(thread, restored, resumed=True), partial(self._fresh, restored))

    def _fresh(self, options: RunOptions) -> Attachment:
        cwd = str(self._around.cwd)
        thread = Thread(
            id=str(uuid.uuid4()), cwd=cwd, system_prompt=system_prompt(self._around.cwd)
        )
        return self._attach(thread, options, resumed=False)

    def _attach(self, thread: Thread, options: RunOptions, *, resumed: bool) -> Attachment:
        around, journal = self._around, Journal(self._saver, thread.id)
        deps = Deps(
            settings=around.settings,
            model=around.model,
            tools=around.tools,
            system_prompt=thread.system_prompt,
            cwd=Path(thread.cwd),
            spill=around.home.outputs(thread.id),
            env=around.env,
            journal=journal,
        )
        graph = build_graph(deps).compile(checkpointer=self._saver, name="ml-intern")
        touch = partial(self._touch, replace(thread, options=_stored(options)), journal)
        return Attachment(
            id=thread.id, graph=graph, deps=deps, options=options, touch=touch, resumed=resumed
        )

    async def _touch(self, thread: Thread, journal: Journal, text: str) -> None:
        await journal.clear()
        await self.threads.record(replace(thread, title=" ".join(text.split())[:80]))


@asynccontextmanager
async def open_sessions(around: Surroundings) -> AsyncIterator[Sessions]:
    """The sessions in the user's database.

    Raises:
        StorageError: it cannot be opened.
    """
    around.home.create()
    async with open_saver(around.home.database) as saver:
        try:
            yield Sessions(saver, Threads(saver), around)
        finally:
            await around.close()


def _stored(options: RunOptions) -> dict[str, Any]:
    values = asdict(options)
    return {key: values[key] for key in _KEPT}
