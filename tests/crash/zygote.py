"""A warm process that has imported everything and forks one victim a run.

Importing litellm takes seconds; a fork takes milliseconds. One line of JSON asks, one answers.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from crash.edges import Fault

TESTS = Path(__file__).resolve().parents[1]
PATIENCE = 90
"""Seconds for any answer; a victim ends itself before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How a victim is run."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    folder: str
    """Where `ledger.jsonl` is, and `out`, `err`, `trace` of this run."""
    name: str
    """Of this run."""
    clock: int = 0
    """Seconds its clock is off."""
    fault: Fault | None = None
    mutant: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """How a victim ended, or stands."""

    code: int | None = None
    signal: int | None = None
    stopped: bool = False


class Zygote:
    """The test's end: starts victims, waits for them, leaves none behind."""

    def __init__(self) -> None:
        python_path = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "VIRTUAL_ENV")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "crash.victim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**kept, "PYTHONPATH": python_path},
        )
        self._alive: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pid in self._alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.communicate(timeout=PATIENCE)

    def start(self, order: Order) -> int:
        """The pid of a new victim."""
        pid: int = self._ask({"start": asdict(order)})["pid"]
        self._alive.add(pid)
        return pid

    def stops(self, pid: int) -> bool:
        """Wait until a victim stands still; False if it ends instead."""
        return Status(**self._ask({"look": pid})).stopped

    def wait(self, pid: int) -> Status:
        """Wait until a victim ends."""
        status = Status(**self._ask({"wait": pid}))
        self._alive.discard(pid)
        return status

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        ask, answer = self._process.stdin, self._process.stdout
        assert ask is not None
        assert answer is not None
        ask.write(json.dumps(question).encode() + b"\n")
        ask.flush()
        if not select.select([answer], [], [], PATIENCE)[0]:
            raise TimeoutError(f"the zygote does not answer {question}")
        line = answer.readline()
        assert line, "the zygote is gone"
        parsed: dict[str, Any] = json.loads(line)
        return parsed
