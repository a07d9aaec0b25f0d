"""What a turn did is taken back, and brought back again, byte for byte."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_intern.checkpoints.workspace import Workspace, restore
from ml_intern.checkpoints.workspace.look import look_at
from ml_intern.checkpoints.workspace.states import State

Opened = Callable[..., Workspace]
Picture = Callable[[Path], dict[str, Any]]


def rich(root: Path) -> None:
    """A project with one of everything."""
    (root / "src" / "deep").mkdir(parents=True)
    (root / "src" / "deep" / "a.py").write_bytes(b"print(1)\r\n\x00\xff")
    (root / "src" / "run.sh").write_text("#!/bin/sh\n")
    (root / "src" / "run.sh").chmod(0o755)
    (root / "empty").touch()
    (root / "link").symlink_to("src/run.sh")
    (root / "dangling").symlink_to("/nowhere/at all")
    (root / "void").mkdir(mode=0o750)
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.txt")).write_text("latin")


def ravage(root: Path) -> None:
    """What a command may do."""
    shutil.rmtree(root / "src")
    (root / "src").write_text("now a file")
    (root / "empty").unlink()
    (root / "empty").mkdir()
    (root / "empty" / "full").write_text("x" * 100_000)
    (root / "link").unlink()
    (root / "link").symlink_to("elsewhere")
    (root / "dangling").unlink()
    (root / "dangling").write_text("a file")
    (root / "void").rmdir()
    (root / "void").symlink_to("empty")
    latin = Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.txt"))
    latin.write_text("changed")
    latin.chmod(0o600)
    (root / "new" / "folder").mkdir(parents=True)
    (root / "new" / "folder" / "empty.py").touch(mode=0o640)
    (root / "new").chmod(0o711)


@pytest.fixture
def workspace(opened: Opened) -> Workspace:
    return opened()


def turn(workspace: Workspace, number: int, act: Callable[[], object]) -> None:
    workspace.begin(number)
    act()
    workspace.end(number)


def test_everything_comes_back_and_goes_again(
    workspace: Workspace, root: Path, picture: Picture
) -> None:
    rich(root)
    before = picture(root)
    turn(workspace, 1, lambda: ravage(root))
    after = picture(root)
    assert before != after
    undone = workspace.undo([1])
    assert picture(root) == before
    assert (undone.conflicts, undone.not_covered) == ((), ())
    assert Path("src/deep/a.py") in undone.restored
    redone = workspace.redo([1])
    assert picture(root) == after
    assert (redone.conflicts, redone.not_covered) == ((), ())
    workspace.undo([1])
    assert picture(root) == before


def test_what_a_turn_changed_is_listed(workspace: Workspace, root: Path) -> None:
    (root / "kept.py").write_text("1")
    (root / "mode.sh").write_text("1")
    (root / "gone.py").write_text("1")
    workspace.begin(1)
    (root / "mode.sh").chmod(0o755)
    (root / "gone.py").unlink()
    (root / "new.py").write_text("2")
    (root / "passing").write_text("2")
    (root / "passing").unlink()
    report = workspace.end(1)
    assert report.changed == (Path("gone.py"), Path("mode.sh"), Path("new.py"))
    assert report.not_covered == ()
    assert workspace.end(1) == report


def test_several_turns_go_back_at_once_and_one_by_one(
    workspace: Workspace, root: Path, picture: Picture
) -> None:
    pictures = [picture(root)]
    for number in (1, 2, 3):
        turn(workspace, number, lambda n=number: (root / "a.py").write_text(str(n)))  # type: ignore[misc]
        pictures.append(picture(root))
    workspace.undo([2, 3])
    assert picture(root) == pictures[1]
    workspace.undo([1])
    assert picture(root) == pictures[0]
    workspace.redo([1])
    assert picture(root) == pictures[1]
    workspace.redo([2, 3])
    assert picture(root) == pictures[3]


def test_a_later_edit_of_the_users_is_kept_and_named(workspace: Workspace, root: Path) -> None:
    (root / "both.py").write_text("old")
    (root / "other.py").write_text("old")

    def act() -> None:
        (root / "both.py").write_text("agent")
        (root / "other.py").write_text("agent")
        (root / "made.py").write_text("agent")

    turn(workspace, 1, act)
    (root / "both.py").write_text("user")
    (root / "made.py").write_text("user")
    undone = workspace.undo([1])
    assert undone.conflicts == (Path("both.py"), Path("made.py"))
    assert undone.restored == (Path("other.py"),)
    assert (root / "both.py").read_text() == "user"
    assert (root / "made.py").read_text() == "user"
    assert (root / "other.py").read_text() == "old"


def test_an_edit_of_the_users_between_turns_is_not_skipped_over(
    workspace: Workspace, root: Path
) -> None:
    turn(workspace, 1, lambda: (root / "a.py").write_text("first"))
    (root / "a.py").write_text("user")
    turn(workspace, 2, lambda: (root / "a.py").write_text("second"))
    assert workspace.undo([1, 2]).conflicts == (Path("a.py"),)
    assert (root / "a.py").read_text() == "second"
    assert workspace.undo([2]).restored == (Path("a.py"),)
    assert (root / "a.py").read_text() == "user"


def test_what_the_user_took_back_himself_is_fine(workspace: Workspace, root: Path) -> None:
    (root / "a.py").write_text("old")
    turn(workspace, 1, lambda: (root / "a.py").write_text("agent"))
    (root / "a.py").write_text("old")
    undone = workspace.undo([1])
    assert (undone.restored, undone.conflicts) == ((Path("a.py"),), ())


def test_a_mode_set_by_the_user_is_his(workspace: Workspace, root: Path) -> None:
    turn(workspace, 1, lambda: (root / "a.sh").write_text("x"))
    (root / "a.sh").chmod(0o755)
    assert workspace.undo([1]).conflicts == (Path("a.sh"),)
    assert (root / "a.sh").exists()


def test_a_made_folder_goes_only_when_it_is_empty(workspace: Workspace, root: Path) -> None:
    def act() -> None:
        (root / "made").mkdir()
        (root / "made" / "a.py").write_text("agent")

    turn(workspace, 1, act)
    (root / "made" / "mine.py").write_text("user")
    undone = workspace.undo([1])
    assert [path.name for path in (root / "made").iterdir()] == ["mine.py"]
    assert undone.not_covered == ("made (a folder that is not empty)",)
    assert workspace.redo([1]).conflicts == ()
    assert (root / "made" / "a.py").read_text() == "agent"
    (root / "made" / "mine.py").unlink()
    workspace.undo([1])
    assert not (root / "made").exists()


def test_a_folder_of_the_users_is_never_replaced_by_a_file(
    workspace: Workspace, root: Path
) -> None:
    (root / "thing").write_text("old")

    def act() -> None:
        (root / "thing").unlink()
        (root / "thing").mkdir()

    turn(workspace, 1, act)
    (root / "thing" / "mine").write_text("user")
    assert workspace.undo([1]).conflicts == (Path("thing"),)
    assert (root / "thing" / "mine").read_text() == "user"


def test_nothing_is_written_through_a_link(
    workspace: Workspace, root: Path, tmp_path: Path
) -> None:
    (root / "pkg").mkdir()
    (root / "pkg" / "a.py").write_text("old")
    (root / "pkg" / "b.py").write_text("old")

    def act() -> None:
        (root / "pkg" / "a.py").write_text("agent")
        (root / "pkg" / "b.py").unlink()
        (root / "pkg" / "c.py").write_text("agent")

    turn(workspace, 1, act)
    elsewhere = tmp_path / "elsewhere"
    shutil.move(root / "pkg", elsewhere)
    (root / "pkg").symlink_to(elsewhere)
    undone = workspace.undo([1])
    assert undone.conflicts == (Path("pkg/a.py"), Path("pkg/b.py"), Path("pkg/c.py"))
    assert (elsewhere / "a.py").read_text() == "agent"
    assert not (elsewhere / "b.py").exists()
    assert (elsewhere / "c.py").read_text() == "agent"


def test_a_link_put_there_at_the_last_moment_is_not_followed(
    workspace: Workspace, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "pkg").mkdir()
    turn(workspace, 1, lambda: (root / "pkg" / "a.py").write_text("agent"))
    elsewhere = tmp_path / "elsewhere"
    unlink = os.unlink

    def swapped(path: Any, **kwargs: Any) -> None:
        shutil.move(root / "pkg", elsewhere)
        (root / "pkg").symlink_to(tmp_path / "trap")
        monkeypatch.setattr(os, "unlink", unlink)
        unlink(path, **kwargs)

    (tmp_path / "trap").mkdir()
    (tmp_path / "trap" / "a.py").write_text("agent")
    monkeypatch.setattr(os, "unlink", swapped)
    workspace.undo([1])
    assert (tmp_path / "trap" / "a.py").read_text() == "agent"


def test_an_edit_at_the_last_moment_is_kept(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.py").write_text("old")
    turn(workspace, 1, lambda: (root / "a.py").write_text("agent"))
    fchmod = os.fchmod

    def edited(*args: Any) -> None:
        (root / "a.py").write_text("user")
        fchmod(*args)

    monkeypatch.setattr(os, "fchmod", edited)
    assert workspace.undo([1]).conflicts == (Path("a.py"),)
    assert (root / "a.py").read_text() == "user"
    assert [path.name for path in root.iterdir()] == ["a.py"]


def test_a_new_file_edited_at_the_last_moment_is_kept(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn(workspace, 1, lambda: (root / "a.py").write_text("agent"))

    def looked(*args: Any) -> State:
        state = look_at(*args)
        (root / "a.py").write_text("user")
        return state

    monkeypatch.setattr(restore, "look_at", looked)
    assert workspace.undo([1]).conflicts == (Path("a.py"),)
    assert (root / "a.py").read_text() == "user"


def test_a_folder_that_stays_keeps_its_mode(workspace: Workspace, root: Path) -> None:
    turn(workspace, 1, lambda: (root / "made").mkdir(mode=0o500))
    (root / "made").chmod(0o700)
    (root / "made" / "mine").write_text("user")
    (root / "made").chmod(0o500)
    workspace.undo([1])
    assert (root / "made").stat().st_mode & 0o777 == 0o500


def test_a_folder_that_may_not_be_written_to_is_as_it_was_afterwards(
    workspace: Workspace, root: Path, picture: Picture
) -> None:
    (root / "shut").mkdir()
    (root / "shut" / "a.py").write_text("old")
    (root / "shut").chmod(0o500)
    before = picture(root)
    turn(workspace, 1, lambda: (root / "shut" / "a.py").write_text("agent"))
    assert workspace.undo([1]).not_covered == ()
    assert picture(root) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_restored_file_keeps_its_owner(workspace: Workspace, root: Path) -> None:
    (root / "a.py").write_text("old")
    (root / "a.py").chmod(0o666)
    os.chown(root / "a.py", 1234, 1234)
    turn(workspace, 1, lambda: (root / "a.py").write_text("agent"))
    workspace.undo([1])
    assert (root / "a.py").read_text() == "old"
    assert (root / "a.py").stat().st_uid == 1234


def test_a_folder_that_became_a_link_becomes_a_folder_again(
    workspace: Workspace, root: Path, picture: Picture
) -> None:
    (root / "data").mkdir()
    (root / "data" / "a.py").write_text("1")
    before = picture(root)

    def act() -> None:
        (root / "data").rename(root / "moved")
        (root / "data").symlink_to("moved")

    turn(workspace, 1, act)
    after = picture(root)
    workspace.undo([1])
    assert picture(root) == before
    workspace.redo([1])
    assert picture(root) == after


def test_what_becomes_of_a_deleted_folder_is_the_users(workspace: Workspace, root: Path) -> None:
    (root / "pkg").mkdir()
    (root / "pkg" / "a.py").write_text("1")
    turn(workspace, 1, lambda: (root / "pkg" / "a.py").write_text("2"))
    shutil.rmtree(root / "pkg")
    assert workspace.undo([1]).conflicts == (Path("pkg/a.py"),)
    assert not (root / "pkg").exists()


def test_a_file_that_cannot_be_written_is_named_and_the_others_restored(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.py", "b.py"):
        (root / name).write_text("old")

    def act() -> None:
        (root / "a.py").write_text("agent")
        (root / "b.py").write_text("agent")

    turn(workspace, 1, act)
    replace = os.replace

    def refused(source: str, target: str, **kwargs: Any) -> None:
        if target == "a.py":
            raise PermissionError(13, "Permission denied")
        replace(source, target, **kwargs)

    monkeypatch.setattr(os, "replace", refused)
    undone = workspace.undo([1])
    assert undone.restored == (Path("b.py"),)
    assert undone.not_covered == ("a.py (Permission denied)",)
    assert sorted(path.name for path in root.iterdir()) == ["a.py", "b.py"]


def test_forgotten_turns_cannot_be_redone(workspace: Workspace, root: Path) -> None:
    turn(workspace, 1, lambda: (root / "a.py").write_text("1"))
    workspace.undo([1])
    workspace.forget([1])
    assert workspace.redo([1]).restored == ()
    assert not (root / "a.py").exists()


def test_a_turn_that_begins_again_is_one_turn(workspace: Workspace, root: Path) -> None:
    (root / "a.py").write_text("0")
    turn(workspace, 1, lambda: (root / "a.py").write_text("1"))
    turn(workspace, 1, lambda: (root / "a.py").write_text("2"))
    workspace.undo([1])
    assert (root / "a.py").read_text() == "0"


def test_an_edit_within_a_turn_that_begins_again_is_not_lost(
    workspace: Workspace, root: Path
) -> None:
    turn(workspace, 1, lambda: (root / "a.py").write_text("1"))
    (root / "a.py").write_text("user")
    turn(workspace, 1, lambda: (root / "a.py").write_text("2"))
    undone = workspace.undo([1])
    assert undone.not_covered == ("a.py (changed by others between two runs)",)
    assert (root / "a.py").read_text() == "2"
    workspace.close()
    assert workspace.undo([1]) == undone
