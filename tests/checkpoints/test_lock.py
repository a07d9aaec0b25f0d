"""One writer a session, among real processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import postgres
from ml_intern.checkpoints import lock as lock_module
from ml_intern.checkpoints.database import InUseError
from ml_intern.checkpoints.lock import FileLock, Holder, holder
from ml_intern.checkpoints.saver import open_database

SESSION = "1a2b3c4d-0000-4000-8000-000000000000"


class Contender:
    """A process that can hold sessions."""

    def __init__(self, path: Path, url: str | None) -> None:
        words = [sys.executable, str(Path(__file__).with_name("contender.py")), str(path)]
        self.process = subprocess.Popen(
            [*words, *([url] if url else [])], stdin=-1, stdout=-1, text=True
        )

    def send(self, *words: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def ask(self, *words: object) -> str:
        self.send(*words)
        return self.answer()

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.communicate()


@pytest.fixture(params=["sqlite", "postgres"])
def contender(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Contender]]:
    url = postgres.fresh() if request.param == "postgres" else None
    started: list[Contender] = []

    def start() -> Contender:
        started.append(Contender(tmp_path / "sessions.sqlite", url))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture
def pair(contender: Callable[[], Contender]) -> tuple[Contender, Contender]:
    both = contender(), contender()
    assert [one.answer() for one in both] == ["ready", "ready"]
    return both


def test_of_two_that_begin_at_once_exactly_one_gets_it(pair: tuple[Contender, Contender]) -> None:
    for _ in range(50):
        when = time.monotonic() + 0.01
        for one in pair:
            one.send("hold", SESSION, when)
        answers = {one: one.answer() for one in pair}
        (winner,) = [one for one in pair if answers[one].startswith("held")]
        (loser,) = [one for one in pair if answers[one].startswith("refused")]
        assert float(answers[loser].split()[1]) < 1
        said = f"in use by process {winner.process.pid} on host {socket.gethostname()}, since "
        assert f"Session 1a2b3c4d is {said}" in answers[loser]
        assert "Close it there first" in answers[loser]
        assert winner.ask("release") == "released"


def test_a_holder_that_is_killed_frees_the_session_at_once(
    pair: tuple[Contender, Contender],
) -> None:
    first, second = pair
    assert first.ask("hold", SESSION, 0).startswith("held")
    assert second.ask("hold", SESSION, 0).startswith("refused")
    first.process.kill()
    first.process.wait()
    answer = second.ask("hold", SESSION, 0)
    assert answer.startswith("held")
    assert float(answer.split()[1]) < 1


def test_a_holder_that_is_stopped_keeps_the_session(pair: tuple[Contender, Contender]) -> None:
    first, second = pair
    assert first.ask("hold", SESSION, 0).startswith("held")
    first.process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    assert second.ask("hold", SESSION, 0).startswith("refused")
    first.process.send_signal(signal.SIGCONT)
    assert first.ask("write") == "written"
    assert first.ask("release") == "released"
    assert second.ask("hold", SESSION, 0).startswith("held")


def test_who_holds_a_session_can_be_asked(pair: tuple[Contender, Contender]) -> None:
    first, second = pair
    assert second.ask("held", SESSION) == ""
    first.ask("hold", SESSION, 0)
    who = rf"process {first.process.pid} on host \S+, since \d\d:\d\d"
    assert re.fullmatch(who, second.ask("held", SESSION))
    assert second.ask("held", "another") == ""
    first.ask("release")
    assert second.ask("held", SESSION) == ""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_one_process_does_not_get_it_twice(kind: str, tmp_path: Path) -> None:
    url = postgres.fresh() if kind == "postgres" else None
    async with open_database(tmp_path / "s.sqlite", url) as database:
        async with database.hold(SESSION), database.hold("another"):
            assert f"process {os.getpid()} on" in await database.held(SESSION)
            with pytest.raises(InUseError, match=f"process {os.getpid()} "):
                async with database.hold(SESSION):
                    pass
            assert await database.held(SESSION)
        assert await database.held(SESSION) == ""
        with pytest.raises(ZeroDivisionError):
            async with database.hold(SESSION):
                _ = 1 / 0
        async with database.hold(SESSION):
            pass
    assert not list((tmp_path / "locks").glob("*"))


def test_children_do_not_inherit_it(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "locks" / "s")
    lock.take("s")
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        lock.release()
        FileLock(tmp_path / "locks" / "s").take("s")
    finally:
        child.kill()
        child.wait()


def test_a_file_that_was_left_behind_is_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text('{"pid": 1, "host": "h", "since": "2025-01-01T10:00:00+00:00"}')
    assert holder(path) is None
    lock = FileLock(path)
    lock.take("s")
    found = holder(path)
    assert found is not None
    assert found.pid == os.getpid()
    lock.release()
    lock.release()
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_holder_without_a_name_is_one_all_the_same(tmp_path: Path, content: str) -> None:
    path = tmp_path / "s"
    lock = FileLock(path)
    lock.take("s")
    path.write_text(content)
    with pytest.raises(InUseError, match="another process"):
        FileLock(path).take("s")
    lock.release()


def test_a_session_in_use_since_another_day_says_so() -> None:
    assert str(Holder(7, "h", "2025-01-02T03:04:05+01:00")).endswith(", since 2025-01-02 03:04")


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder lets go, and a third takes over, between our opening the file and locking it."""
    path = tmp_path / "s"
    first, second, third = FileLock(path), FileLock(path), FileLock(path)
    first.take("s")
    locked, calls = lock_module._locked, []

    def interrupted(file: int, kind: int) -> bool:
        calls.append(file)
        if len(calls) == 1:
            first.release()
            third.take("s")
        return locked(file, kind)

    monkeypatch.setattr(lock_module, "_locked", interrupted)
    with pytest.raises(InUseError):
        second.take("s")
    assert holder(path)
    third.release()
    second.take("s")
    second.release()
