"""A fork's own folder: what is covered, as it is or as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_intern.checkpoints.workspace import Workspace, WorkspaceError

Opened = Callable[..., Workspace]
Picture = Callable[[Path], dict[str, Any]]


def fill(root: Path) -> None:
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("old")
    (root / "src" / "run.sh").write_text("x")
    (root / "src" / "run.sh").chmod(0o750)
    (root / "src").chmod(0o555)
    (root / "link").symlink_to("src/a.py")
    (root / "void").mkdir()


def test_the_folder_is_copied_as_it_is(
    opened: Opened, root: Path, tmp_path: Path, picture: Picture
) -> None:
    fill(root)
    report = opened().copy_to(tmp_path / "new" / "copy")
    assert picture(tmp_path / "new" / "copy") == picture(root)
    assert Path("src/a.py") in report.changed
    assert report.not_covered == ()


def test_it_is_copied_as_it_was_before_turns(
    opened: Opened, root: Path, tmp_path: Path, picture: Picture
) -> None:
    fill(root)
    before = picture(root)
    workspace = opened()
    for turn in (1, 2):
        workspace.begin(turn)
        (root / "src" / "a.py").write_text(f"turn {turn}")
        (root / f"made{turn}").mkdir()
        (root / f"made{turn}" / "b.py").write_text("agent")
        workspace.end(turn)
    after = picture(root)
    (tmp_path / "copy").mkdir()
    workspace.copy_to(tmp_path / "copy", [1, 2])
    assert picture(tmp_path / "copy") == before
    assert picture(root) == after


def test_the_users_edits_are_copied(opened: Opened, root: Path, tmp_path: Path) -> None:
    (root / "a.py").write_text("old")
    workspace = opened()
    workspace.begin(1)
    (root / "a.py").write_text("agent")
    workspace.end(1)
    (root / "a.py").write_text("user")
    workspace.copy_to(tmp_path / "copy", [1])
    assert (tmp_path / "copy" / "a.py").read_text() == "user"


def test_what_is_not_covered_is_said(opened: Opened, root: Path, tmp_path: Path) -> None:
    (root / "model.pt").write_text("x")
    (root / ".git").mkdir()
    report = opened().copy_to(tmp_path / "copy")
    assert set(report.not_covered) == {"model.pt (data or weights)", ".git (version control)"}
    assert list((tmp_path / "copy").iterdir()) == []


def test_an_open_turn_is_ended_first(opened: Opened, root: Path, tmp_path: Path) -> None:
    workspace = opened()
    workspace.begin(1)
    (root / "a.py").write_text("agent, or user")
    workspace.copy_to(tmp_path / "copy", [1])
    assert (tmp_path / "copy/a.py").read_text() == "agent, or user"
    assert workspace.recover() is None


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("project", "is the working folder"), ("project/inner", "inside it"), (".", "holds it"),
        ("alias", "is the working folder"), ("full", "not empty"), ("file", "cannot be copied to"),
    ],
)  # fmt: skip
def test_unfit_folders_are_refused(
    place: str, said: str, opened: Opened, root: Path, tmp_path: Path, picture: Picture
) -> None:
    (root / "a.py").write_text("old")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("user")
    (tmp_path / "alias").symlink_to(root)
    (tmp_path / "file").write_text("user")
    before = picture(tmp_path)
    with pytest.raises(WorkspaceError, match=said):
        opened().copy_to(tmp_path / place)
    assert picture(tmp_path) == before


def test_a_folder_that_is_not_followed_is_not_copied(root: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "store", root, "a", home=root)
    with pytest.raises(WorkspaceError, match="home folder"):
        workspace.copy_to(tmp_path / "copy")
    workspace.close()
