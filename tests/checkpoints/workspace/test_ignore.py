"""The rules of ignore files, and that changing them uncovers nothing in the middle of a turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ml_intern.checkpoints.workspace import Workspace, ignore
from ml_intern.checkpoints.workspace.ignore import Rules

Opened = Callable[..., Workspace]


def put(root: Path, name: str, text: str = "x") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def changed(workspace: Workspace, turn: int, act: Callable[[], object]) -> set[str]:
    workspace.begin(turn)
    act()
    return {str(path) for path in workspace.end(turn).changed}


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("a.log", True), ("sub/a.log", True), ("sub/keep.log", False), ("build/", True),
        ("sub/build/", True), ("anchored", True), ("sub/anchored", False), ("a.py", False),
        ("sub/own.txt", True), ("own.txt", False), ("docs/x.md", True), ("docs/keep/", False),
        ("b\x0cd", True),
    ],
)  # fmt: skip
def test_rules_are_gits(path: str, ignored: bool) -> None:
    rules = Rules().nested(
        "", "# a comment\r\n*.log\n!keep.log\nbuild/\n/anchored\ndocs/*\n!docs/keep/\nb\x0cd\n"
    )
    if path.startswith("sub/"):
        rules = rules.nested("sub/", "own.txt\n")
    assert rules.ignores(path.rstrip("/"), folder=path.endswith("/")) is ignored


def test_the_nearest_file_decides() -> None:
    rules = Rules().nested("", "*.txt\n").nested("sub/", "!a.txt\n")
    assert not rules.ignores("sub/a.txt")
    assert rules.ignores("sub/b.txt")


def test_a_line_that_is_no_pattern_is_passed_over() -> None:
    assert Rules().nested("", "a.txt\n!\n//\nb.txt\n").ignores("b.txt")


def test_nested_files_hold_below_their_folder(opened: Opened, root: Path) -> None:
    put(root, ".gitignore", "*.tmp\n/out\n")
    put(root, "pkg/.gitignore", "\ufeffown.txt\n!a.tmp\n")
    names = ["a.tmp", "out/x", "pkg/own.txt", "own.txt", "pkg/a.tmp", "pkg/out/x"]

    def act() -> None:
        for name in names:
            put(root, name)

    assert changed(opened(), 1, act) == {"own.txt", "pkg/a.tmp", "pkg/out/x", "pkg/out"}


def test_what_a_turn_ignores_is_covered_until_its_end(
    opened: Opened, root: Path, later: None
) -> None:
    put(root, "kept/a.txt", "old")
    put(root, "b.log", "old")
    workspace = opened()

    def act() -> None:
        put(root, ".gitignore", "kept/\n*.log\nnew.txt\n")
        put(root, "kept/a.txt", "agent")
        put(root, "b.log", "agent")
        put(root, "new.txt", "agent")

    assert changed(workspace, 1, act) == {".gitignore", "kept/a.txt", "b.log"}
    # From the next turn on the new rules hold.
    assert changed(workspace, 2, lambda: put(root, "b.log", "again")) == set()
    (root / "b.log").write_text("agent")
    workspace.undo([1])
    assert (root / "kept" / "a.txt").read_text() == "old"
    assert (root / "b.log").read_text() == "old"


def test_what_a_turn_stops_ignoring_is_not_taken_for_new(
    opened: Opened, root: Path, later: None
) -> None:
    """Undo would delete the user's own files."""
    put(root, ".gitignore", "hidden/\n*.log\n")
    put(root, "hidden/a.txt", "user")
    put(root, "b.log", "user")
    workspace = opened()
    assert changed(workspace, 1, lambda: put(root, ".gitignore", "")) == {".gitignore"}
    workspace.undo([1])
    assert (root / "hidden" / "a.txt").read_text() == "user"
    assert (root / "b.log").read_text() == "user"
    put(root, ".gitignore", "")
    assert changed(workspace, 2, lambda: put(root, "hidden/a.txt", "agent")) == {"hidden/a.txt"}


def test_what_another_session_stops_ignoring_is_not_taken_for_new(
    opened: Opened, root: Path, later: None
) -> None:
    put(root, ".gitignore", "hidden/\n")
    put(root, "hidden/a.txt", "user")
    first, second = opened("first"), opened("second")
    first.begin(1)
    put(root, ".gitignore", "")
    second.begin(1)
    put(root, "hidden/b.txt", "user")
    put(root, "hidden/a.txt", "user again")
    second.end(1)
    second.begin(2)
    first.end(1)
    first.undo([1])
    assert (root / "hidden" / "a.txt").read_text() == "user again"
    assert (root / "hidden" / "b.txt").read_text() == "user"


@pytest.mark.parametrize("away", ["removed", "edited", "linked"])
def test_a_change_of_the_rules_between_turns_is_seen(
    away: str, opened: Opened, root: Path, later: None
) -> None:
    path = put(root, ".gitignore", "*.txt\n")
    put(root, "a.txt", "old")
    workspace = opened()
    assert changed(workspace, 1, lambda: put(root, "a.txt", "1")) == set()
    path.unlink()
    if away == "edited":
        path.write_text("*.TXT\n")
    if away == "linked":  # git does not follow it either
        path.symlink_to(put(root.parent, "rules", "*.txt\n"))
    assert changed(workspace, 2, lambda: put(root, "a.txt", "2")) == {"a.txt"}


def test_rules_are_asked_only_about_what_is_new(
    opened: Opened, root: Path, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, ".gitignore", "*.log\n")
    for name in ("a.py", "b.log", "pkg/c.py"):
        put(root, name)
    asked: list[str] = []
    ignores = ignore.Rules.ignores

    def noted(self: Rules, path: str, **kwargs: bool) -> bool:
        asked.append(path)
        return ignores(self, path, **kwargs)

    monkeypatch.setattr(ignore.Rules, "ignores", noted)
    workspace = opened()
    workspace.begin(1)
    assert set(asked) == {".gitignore", "a.py", "b.log", "pkg", "pkg/c.py"}
    asked.clear()
    put(root, "new.py")
    workspace.end(1)
    workspace.begin(2)
    assert asked == ["new.py"]
