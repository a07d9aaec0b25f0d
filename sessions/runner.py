"""Runs the graph in a task of its own, so that it can be stopped from outside at any moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from ml_intern.checkpoints.explain import explain, of_database
from ml_intern.configs.errors import MlInternError
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Error, Event, Interrupted

log = logging.getLogger(__name__)


class Runner:
    """At most one run at a time."""

    def __init__(self, database: str) -> None:
        self._database = database
        """Its name, for messages."""
        self._task: asyncio.Task[None] | None = None
        self._reason = ""

    def forget(self) -> None:
        """Drop a request to stop that came before the operation at hand."""
        self._reason = ""

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for, also one that came too late for the run."""
        return bool(self._reason)

    def stop(self, reason: str) -> bool:
        """Cancel the run, or the one about to start; its events end with `interrupted`.

        False if none is under way.
        """
        self._reason = reason
        return self._task is not None and self._task.cancel()

    async def run(
        self,
        graph: CompiledStateGraph[Any, RunOptions, Any, Any],
        payload: Any,  # noqa: ANN401 - an input, a Command, or None to go on
        config: RunnableConfig,
        options: RunOptions,
        *,
        until: str | None = None,
    ) -> AsyncIterator[Event]:
        """The events of one run, or of its steps up to the node `until`.

        An `error` or `interrupted` comes last, if at all.
        """
        if self._reason:
            yield Interrupted(reason=self._reason)
            return
        queue: asyncio.Queue[Event | None] = asyncio.Queue()

        async def work() -> None:
            stream: AsyncIterator[Any] = graph.astream(
                payload,
                config,
                context=options,
                stream_mode="custom",
                durability="sync",
                interrupt_after=[until] if until else None,
            )
            async for event in stream:
                queue.put_nowait(event)

        self._task = asyncio.create_task(work())
        self._task.add_done_callback(
            lambda task: _finish(task, queue, self._reason or "user", self._database)
        )
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            # A front end that stops listening stops the run.
            self._task.cancel()
            await asyncio.wait([self._task])


def _finish(
    task: asyncio.Task[None], queue: asyncio.Queue[Event | None], reason: str, database: str
) -> None:
    if task.cancelled():
        queue.put_nowait(Interrupted(reason=reason))
    elif error := task.exception():
        queue.put_nowait(_explain(error, database))
    queue.put_nowait(None)


def _explain(error: BaseException, database: str) -> Error:
    if isinstance(error, MlInternError):
        return Error(error=str(error), exit_code=int(error.exit))
    if isinstance(error, Exception) and of_database(error):
        return Error(error=explain(error, database))
    log.error("the run failed", exc_info=error)
    return Error(error=f"Something unexpected went wrong: {type(error).__name__}: {error}")
