"""What is followed, what is not, and that what is not is never touched."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_intern.checkpoints.workspace import Limits, Workspace

Opened = Callable[..., Workspace]


def changed(workspace: Workspace, act: Callable[[], object]) -> list[str]:
    workspace.begin(1)
    act()
    return [str(path) for path in workspace.end(1).changed]


def put(root: Path, name: str, text: str = "x") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors", "runs/model.PT", "x.tar.gz", "data.parquet", ".git/config",
        "src/__pycache__/a.pyc", ".venv/bin/python", "web/node_modules/a/b.js", "wandb/run/log",
        ".ml-intern-0123.tmp",
    ],
)  # fmt: skip
def test_what_is_not_covered_by_name(name: str, opened: Opened, root: Path) -> None:
    path, other = put(root, name, "old"), put(root, "a.py", "old")

    def act() -> None:
        path.write_text("agent wrote more")
        other.write_text("agent wrote more")

    workspace = opened()
    assert changed(workspace, act) == ["a.py"]
    workspace.undo([1])
    assert path.read_text() == "agent wrote more"


@pytest.mark.parametrize("mark", ["CACHEDIR.TAG", "pyvenv.cfg", "conda-meta"])
def test_a_cache_or_an_environment_of_any_name_is_known_by_its_mark(
    mark: str, opened: Opened, root: Path
) -> None:
    put(root, f"odd/{mark}")
    assert changed(opened(), lambda: put(root, "odd/a.py")) == []
    # The mark itself appearing does not uncover what was covered.
    workspace = opened("b")
    put(root, "plain/a.py", "old")

    def act() -> None:
        put(root, f"plain/{mark}")
        put(root, "plain/a.py", "agent")
        put(root, "plain/b.py", "agent")

    assert {"plain/a.py", "plain/b.py"} <= {*changed(workspace, act)}
    assert workspace.uncovered() == ("odd (a cache or installed packages)",)


def test_changes_that_are_not_covered_are_told(opened: Opened, root: Path) -> None:
    put(root, ".gitignore", "*.log\n")
    put(root, "weights/old.pt", "old")
    put(root, "same.pt", "old")
    put(root, "big.txt", "x" * 2000)
    workspace = opened(max_file=1000)
    workspace.begin(1)
    for number in range(5):
        put(root, f"weights/{number}.pt")
    (root / "weights" / "old.pt").unlink()
    put(root, "big.txt", "y" * 3000)
    put(root, "run.log")
    put(root, "node_modules/a.js")
    report = workspace.end(1)
    assert set(report.not_covered) == {
        "weights/0.pt, weights/1.pt, weights/2.pt and 3 more (data or weights)",
        "big.txt (too large)",
        "run.log (ignored by .gitignore)",
    }
    assert workspace.undo([1]).not_covered == report.not_covered
    assert (root / "big.txt").read_text() == "y" * 3000


def test_what_grows_too_large_is_not_restored_and_said_so(opened: Opened, root: Path) -> None:
    path = put(root, "a.txt", "old")
    workspace = opened(max_file=1000)
    assert changed(workspace, lambda: path.write_text("x" * 2000)) == []
    undone = workspace.undo([1])
    assert undone.not_covered == ("a.txt (too large)",)
    assert path.read_text() == "x" * 2000


def test_what_becomes_small_is_not_restored_and_said_so(opened: Opened, root: Path) -> None:
    path = put(root, "a.txt", "x" * 2000)
    workspace = opened(max_file=1000)
    assert changed(workspace, lambda: path.write_text("agent")) == []
    assert workspace.undo([1]).not_covered == ("a.txt (too large)",)
    assert path.read_text() == "agent"


def test_special_files_are_not_opened(opened: Opened, root: Path, tmp_path: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        os.chdir(root)
        made.bind("socket")
        os.chdir(tmp_path)
        workspace = opened()
        assert changed(workspace, lambda: put(root, "a.py")) == ["a.py"]
    assert workspace.uncovered() == ("pipe, socket (no regular file)",)


def test_a_file_that_cannot_be_read_is_left_out(
    opened: Opened, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, "secret", "old")
    opening = os.open

    def refused(path: Any, *args: Any, **kwargs: Any) -> int:
        if path == "secret":
            raise PermissionError(13, "Permission denied")
        return opening(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refused)
    workspace = opened()
    assert changed(workspace, lambda: put(root, "a.py")) == ["a.py"]
    assert workspace.uncovered() == ("secret (not readable)",)


def test_a_file_that_vanishes_during_the_scan_is_no_error(
    opened: Opened, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, "gone")
    put(root, "folder/a.py")
    listing = os.listdir

    def listed(folder: Any) -> list[str]:
        names = listing(folder)
        shutil.rmtree(root / "folder", ignore_errors=True)
        (root / "gone").unlink(missing_ok=True)
        return names

    workspace = opened()
    monkeypatch.setattr(os, "listdir", listed)
    workspace.begin(1)
    monkeypatch.undo()
    put(root, "gone", "agent")
    assert workspace.end(1).changed == (Path("gone"),)


def test_other_file_systems_are_not_entered(
    opened: Opened, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, "mounted/a.py")
    lstat = os.lstat

    class Elsewhere:
        def __init__(self, status: os.stat_result) -> None:
            self._status, self.st_dev = status, -5

        def __getattr__(self, name: str) -> Any:
            return getattr(self._status, name)

    def mounted(path: Any, **kwargs: Any) -> Any:
        status = lstat(path, **kwargs)
        return Elsewhere(status) if path == "mounted" else status

    monkeypatch.setattr(os, "lstat", mounted)
    workspace = opened()
    assert changed(workspace, lambda: put(root, "mounted/b.py")) == []
    assert workspace.uncovered() == ("mounted (another file system)",)


def test_the_store_is_left_out(tmp_path: Path, root: Path) -> None:
    workspace = Workspace(root / "state" / "store", root, "a", home=tmp_path / "home")
    workspace.begin(1)
    put(root, "state/a.py")
    report = workspace.end(1)
    workspace.close()
    assert report.changed == (Path("state/a.py"),)
    assert report.not_covered == ()


@pytest.mark.parametrize("home", ["project", "project/deep/home"])
def test_the_home_and_what_is_above_it_is_never_scanned(
    home: str, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned: list[object] = []
    monkeypatch.setattr(os, "listdir", lambda *a: scanned.append(a))
    monkeypatch.setattr(os, "scandir", lambda *a: scanned.append(a))
    kept, other = put(root, "kept.py", "old"), put(root, "other.py", "old")
    workspace = Workspace(tmp_path / "store", root, "a", home=tmp_path / home)
    workspace.begin(1)
    workspace.keep(kept)
    kept.write_text("agent")
    other.write_text("agent")
    report = workspace.end(1)
    assert scanned == []
    assert report.changed == (Path("kept.py"),)
    assert report.not_covered == (
        "whatever commands did to files (the home folder and those above it are not followed)",
    )
    assert workspace.undo([1]).restored == (Path("kept.py"),)
    assert (kept.read_text(), other.read_text()) == ("old", "agent")
    workspace.close()


def test_the_home_is_the_users_if_none_is_given(tmp_path: Path) -> None:
    # tests/conftest.py makes `tmp_path` the home.
    workspace = Workspace(tmp_path / "store", tmp_path, "a")
    put(tmp_path, "a.py", "old")
    assert changed(workspace, lambda: put(tmp_path, "a.py", "agent")) == []
    workspace.close()


def test_the_whole_disk_is_never_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listdir", lambda *_: pytest.fail("scanned"))
    workspace = Workspace(tmp_path / "store", Path("/"), "a", home=tmp_path / "home")
    kept = put(tmp_path, "kept.py", "old")
    workspace.begin(1)
    workspace.keep(kept)
    kept.write_text("agent")
    workspace.end(1)
    assert workspace.undo([1]).restored == (kept.relative_to("/"),)
    assert kept.read_text() == "old"
    workspace.close()


def test_a_folder_with_too_many_files_is_not_followed(opened: Opened, root: Path) -> None:
    for number in range(6):
        put(root, f"{number}.py", "old")
    workspace = opened(max_files=5)
    workspace.begin(1)
    workspace.keep(root / "1.py")
    put(root, "1.py", "agent")
    put(root, "2.py", "agent")
    report = workspace.end(1)
    assert report.changed == (Path("1.py"),)
    assert report.not_covered == ("whatever commands did to files (too many files)",)
    workspace.undo([1])
    assert (root / "1.py").read_text() == "old"
    assert (root / "2.py").read_text() == "agent"


def test_what_was_known_is_covered_though_files_become_too_many(opened: Opened, root: Path) -> None:
    put(root, "a.py", "old")
    workspace = opened(max_files=5)

    def act() -> None:
        put(root, "a.py", "agent")
        for number in range(9):
            put(root, f"more/{number}")

    assert "a.py" in changed(workspace, act)
    workspace.undo([1])
    assert (root / "a.py").read_text() == "old"


def test_a_folder_that_was_too_full_and_is_not_any_more(
    opened: Opened, root: Path, reads: list[str]
) -> None:
    for number in range(9):
        put(root, f"{number}.py", "old")
    workspace = opened(max_files=5)

    def act() -> None:
        for number in range(8):
            (root / f"{number}.py").unlink()

    assert changed(workspace, act) == []
    assert "8.py" not in reads
    workspace.undo([1])
    assert (root / "8.py").read_text() == "old"
    workspace.begin(2)
    put(root, "8.py", "agent")
    assert workspace.end(2).changed == (Path("8.py"),)


def test_the_total_is_limited(opened: Opened, root: Path) -> None:
    for number in range(4):
        put(root, f"{number}.txt", str(number) * 400)
    workspace = opened(max_total=1000)
    workspace.begin(1)
    for number in range(4):
        put(root, f"{number}.txt", "agent")
    report = workspace.end(1)
    assert len(report.changed) == 2
    assert "session's limit" in report.not_covered[0]
    workspace.undo([1])
    texts = sorted(path.read_text()[:5] for path in root.iterdir())
    assert texts.count("agent") == 2


def test_files_known_from_before_are_limited_too(opened: Opened, root: Path, later: None) -> None:
    for number in range(4):
        put(root, f"{number}.txt", str(number) * 400)
    opened(max_total=10_000).begin(1)
    narrow = opened("narrow", max_total=1000)
    narrow.begin(1)
    (line,) = narrow.uncovered()
    assert line.endswith("(the session's limit is reached)")
    assert line.count(".txt") == 2


def test_what_turns_hold_counts_toward_the_total(opened: Opened, root: Path) -> None:
    workspace = opened(max_total=1000)
    for turn in range(1, 5):
        workspace.begin(turn)
        put(root, "a.txt", f"{turn}" * 400)
        workspace.end(turn)
    reports = [workspace.end(turn) for turn in range(1, 5)]
    assert [bool(report.changed) for report in reports] == [True, True, True, False]
    workspace.forget([1, 2, 3])
    workspace.begin(5)
    put(root, "a.txt", "5" * 400)
    assert workspace.end(5).changed == (Path("a.txt"),)


def test_limits_changed_later_hold(opened: Opened, root: Path, later: None) -> None:
    put(root, "a.txt", "x" * 500)
    opened(max_file=100).begin(1)
    workspace = opened(max_file=1000)
    workspace.end(1)
    workspace.begin(2)
    put(root, "a.txt", "agent")
    assert workspace.end(2).changed == (Path("a.txt"),)


def test_kept_files_are_covered_wherever_they_are(
    opened: Opened, root: Path, tmp_path: Path
) -> None:
    put(root, ".gitignore", "*.env\nbuild/\n")
    paths = [
        put(root, ".env", "old"), put(root, "build/deep/a.txt", "old"), put(root, "m.pt", "old"),
        put(tmp_path, "outside/a.txt", "old"), tmp_path / "outside" / "new" / "folder" / "b.txt",
        root / "build" / "made" / "c.txt", root / "new.bin",
    ]  # fmt: skip
    workspace = opened()
    workspace.begin(1)
    for path in paths:
        workspace.keep(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("agent")
        workspace.keep(path)
    report = workspace.end(1)
    assert report.not_covered == ()
    assert paths[3] in report.changed
    assert Path("build/deep/a.txt") in report.changed
    assert workspace.undo([1]).conflicts == ()
    assert [path.read_text() if path.exists() else "" for path in paths] == ["old"] * 4 + [""] * 3
    assert not (tmp_path / "outside" / "new").exists()
    assert not (root / "build" / "made").exists()
    workspace.redo([1])
    assert {path.read_text() for path in paths} == {"agent"}


def test_a_kept_file_that_is_too_large_is_noted(opened: Opened, tmp_path: Path) -> None:
    path = put(tmp_path, "big.txt", "x" * 2000)
    workspace = opened(max_file=1000)
    workspace.begin(1)
    workspace.keep(path)
    path.write_text("y" * 2000)
    assert workspace.end(1).not_covered == (f"{path} (too large)",)
    workspace.undo([1])
    assert path.read_text() == "y" * 2000


def test_keeping_does_not_hide_what_a_command_did_before(opened: Opened, root: Path) -> None:
    put(root, "a.py", "old")
    workspace = opened()
    workspace.begin(1)
    put(root, "a.py", "command")
    put(root, "b.py", "command")
    workspace.keep(root / "a.py")
    workspace.keep(root / "b.py")
    put(root, "a.py", "edit")
    put(root, "b.py", "edit")
    workspace.end(1)
    workspace.undo([1])
    assert (root / "a.py").read_text() == "old"
    assert not (root / "b.py").exists()


def test_keeping_comes_after_beginning(opened: Opened, root: Path) -> None:
    with pytest.raises(AssertionError, match="begin"):
        opened().keep(root / "a.py")


def test_names_are_shown_safely(opened: Opened, root: Path) -> None:
    put(root, "bad\x1b[2J\nname\udcff.pt")
    workspace = opened()
    workspace.begin(1)
    assert workspace.uncovered() == ("bad\\x1b[2J\\nname\\udcff.pt (data or weights)",)


def test_the_limits_are_the_documented_ones() -> None:
    assert Limits() == Limits(max_file=10_000_000, max_total=1_000_000_000, max_files=50_000)
