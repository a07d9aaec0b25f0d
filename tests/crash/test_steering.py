"""Killed while the user types ahead: what was acknowledged is heard once, in order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path

import pytest

import postgres
from crash.edges import Edge, Passed, read_trace
from crash.steered import CALLS, SAID
from crash.zygote import TESTS
from emulators.openai_server import Call, ModelServer, calls, text

pytestmark = pytest.mark.timeout(300)

KILLED = -9


@pytest.fixture(scope="module")
def processes() -> Iterator[subprocess.Popen[str]]:
    python_path = os.pathsep.join([str(TESTS.parent / "src"), str(TESTS)])
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "VIRTUAL_ENV")}
    child = subprocess.Popen(
        [sys.executable, "-m", "crash.steered"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**kept, "PYTHONPATH": python_path},
    )
    yield child
    child.communicate(timeout=90)


class Ground:
    """One session and its model."""

    def __init__(
        self, child: subprocess.Popen[str], root: Path, server: ModelServer, database: str
    ) -> None:
        self._child, self._database = child, database
        self.root, self.server = root, server

    def run(self, what: str, fault: Edge | None = None) -> int:
        """A process of it, to its end."""
        order = {"what": what, "root": str(self.root), "url": self.server.base_url,
                 "database": self._database, "fault": fault}  # fmt: skip
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(json.dumps(order) + "\n")
        self._child.stdin.flush()
        return int(self._child.stdout.readline())

    @property
    def noted(self) -> list[str]:
        """What was acknowledged."""
        file = self.root / "noted"
        return file.read_text().split() if file.exists() else []

    def heard(self) -> list[str]:
        """What the user said, as the last request has it."""
        messages = self.server.bodies[-1]["messages"]
        said = [str(m["content"]) for m in messages if m["role"] == "user"]
        return "\n\n".join(said).split("\n\n")


@contextmanager
def ground(child: subprocess.Popen[str], root: Path, database: str = "") -> Iterator[Ground]:
    root.mkdir()
    work = [calls(Call("bash", {"command": command})) for command in CALLS]
    with ModelServer(lambda: chain(work, repeat(text("Fine.")))) as server:
        yield Ground(child, root, server, database)


EVERY = 60
"""Edges between two that are struck besides those of the inbox; each takes some seconds."""


def points(trace: list[Passed]) -> list[Edge]:
    """From the first message on: behind each commit, before each deletion, and some others."""
    first = next(n for n, passed in enumerate(trace) if "INSERT INTO inbox" in passed.detail)
    window = trace[first:]
    chosen = set(range(0, len(window), EVERY))
    for number, passed in enumerate(window):
        if passed.edge.kind == "after statement" and "INTO inbox" in passed.detail:
            chosen.add(number + 2)
        if passed.edge.kind == "before statement" and "DELETE FROM inbox" in passed.detail:
            chosen.add(number)
    return [window[number].edge for number in sorted(chosen) if number < len(window)]


def struck(child: subprocess.Popen[str], root: Path, edge: Edge, database: str = "") -> None:
    """Kill at an edge, go on, and look at what the model was told."""
    with ground(child, root, database) as g:
        assert g.run("begin", edge) in (KILLED, 0)
        acknowledged = g.noted
        assert g.run("go on") == 0
        heard = g.heard()
        assert (heard[0], heard[-1]) == ("go", "What was said?"), (edge, heard)
        between = heard[1:-1]
        # One that was stored and not yet acknowledged may be there as well.
        assert between in (acknowledged, list(SAID[: len(acknowledged) + 1])), (edge, between)


def test_every_message_is_heard_once(processes: subprocess.Popen[str], tmp_path: Path) -> None:
    with ground(processes, tmp_path / "whole") as g:
        assert g.run("begin") == 0
        assert g.noted == list(SAID)
        assert g.heard() == ["go", *SAID]
        edges = points(read_trace(g.root / "begin.trace"))
    assert len(edges) > 8
    for number, edge in enumerate(edges):
        struck(processes, tmp_path / str(number), edge)


def test_the_same_holds_in_postgresql(processes: subprocess.Popen[str], tmp_path: Path) -> None:
    with ground(processes, tmp_path / "whole", postgres.fresh()) as g:
        assert g.run("begin") == 0
        edges = points(read_trace(g.root / "begin.trace"))
    for number, edge in enumerate(edges[::4]):
        struck(processes, tmp_path / str(number), edge, postgres.fresh())
