"""The store itself: private, checked, shrunk; unusable ones are named."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_intern.checkpoints.workspace import Workspace, WorkspaceError, states, store
from ml_intern.configs.errors import MlInternError

Opened = Callable[..., Workspace]


def file_of(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "store").glob("*.sqlite")
    return path


def altered(tmp_path: Path, *statements: str) -> None:
    connection = sqlite3.connect(file_of(tmp_path))
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def a_turn(workspace: Workspace, root: Path, text: str = "agent") -> None:
    workspace.begin(1)
    (root / "a.py").write_text(text)
    workspace.end(1)


def test_it_is_private(opened: Opened, root: Path, tmp_path: Path) -> None:
    a_turn(opened(), root)
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "store").iterdir()} == {0o600}


def test_one_content_is_stored_once_and_compressed(
    opened: Opened, root: Path, tmp_path: Path
) -> None:
    for number in range(20):
        (root / f"{number}.txt").write_text("the same words " * 20_000)
    workspace = opened()
    workspace.begin(1)
    workspace.close()
    assert workspace.size() < 200_000


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 300, b"text " * 50_000])
def test_contents_come_back_as_they_were(data: bytes, opened: Opened, root: Path) -> None:
    (root / "a").write_bytes(data)
    workspace = opened()
    workspace.begin(1)
    (root / "a").write_text("agent")
    workspace.end(1)
    workspace.undo([1])
    assert (root / "a").read_bytes() == data


def test_what_nothing_refers_to_is_removed(opened: Opened, root: Path, tmp_path: Path) -> None:
    workspace = opened()
    for turn in range(1, 6):
        workspace.begin(turn)
        (root / "a.txt").write_bytes(os.urandom(300_000))
        workspace.end(turn)
    workspace.collect()
    full = workspace.size()
    workspace.forget([1, 2, 3])
    workspace.collect()
    assert workspace.size() < 0.7 * full
    assert workspace.check() == []
    before = (root / "a.txt").read_bytes()
    workspace.undo([5])
    workspace.redo([5])
    assert (root / "a.txt").read_bytes() == before


def test_the_baseline_of_an_open_turn_is_not_removed(opened: Opened, root: Path) -> None:
    (root / "a.py").write_text("old")
    workspace, other = opened(), opened("other")
    workspace.begin(1)
    (root / "a.py").write_text("agent")
    other.begin(1)
    other.end(1)
    other.forget_session("other")
    other.collect()
    workspace.end(1)
    workspace.undo([1])
    assert (root / "a.py").read_text() == "old"


def test_with_the_last_session_everything_goes(opened: Opened, root: Path, tmp_path: Path) -> None:
    workspace = opened()
    a_turn(workspace, root)
    workspace.forget_session("a")
    workspace.collect()
    workspace.close()
    connection = sqlite3.connect(file_of(tmp_path))
    assert connection.execute("SELECT count(*) FROM blobs").fetchone() == (0,)
    connection.close()
    a_turn(workspace, root, "again")
    workspace.undo([1])
    assert (root / "a.py").read_text() == "agent"


def test_a_sound_store_has_no_problems(opened: Opened, root: Path) -> None:
    workspace = opened()
    a_turn(workspace, root)
    assert workspace.check() == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE blobs SET data = x'00'", "contents are damaged"),
        ("DELETE FROM blobs", "contents are missing"),
        ("UPDATE changes SET after = x'7a7a'", "no state of a path"),
        ("UPDATE changes SET before = CAST('uNEVER ' AS BLOB)", "is no reason"),
    ],
)
def test_damage_is_found(
    statement: str, said: str, opened: Opened, root: Path, tmp_path: Path
) -> None:
    workspace = opened()
    a_turn(workspace, root)
    workspace.close()
    altered(tmp_path, statement)
    (problem,) = workspace.check()
    assert said in problem
    assert str(file_of(tmp_path)) in problem


def test_a_damaged_content_is_never_written(opened: Opened, root: Path, tmp_path: Path) -> None:
    (root / "a.py").write_text("old")
    workspace = opened()
    a_turn(workspace, root)
    altered(tmp_path, "UPDATE blobs SET data = CAST('odd' AS BLOB) WHERE size = 3")
    undone = workspace.undo([1])
    assert undone.not_covered == ("a.py (its stored content is damaged)",)
    assert (root / "a.py").read_text() == "agent"


def test_no_database_is_named_with_a_remedy(opened: Opened, root: Path, tmp_path: Path) -> None:
    workspace = opened()
    a_turn(workspace, root)
    workspace.close()
    path = file_of(tmp_path)
    path.write_bytes(b"this is no database at all, " * 100)
    with pytest.raises(WorkspaceError, match="Move it away") as caught:
        workspace.begin(2)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, MlInternError)
    assert workspace.check() == [str(caught.value)]


def test_a_place_that_cannot_be_written_is_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    workspace = Workspace(tmp_path / "file" / "store", root, "a", home=tmp_path / "home")
    with pytest.raises(WorkspaceError, match="ML_INTERN_HOME"):
        workspace.begin(1)


def test_a_full_disk_is_named_and_nothing_half_done(
    opened: Opened, root: Path, tmp_path: Path
) -> None:
    (root / "a.py").write_text("old")
    workspace = opened()
    workspace.begin(1)
    (root / "a.py").write_bytes(os.urandom(500_000))
    with workspace._store.reading() as connection:
        connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(WorkspaceError, match="Free some space"):
        workspace.end(1)
    with workspace._store.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    assert workspace.end(1).changed == (Path("a.py"),)
    workspace.undo([1])
    assert (root / "a.py").read_text() == "old"


def test_a_store_in_use_is_named(
    opened: Opened, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_turn(opened(), root)
    monkeypatch.setattr(store, "_WAIT", 0.1)
    other = sqlite3.connect(file_of(tmp_path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(WorkspaceError, match="try again"):
        opened("b").begin(1)
    other.close()


def test_a_newer_store_is_refused(opened: Opened, root: Path, tmp_path: Path) -> None:
    workspace = opened()
    a_turn(workspace, root)
    workspace.close()
    altered(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(WorkspaceError, match="newer"):
        workspace.begin(2)


@pytest.mark.parametrize(
    "state",
    [
        states.ABSENT, states.File(b"d" * 32, 0o4755), states.Link("a\udcff b"), states.Link(""),
        states.Dir(0o1777), states.Unknown(states.Reason.LARGE, "1 2 3"),
        states.Unknown(states.Reason.GAP),
    ],
    ids=repr,
)  # fmt: skip
def test_states_are_read_as_they_were_written(state: states.State) -> None:
    assert states.decode(states.encode(state)) == state
