"""A run that does not stop when it is told to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

STUBBORN = """
import asyncio, os, signal, sys, threading, time
from ml_intern.cli import stopping

class Session:
    def stop(self, reason):
        print("asked", reason, flush=True)

def blocked():
    _, pipe = os.pipe()
    while True:
        os.write(pipe, bytes(1 << 16))

def signals(*delays):
    for delay in delays:
        time.sleep(delay)
        os.kill(os.getpid(), signal.SIGTERM)

async def main():
    stopping._PATIENCE = 1.0
    stopper = stopping.Stopper({timeout}, lambda status: print("last words", status, flush=True))
    stopper.watch(Session())
    for number in {signals}:
        os.kill(os.getpid(), number)
        await asyncio.sleep(0.2)
    {then}
    await asyncio.sleep(60)

asyncio.run(main())
"""


def ended(signals: str = "()", timeout: str = "None", then: str = "pass") -> tuple[int, str]:
    script = STUBBORN.format(signals=signals, timeout=timeout, then=then)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("signals", "code", "status"),
    [
        ("(signal.SIGINT, signal.SIGINT)", 130, "interrupted"),
        ("(signal.SIGTERM, signal.SIGINT)", 143, "terminated"),
    ],
)
def test_a_second_signal_ends_the_process(signals: str, code: int, status: str) -> None:
    asked = "user" if status == "interrupted" else status
    assert ended(signals) == (code, f"asked {asked}\nlast words {status}\n")


def test_a_stop_that_takes_forever_is_ended_without_anybodys_help() -> None:
    assert ended("(signal.SIGTERM,)") == (143, "asked terminated\nlast words terminated\n")
    assert ended(timeout="0.1") == (124, "asked timeout\nlast words timeout\n")


def test_a_signal_after_the_end_changes_nothing() -> None:
    late = "os.kill(os.getpid(), signal.SIGTERM); await asyncio.sleep(0.2)"
    then = f"stopper.finish(); {late}; sys.exit(7)"
    assert ended(then=then) == (7, "")


def test_a_forced_end_leaves_no_command_running(tmp_path: Path) -> None:
    started = tmp_path / "started"
    command = f"trap '' TERM INT; echo $$ > {started}; while :; do sleep 0.1; done"
    then = (
        f"import subprocess; subprocess.Popen(['bash', '-c', {command!r}], process_group=0)\n"
        f"    while not os.path.exists({str(started)!r}): time.sleep(0.02)\n"
        "    time.sleep(0.5)\n"
        "    stopper.stop('terminated')"
    )
    assert ended(then=then)[0] == 143
    status = Path(f"/proc/{started.read_text().strip()}/status")
    assert not status.exists() or "zombie" in status.read_text()


@pytest.mark.parametrize(
    ("timeout", "delays", "code"),
    [("None", "0.3,", 143), ("None", "0.3, 0.3", 143), ("0.1", "", 124)],
)
def test_a_run_whose_output_nobody_reads_is_ended(timeout: str, delays: str, code: int) -> None:
    """The loop gets no turn in a write to a full pipe: signals and the time limit had no effect."""
    then = f"threading.Thread(target=signals, args=({delays})).start(); blocked()"
    status = "timeout" if code == 124 else "terminated"
    assert ended(timeout=timeout, then=then) == (code, f"last words {status}\n")


def test_a_run_that_is_only_a_part_of_the_process_ends_nothing_later() -> None:
    """In the first start the demo may be stopped; who then chose a model was thrown out."""
    stopped = "stopper.stop('interrupted'); stopper.finish(); stopper.release()"
    then = f"{stopped}; await asyncio.sleep(2.5); sys.exit(7)"
    assert ended("(signal.SIGTERM,)", "0.1", then) == (7, "asked terminated\n")
