from __future__ import annotations

import asyncio
import threading

import pytest

from ml_intern.tools.threads import run_to_end


async def test_cancelling_waits_for_the_thread() -> None:
    started, go, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        go.wait(10)
        done.set()

    task = asyncio.create_task(run_to_end(work))
    await asyncio.to_thread(started.wait, 10)
    task.cancel()
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()


async def test_results_and_errors_come_through() -> None:
    assert await run_to_end(divmod, 7, 3) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        await run_to_end(divmod, 1, 0)
