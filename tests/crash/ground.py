"""Where sessions are played one after the other, each from the state it needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from crash.edges import Edge
from crash.stage import Setting, Stage, scripted
from crash.story import TURNS
from crash.strike import NEMESES, Story, words
from crash.zygote import Zygote


@dataclass(frozen=True, slots=True)
class Point:
    """An instant of the session: an edge in the process of one of its turns."""

    turn: int
    edge: Edge

    def __str__(self) -> str:
        return f"turn {self.turn + 1}, {self.edge}"


class Ground:
    """One folder, used again and again: a session knows its folder."""

    def __init__(self, root: Path, zygote: Zygote, setting: Setting) -> None:
        self._root = root / "session"
        self._template = root / "template"
        self._zygote = zygote
        self._setting = setting
        self._databases = Databases(setting.database, root.name) if setting.database else None

    def close(self) -> None:
        """Leave nothing on the server."""
        if self._databases:
            self._databases.close()

    def count(self, turn: int) -> list[Point]:
        """The edges of a turn that nothing strikes, in a world without defects."""
        with self._stage(turn, replace(self._setting, mutant="", clock=0)) as stage:
            run = stage.run(*words(turn))
            assert run.answer == TURNS[turn].answer, f"{run.status}\n{run.out}\n{run.err}"
            return [Point(turn, passed.edge) for passed in run.trace]

    def play(self, nemesis: str, point: Point) -> Story:
        """Strike at a point, and see what becomes of it."""
        with self._stage(point.turn, self._setting) as stage:
            return NEMESES[nemesis](stage, point.turn, point.edge)

    @contextmanager
    def _stage(self, turn: int, setting: Setting) -> Iterator[Stage]:
        if turn and not self._template.exists():
            self._make_template()
        shutil.rmtree(self._root, ignore_errors=True)
        if turn:
            shutil.copytree(self._template, self._root)
        self._root.mkdir(exist_ok=True)
        if self._databases:
            setting = replace(setting, database=self._databases.fresh(copied=bool(turn)))
        with scripted() as server:
            yield Stage(self._root, self._zygote, server, setting)

    def _make_template(self) -> None:
        """The session after its first turn."""
        self.count(0)
        self._root.rename(self._template)
        if self._databases:
            self._databases.keep()


class Databases:
    """Databases on a PostgreSQL server: one for the session at hand, one that it is copied from."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = f"crash_{os.getpid()}_{name}"
        self._template = f"{self._name}_template"

    def fresh(self, *, copied: bool) -> str:
        """The URL of a database in the state it is to be in."""
        source = self._template if copied else "template0"
        self._do(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
        self._do(f"CREATE DATABASE {self._name} TEMPLATE {source}")
        return urlsplit(self._url)._replace(path=f"/{self._name}").geturl()

    def keep(self) -> None:
        """The database as it is becomes the one to copy."""
        self._do(f"ALTER DATABASE {self._name} RENAME TO {self._template}")

    def close(self) -> None:
        for name in (self._name, self._template):
            self._do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.encode())
