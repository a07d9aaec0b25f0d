"""Blocking work in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from ml_intern.llm.background import in_daemon


async def test_the_result_comes_back() -> None:
    assert await in_daemon(lambda: 42) == 42


async def test_it_runs_in_a_daemon_thread_of_its_own() -> None:
    thread = await in_daemon(threading.current_thread)
    assert thread.daemon
    assert thread is not threading.current_thread()


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), MemoryError()])
async def test_an_error_comes_back(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await in_daemon(fail)
    assert caught.value is error


async def test_the_loop_goes_on_meanwhile() -> None:
    work = asyncio.create_task(in_daemon(lambda: time.sleep(0.2)))
    ticks = 0
    while not work.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks >= 5


async def test_giving_up_the_wait_is_immediate_and_the_end_is_silent() -> None:
    go, errors = threading.Event(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    task = asyncio.create_task(in_daemon(lambda: go.wait(10)))
    await asyncio.sleep(0.01)
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 0.5
    go.set()
    await asyncio.sleep(0.05)
    assert errors == []


def test_a_process_does_not_wait_for_it() -> None:
    code = """
import asyncio, time
from ml_intern.llm.background import in_daemon
async def main():
    try: await asyncio.wait_for(in_daemon(lambda: time.sleep(60)), 0.05)
    except TimeoutError: print("gave up")
asyncio.run(main())
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "gave up\n", "")


def test_a_thread_that_outlives_its_loop_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    go = threading.Event()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_daemon(lambda: go.wait(10)), 0.01)

    before = set(threading.enumerate())
    asyncio.run(main())
    (left,) = set(threading.enumerate()) - before
    go.set()
    left.join(5)
    assert not left.is_alive()
    assert capfd.readouterr() == ("", "")
