"""Blocking work that nobody has to wait for: the process may end before it does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

T = TypeVar("T")


async def in_daemon(work: Callable[[], T]) -> T:
    """`work()`, done in a daemon thread.

    `asyncio.to_thread` would make a cancelled command wait for the thread at exit: seconds, when it
    is importing litellm.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - handed over, not swallowed
            _hand_over(loop, future, partial(future.set_exception, error))
        else:
            _hand_over(loop, future, partial(future.set_result, result))

    threading.Thread(target=run, daemon=True).start()
    return await future


def _hand_over(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], settle: Callable[[], None]
) -> None:
    def unless_given_up() -> None:
        if not future.done():
            settle()

    # The loop may be closed by now: then nobody waits.
    if not loop.is_closed():
        loop.call_soon_threadsafe(unless_given_up)
