"""Finds and ends everything a command started.

A process that leaves its group and session (`setsid`, a daemon) is still known by the marker in
its environment, or as the child of one that is known. What clears its environment and is adopted
by init as well is out of reach without control groups. Without /proc only the group is.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

MARKER = "ML_INTERN_CALL"
"""Variable that every descendant of a command inherits, with a value unique to the call."""
_PROC = Path("/proc")
_POLL = 0.05
_ROUNDS = 25


class Process(NamedTuple):
    """One line of the process table."""

    pid: int
    parent: int
    group: int
    session: int


def living() -> list[Process]:
    """Every process that has not ended; empty where there is no /proc."""
    if not _PROC.joinpath("self", "stat").exists():
        return []
    pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    return [found for pid in pids if (found := _process(pid))]


def _process(pid: int) -> Process | None:
    try:
        stat = _PROC.joinpath(str(pid), "stat").read_bytes()
    except OSError:
        return None
    # The name in parentheses may itself hold spaces and parentheses.
    state, parent, group, session = stat.rpartition(b")")[2].split()[:4]
    if state in b"ZX":
        return None
    return Process(pid, int(parent), int(group), int(session))


def _marked(pid: int, entry: bytes) -> bool:
    try:
        return entry in _PROC.joinpath(str(pid), "environ").read_bytes().split(b"\0")
    except OSError:
        return False


@dataclass(slots=True)
class Tree:
    """Everything one command started."""

    group: int | None = None
    """Process group of the command, once it runs."""
    marker: str = field(default_factory=lambda: uuid4().hex)
    hurry: threading.Event = field(default_factory=threading.Event)
    """Set to cut the time for an orderly end short."""

    def members(self) -> list[Process]:
        """The living ones among them."""
        entry = f"{MARKER}={self.marker}".encode()
        table = [process for process in living() if process.pid != os.getpid()]
        known = {process.pid for process in table if self._belongs(process, entry)}
        size = -1
        while size != len(known):
            size = len(known)
            known |= {process.pid for process in table if process.parent in known}
        return [process for process in table if process.pid in known]

    def _belongs(self, process: Process, entry: bytes) -> bool:
        if self.group is not None and self.group in (process.group, process.session):
            return True
        return _marked(process.pid, entry)

    def stop(self, grace: float) -> None:
        """TERM to all, KILL after `grace` seconds to what is left. Blocks."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        while self._alive() and time.monotonic() < deadline and not self.hurry.is_set():
            self.hurry.wait(_POLL)
        # More than one round: a process may fork between being listed and being killed.
        for _ in range(_ROUNDS):
            if not self._alive():
                return
            self._signal(signal.SIGKILL)
            time.sleep(_POLL / 5)

    def _alive(self) -> bool:
        return bool(self.members()) or (not _PROC.is_dir() and self._group_exists())

    def _group_exists(self) -> bool:
        if self.group is None:
            return False
        try:
            os.killpg(self.group, 0)
        except OSError:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        strays = [process.pid for process in self.members() if process.group != self.group]
        if self.group is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.group, number)
        for pid in strays:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
