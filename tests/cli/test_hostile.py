"""What a careless script or a hostile row in the database must not do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from emulators.openai_server import Call, ModelServer, calls, text
from ml_intern.checkpoints.workspace import Workspace
from process import finish, run, start, workdir


def session(root: Path, change: str = "", *values: str) -> str:
    """A finished session, its row changed; the id it had."""
    with ModelServer([text("one")]) as server:
        assert run(root, "hello", server=server).code == 0
    database = sqlite3.connect(root / "home/sessions.sqlite")
    ((found,),) = database.execute("SELECT id FROM sessions")
    if change:
        with database:
            database.execute(f"UPDATE sessions SET {change}", values)
    database.close()
    return str(found)


def test_an_unset_variable_removes_nothing(tmp_path: Path) -> None:
    session(tmp_path)
    ended = run(tmp_path, "sessions", "rm", "", "--yes")
    assert ended.code == 2
    assert "hello" in run(tmp_path, "sessions").out


def test_an_id_is_no_path(tmp_path: Path) -> None:
    session(tmp_path, "id = ?", "../../victim")
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").write_text("x")
    (tmp_path / "home/outputs").mkdir(exist_ok=True)
    assert run(tmp_path, "sessions", "rm", "../../victim", "--yes").code == 0
    assert (victim / "precious").exists()
    assert not (tmp_path / "locks").exists()


def test_a_message_has_no_control_sequences_but_ours(tmp_path: Path) -> None:
    found = session(tmp_path, "cwd = ?", "/gone\x1b]0;owned\x07")
    ended = run(tmp_path, "undo", "-r", found)
    assert "is gone" in ended.err
    assert "\x1b" not in ended.err


def test_a_signal_does_not_wait_for_another_sessions_files(tmp_path: Path) -> None:
    """Another session is scanning the same folder for the first time, which may take a minute."""
    workspace = Workspace(tmp_path / "home/snapshots", workdir(tmp_path), "other")
    workspace.begin(1)
    workspace.end(1)
    workspace.close()
    (store,) = (tmp_path / "home/snapshots").glob("*.sqlite")
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ModelServer([calls(Call("bash", {"command": "echo 1 > f"}))]) as server:
        process = start(tmp_path, "go", "--output-format", "stream-json", server=server)
        assert process.stdout is not None
        while '"running"' not in process.stdout.readline():
            pass
        process.terminate()
        process.wait(timeout=30)  # of the 60 seconds that the store is waited for
        assert finish(process).code == 143
    other.execute("ROLLBACK")
    other.close()
    assert not (workdir(tmp_path) / "f").exists()
