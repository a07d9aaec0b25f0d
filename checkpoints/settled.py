"""Work that is finished once begun."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def settled(work: Coroutine[Any, Any, T], hurry: Callable[[], None] = lambda: None) -> T:
    """Carry work out to its end; a cancellation is delivered only then, and `hurry` told at once.

    For what must not stop halfway: a transaction, or taking a lock that would have no owner.
    """
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
            hurry()
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # Retrieved, or asyncio complains: the cancellation is what counts.
    raise cancelled
