"""One stretch of a session's life: processes that run, die and go on, and what they left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path
from typing import Any

from crash.edges import Fault, Passed, read_trace
from crash.story import model
from crash.world import World
from crash.zygote import Order, Status, Zygote
from emulators.openai_server import ModelServer
from process import environment, workdir


@dataclass(frozen=True, slots=True)
class Run:
    """What one process left."""

    status: Status
    out: str
    err: str
    trace: list[Passed]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its whole lines; a kill may cut the last one."""
        return [json.loads(line) for line in self.out.split("\n")[:-1]]

    @property
    def answer(self) -> str | None:
        """The model's answer, if the run came to its end."""
        events = self.events
        done = bool(events) and events[-1]["type"] == "result" and self.status.code == 0
        return str(events[-1]["result"]) if done else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a whole sweep has in common."""

    mutant: str = ""
    clock: int = 3600
    """Seconds by which each process's clock is behind the one's before."""
    database: str = ""
    """A database server's URL; "" for a file."""


@dataclass
class Stage:
    """The processes of one session, one after the other; each one's clock is behind the last's."""

    root: Path
    zygote: Zygote
    server: ModelServer
    setting: Setting

    def __post_init__(self) -> None:
        # After those of the turn before, if there was one.
        self._numbers = count(1 + sum(1 for _ in self.root.glob("*.out")))

    @property
    def world(self) -> World:
        return World(self.root)

    def run(self, *words: str, fault: Fault | None = None) -> Run:
        """A process, to its end."""
        name, pid = self.start(*words, fault=fault)
        return self.finish(name, pid)

    def start(self, *words: str, fault: Fault | None = None) -> tuple[str, int]:
        """A process, running: its name and pid."""
        number = next(self._numbers)
        name = f"run{number}"
        env = environment(self.root, self.server)
        if self.setting.database:
            env["ML_INTERN_DATABASE_URL"] = self.setting.database
        order = Order(
            argv=["--output-format", "stream-json", *words],
            env=env,
            cwd=str(workdir(self.root)),
            folder=str(self.root),
            name=name,
            clock=-self.setting.clock * number,
            fault=fault,
            mutant=self.setting.mutant,
        )
        return name, self.zygote.start(order)

    def finish(self, name: str, pid: int) -> Run:
        """Wait for a process and read what it left."""
        status = self.zygote.wait(pid)
        base = self.root / name
        out, err = (base.with_suffix(end).read_text() for end in (".out", ".err"))
        return Run(status, out, err, read_trace(base.with_suffix(".trace")))


@contextmanager
def scripted() -> Iterator[ModelServer]:
    """The model. Invalid requests are asked for with `problems`, not raised."""
    server = ModelServer(lambda: repeat(model))
    server.__enter__()
    try:
        yield server
    finally:
        with suppress(AssertionError):
            server.__exit__(None, None, None)
