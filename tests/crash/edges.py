"""The instants a process can be struck at, counted, traced, and one of them fatal.

An edge is named by what happens there and its number among its like, so that it means the same in
every run: `before statement` 17, `after opaque:d` 1, `event` 4.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple


class Edge(NamedTuple):
    """One instant."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at an edge."""

    edge: Edge
    how: Literal["kill", "stop"] = "kill"
    """stop: the process stands still with all it holds, until it gets SIGCONT."""


@dataclass(frozen=True, slots=True)
class Passed:
    """An edge that was reached."""

    edge: Edge
    detail: str


class Edges:
    """The edges of one process. Thread-safe: the database's threads pass them too."""

    def __init__(self, trace: Path, fault: Fault | None) -> None:
        self._trace = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._fault = fault
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def reach(self, kind: str, detail: str = "") -> None:
        """An instant of this kind is now; what the kernel was given before outlives a kill."""
        with self._lock:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            line = json.dumps([kind, number, detail]) + "\n"
            os.write(self._trace, line.encode())
            if self._fault and self._fault.edge == (kind, number):
                self._strike(self._fault.how)

    def _strike(self, how: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL if how == "kill" else signal.SIGSTOP)


def read_trace(path: Path) -> list[Passed]:
    """The edges a process passed, in order."""
    lines: list[list[Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    return [Passed(Edge(kind, number), detail) for kind, number, detail in lines]
