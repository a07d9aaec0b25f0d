"""One point: a process struck at an edge, the session gone on with, and what is left of it all."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crash.edges import Edge, Fault
from crash.stage import Run, Stage
from crash.story import TURNS, Turn
from crash.world import World


@dataclass(frozen=True, slots=True)
class Rival:
    """A process that met another one in the session."""

    run: Run
    other: int
    """The other's pid."""
    must_yield: bool
    """False: it may also have been the one that had the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What became of a session, for the judges."""

    turn: int
    fired: bool
    """Whether the strike took place."""
    struck: Run
    healed: list[Run] = field(default_factory=list)
    rivals: list[Rival] = field(default_factory=list)
    given_up: bool = False
    """The user went on with another message instead of the turn."""
    audit: Run
    """The next turn: its request shows what was stored."""
    bodies: list[dict[str, Any]]
    objections: list[str]
    integrity: str
    world: World


def kill(stage: Stage, turn: int, edge: Edge) -> Story:
    """Killed; the session is gone on with."""
    struck = stage.run(*words(turn), fault=Fault(edge))
    healed = list(_heal(stage, TURNS[turn], struck)) if _killed(struck) else []
    return _told(stage, turn, fired=_killed(struck), struck=struck, healed=healed)


def say(stage: Stage, turn: int, edge: Edge) -> Story:
    """Killed; the user says something else, once his message was acknowledged."""
    struck = stage.run(*words(turn), fault=Fault(edge))
    given_up = _killed(struck) and acknowledged(struck, turn)
    healed = list(_heal(stage, TURNS[turn], struck)) if _killed(struck) and not given_up else []
    return _told(
        stage, turn, fired=_killed(struck), struck=struck, healed=healed, given_up=given_up
    )


def twin(stage: Stage, turn: int, edge: Edge) -> Story:
    """Stopped, as by a closed laptop; a second process goes on; then the first is woken."""
    name, pid = stage.start(*words(turn), fault=Fault(edge, "stop"))
    stopped = stage.zygote.stops(pid)
    rivals = [Rival(stage.run("-c"), pid, must_yield=True)] if stopped else []
    if stopped:
        os.kill(pid, signal.SIGCONT)
    struck = stage.finish(name, pid)
    return _told(stage, turn, fired=stopped, struck=struck, rivals=rivals)


def race(stage: Stage, turn: int, edge: Edge) -> Story:
    """Killed; two processes go on at once."""
    struck = stage.run(*words(turn), fault=Fault(edge))
    begun = [stage.start("-c"), stage.start("-c")]
    runs = [stage.finish(name, pid) for name, pid in begun]
    pids = [pid for _, pid in reversed(begun)]
    rivals = [Rival(run, pid, must_yield=False) for run, pid in zip(runs, pids, strict=True)]
    return _told(stage, turn, fired=_killed(struck), struck=struck, healed=runs, rivals=rivals)


NEMESES: dict[str, Callable[[Stage, int, Edge], Story]] = {
    nemesis.__name__: nemesis for nemesis in (kill, say, twin, race)
}


def words(turn: int) -> tuple[str, ...]:
    """How a turn is begun at the command line."""
    prompt = TURNS[turn].prompt
    return ("-c", prompt) if turn else (prompt,)


def acknowledged(run: Run, turn: int) -> bool:
    """Whether a process said that it has the turn's message."""
    prompt = TURNS[turn].prompt
    return any(e["type"] == "processing" and e["message"] == prompt for e in run.events)


def _killed(run: Run) -> bool:
    return run.status.signal == signal.SIGKILL


def _heal(stage: Stage, turn: Turn, struck: Run) -> Iterator[Run]:
    """What a user does: go on; say it again if it was not acknowledged and is not there."""
    run = stage.run("-c")
    yield run
    if run.answer != turn.answer and not acknowledged(struck, TURNS.index(turn)):
        begun = ["-c"] if run.status.code == 0 else []
        yield stage.run(*begun, turn.prompt)


def _told(stage: Stage, turn: int, **rest: Any) -> Story:
    audit = stage.run(*words(turn + 1))
    return Story(
        turn=turn,
        audit=audit,
        bodies=stage.server.bodies,
        objections=stage.server.problems(),
        integrity="" if stage.setting.database else _integrity(stage.root / "home"),
        world=stage.world,
        **rest,
    )


def _integrity(home: Path) -> str:
    """What SQLite says of the file; empty if all is well."""
    with closing(sqlite3.connect(home / "sessions.sqlite")) as connection:
        found = [row[0] for row in connection.execute("PRAGMA quick_check")]
        tables = connection.execute("SELECT count(*) FROM checkpoints").fetchone()
    return "; ".join(line for line in found if line != "ok") or ("" if tables[0] else "empty")
