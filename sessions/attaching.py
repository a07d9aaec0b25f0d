"""Makes threads ready to run: held, restored with their options, completed after a crash."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ml_intern.checkpoints.archive import Archive
from ml_intern.checkpoints.database import Database
from ml_intern.checkpoints.inbox import Inbox
from ml_intern.checkpoints.journal import Journal
from ml_intern.checkpoints.snapshots import Snapshots
from ml_intern.checkpoints.threads import Thread, Threads
from ml_intern.checkpoints.timeline import Timeline
from ml_intern.checkpoints.workspace import Limits, Workspace
from ml_intern.configs.errors import ConfigError, MlInternError
from ml_intern.configs.paths import Home
from ml_intern.configs.prompts import system_prompt
from ml_intern.configs.settings import Settings
from ml_intern.graph.build import build_graph
from ml_intern.graph.context import RunOptions
from ml_intern.llm.factory import nothing
from ml_intern.llm.models import ModelSource
from ml_intern.nodes.deps import Deps
from ml_intern.nodes.permissions import Live
from ml_intern.sessions.attachment import Attachment
from ml_intern.sessions.options import restored, stored
from ml_intern.sessions.steering import settle_inbox
from ml_intern.sessions.travel import complete
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolSpec

_MEGABYTE = 1_000_000
_SLACK = 80
"""Turns beyond those kept after which an open session is pruned; a closed one always is."""


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
    services: Services


class Attacher:
    """Attaches threads of one database."""

    def __init__(self, database: Database, around: Surroundings, held: AsyncExitStack) -> None:
        self._database = database
        self._around = around
        self._held = held

    async def fresh(self, options: RunOptions) -> Attachment:
        """A new thread in this process's folder."""
        cwd = self._around.cwd
        prompt = await asyncio.to_thread(system_prompt, cwd)
        return await self.attach(new_thread(str(cwd), prompt), options, resumed=False)

    async def reopen(
        self, thread: Thread, options: RunOptions, given: Mapping[str, Any]
    ) -> Attachment:
        """A thread there was before, with the options that belong to it.

        Raises:
            ConfigError: its folder is gone.
            InUseError: another process has it.
        """
        if not await asyncio.to_thread(Path(thread.cwd).is_dir):
            raise ConfigError(
                f"The folder of session {thread.id[:8]}, {thread.cwd}, is gone. Make it again; "
                f"or read the session: ml-intern sessions export {thread.id[:8]}"
            )
        own = replace(options, **{**restored(thread.options, options), **given})
        attachment = await self.attach(thread, own, resumed=True)
        if attachment.deps.snapshots:
            await attachment.deps.snapshots.recover()
        await settle_inbox(attachment)
        await complete(attachment)
        await attachment.timeline.forget_unborn(await attachment.head())
        if turns := await attachment.uncounted():
            await attachment.timeline.add(turns)
        return attachment

    def look(self, thread: Thread) -> Attachment:
        """A thread to be read, whoever has it."""
        return self._build(thread, RunOptions(), resumed=True)

    async def remove(self, thread: Thread) -> None:
        """Delete a thread and all that was kept for it.

        Raises:
            InUseError: another process has it.
        """
        async with self._database.hold(thread.id):
            await Threads(self._database).remove(thread.id)
            if snapshots := await asyncio.to_thread(self._snapshots, thread):
                await snapshots.remove()
            outputs = self._outputs(thread.id)
            await asyncio.to_thread(shutil.rmtree, outputs, ignore_errors=True)
        await self._database.shrink()

    async def attach(self, thread: Thread, options: RunOptions, *, resumed: bool) -> Attachment:
        """Hold a thread, and make it ready.

        Raises:
            InUseError: another process has it.
        """
        stack = AsyncExitStack()
        await stack.enter_async_context(self._database.hold(thread.id))
        self._held.push_async_callback(stack.aclose)
        # As it is now that nobody else writes to it.
        found = await Threads(self._database).find(thread.id) if resumed else []
        newest = found[0] if found else thread
        snapshots = await asyncio.to_thread(self._snapshots, newest)
        attachment = replace(
            self._build(newest, options, resumed=resumed, snapshots=snapshots),
            prune=partial(self._prune, newest.id, snapshots, slack=_SLACK),
            release=stack.aclose,
        )
        stack.push_async_callback(self._close, newest.id, snapshots)
        return attachment

    def _build(
        self,
        thread: Thread,
        options: RunOptions,
        *,
        resumed: bool,
        snapshots: Snapshots | None = None,
    ) -> Attachment:
        around = self._around
        deps = Deps(
            settings=around.settings,
            model=around.model,
            tools=around.tools,
            system_prompt=thread.system_prompt,
            cwd=Path(thread.cwd),
            spill=self._outputs(thread.id),
            env=around.env,
            services=around.services,
            session_id=thread.id,
            journal=Journal(self._database, thread.id),
            snapshots=snapshots,
            archive=Archive(self._database, thread.id),
            inbox=Inbox(self._database, thread.id),
            live=Live(),
        )
        return Attachment(
            thread=replace(thread, options=stored(options)),
            graph=build_graph(deps).compile(checkpointer=self._database.saver, name="ml-intern"),
            deps=deps,
            options=options,
            threads=Threads(self._database),
            timeline=Timeline(self._database, thread.id),
            resumed=resumed,
            prune=nothing,
            release=nothing,
        )

    def _outputs(self, thread_id: str) -> Path:
        shared = self._around.settings.database_url is not None
        return self._around.home.outputs(thread_id, shared=shared)

    def _snapshots(self, thread: Thread) -> Snapshots | None:
        """What follows the thread's files; blocks."""
        settings = self._around.settings
        if not settings.snapshots:
            return None
        limits = Limits(
            max_file=int(settings.snapshot_file_mb * _MEGABYTE),
            max_total=int(settings.snapshot_session_mb * _MEGABYTE),
        )
        store = self._around.home.snapshots
        workspace = Workspace(store, Path(thread.cwd), thread.id, limits)
        return Snapshots(workspace, Timeline(self._database, thread.id))

    async def _prune(self, thread_id: str, snapshots: Snapshots | None, *, slack: int = 0) -> None:
        """Let go of what is too old to be undone. What fails here is tried again next time."""
        with suppress(MlInternError, LookupError, NotImplementedError):
            keep = self._around.settings.undo_turns
            oldest, dropped = await Timeline(self._database, thread_id).drop(keep, slack)
            if oldest:
                await self._database.prune(thread_id, oldest)
                await self._database.shrink()
            if dropped and snapshots:
                await snapshots.forget(dropped)

    async def _close(self, thread_id: str, snapshots: Snapshots | None) -> None:
        await self._prune(thread_id, snapshots)
        if snapshots:
            await snapshots.close()


def new_thread(cwd: str, prompt: str) -> Thread:
    """A thread that is in no database yet."""
    return Thread(id=str(uuid.uuid4()), cwd=cwd, system_prompt=prompt)
