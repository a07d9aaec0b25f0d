"""Threads that are waited for, even when whoever waits is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def settled(future: asyncio.Future[T], on_cancel: Callable[[], object] | None = None) -> T:
    """Wait until `future` is done whatever happens; a cancellation is raised only then.

    Args:
        future: What must not be left half done.
        on_cancel: Told once about every cancellation, to speed things up.
    """
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
            if on_cancel:
                on_cancel()
    if cancelled is None:
        return future.result()
    if not future.cancelled():
        future.exception()
    raise cancelled


async def run_to_end(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `func` in a thread; when this raises `CancelledError`, the thread is done."""
    return await settled(asyncio.ensure_future(asyncio.to_thread(func, *args, **kwargs)))


class OwnThread:
    """One thread that is free when it is needed; the shared ones may all be busy for minutes."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    def __enter__(self) -> OwnThread:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._executor.shutdown(wait=False)

    def start(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Run `func` after whatever was started before it."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._executor, partial(func, *args, **kwargs))

    async def run_to_end(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like the function of that name."""
        return await settled(self.start(func, *args, **kwargs))
