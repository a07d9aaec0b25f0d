"""A database in trouble: one message that names the file and the remedy, and no half turn."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emulators.openai_server import Call, ModelServer, Step, calls, text
from emulators.script import Body
from process import Ended, run, workdir

WRITE = calls(Call("write", {"path": "out.txt", "content": "made\n"}))


def database(root: Path) -> Path:
    return root / "home/sessions.sqlite"


def told(ended: Ended, *parts: str, code: int = 1) -> None:
    assert ended.code == code
    for part in parts:
        assert part in ended.err, ended.err
    assert "Traceback" not in ended.err
    assert "unexpected" not in ended.err


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program has the file to itself."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_locked_at_the_start_nothing_is_begun(tmp_path: Path) -> None:
    with ModelServer([text("One."), text("Two.")]) as server:
        run(tmp_path, "first", server=server)
        with locked(database(tmp_path)):
            told(run(tmp_path, "-c", "second", server=server), str(database(tmp_path)), "locked by")
        assert len(server.requests) == 1
        ended = run(tmp_path, "-c", "second", "--output-format", "json", server=server)
        assert (ended.json["result"], ended.json["num_turns"]) == ("Two.", 2)


def test_locked_in_the_middle_the_turn_can_be_gone_on_with(tmp_path: Path) -> None:
    release, taken = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(database(tmp_path)):
            taken.set()
            release.wait(60)

    holder = threading.Thread(target=hold)

    def taking(_: Body) -> Step:
        holder.start()
        taken.wait(30)
        return WRITE

    with ModelServer([taking, WRITE, text("Done.")]) as server:
        ended = run(tmp_path, "make it", server=server)
        release.set()
        holder.join()
        told(ended, str(database(tmp_path)), "locked by")
        assert ended.err.count("locked by") == 1
        assert not (workdir(tmp_path) / "out.txt").exists()
        assert run(tmp_path, "-c", server=server).out == "Done.\n"
        assert (workdir(tmp_path) / "out.txt").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A home on a file system of its own with 600 kB."""
    home = tmp_path / "home"
    home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k,mode=0700", "tmpfs", str(home)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield home
    subprocess.run(["umount", str(home)], check=True)


def test_a_full_disk_is_named_and_the_turn_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Path
) -> None:
    ballast = small_disk / "ballast"
    with ModelServer([text("One."), text("Two.")]) as server:
        run(tmp_path, "first", server=server)
        room = shutil.disk_usage(small_disk).free
        ballast.write_bytes(b"\0" * (room - 20_000))
        ended = run(tmp_path, "-c", "second " * 3000, server=server)
        told(ended, str(database(tmp_path)), "no space left")
        ballast.unlink()
        ended = run(tmp_path, "-c", "second", "--output-format", "json", server=server)
        assert (ended.code, ended.json["num_turns"]) == (0, 2)


def test_a_file_that_may_only_be_read_is_named(tmp_path: Path, small_disk: Path) -> None:
    with ModelServer([text("One."), text("Two.")]) as server:
        run(tmp_path, "first", server=server)
        remount = ["mount", "-o", "remount,ro", str(small_disk)]
        subprocess.run(remount, check=True)
        ended = run(tmp_path, "-c", "second", server=server)
        told(ended, str(small_disk), "Read-only", code=2)
        subprocess.run([*remount[:2], "remount,rw", str(small_disk)], check=True)
        assert run(tmp_path, "-c", "second", server=server).out == "Two.\n"


def test_a_damaged_file_is_named_and_doctor_is_the_remedy(tmp_path: Path) -> None:
    with ModelServer([text("One.")]) as server:
        run(tmp_path, "first", server=server)
        path = database(tmp_path)
        path.write_bytes(b"not a database " * 5000)
        told(run(tmp_path, "-c", "second", server=server), str(path), "ml-intern doctor")
        assert path.read_bytes().startswith(b"not a database"), "nothing was overwritten"


def test_a_second_process_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    refused: list[Ended] = []
    with ModelServer([text("First.")]) as server:
        run(tmp_path, "hi", server=server)

    def meanwhile(_: Body) -> Step:
        refused.append(run(tmp_path, "-c", "me too"))
        return text("Done.")

    with ModelServer([meanwhile]) as server:
        assert run(tmp_path, "-c", "go", server=server).out == "Done.\n"
    told(refused[0], "is in use by process", "on host")
