"""Several sessions, several threads and several processes in one folder."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml_intern.checkpoints.workspace import Limits, Workspace

Opened = Callable[..., Workspace]


def test_each_session_takes_back_its_own(opened: Opened, root: Path) -> None:
    one, two = opened("one"), opened("two")
    one.begin(1)
    (root / "one.py").write_text("1")
    one.end(1)
    two.begin(1)
    (root / "two.py").write_text("2")
    two.end(1)
    one.undo([1])
    assert [path.name for path in root.iterdir()] == ["two.py"]
    two.undo([1])
    assert list(root.iterdir()) == []


def test_a_baseline_holds_whatever_other_sessions_see(opened: Opened, root: Path) -> None:
    (root / "a.py").write_text("old")
    (root / "b.py").write_text("old")
    one, two = opened("one"), opened("two")
    one.begin(1)
    (root / "a.py").write_text("one")
    (root / "b.py").unlink()
    two.begin(1)
    (root / "c.py").write_text("two")
    two.end(1)
    two.begin(2)
    two.end(2)
    assert one.end(1).changed == (Path("a.py"), Path("b.py"), Path("c.py"))
    assert two.end(1).changed == (Path("c.py"),)
    one.undo([1])
    assert {path.name: path.read_text() for path in root.iterdir()} == {
        "a.py": "old",
        "b.py": "old",
    }


def test_a_session_with_narrower_limits_takes_nothing_from_another(
    opened: Opened, root: Path
) -> None:
    for number in range(5):
        (root / f"{number}.py").write_text("old" * 100)
    one = opened("one")
    one.begin(1)
    (root / "1.py").write_text("agent")
    for limits in ({"max_files": 2}, {"max_total": 100}, {"max_file": 10}):
        opened(f"narrow {limits}", **limits).begin(1)
    report = one.end(1)
    assert report.changed == (Path("1.py"),)
    assert not [line for line in report.not_covered if "0.py" in line]
    one.undo([1])
    assert (root / "1.py").read_text() == "old" * 100


def test_what_only_another_session_follows_is_not_taken_for_changed(
    opened: Opened, root: Path
) -> None:
    for number in range(5):
        (root / f"{number}.py").write_text("user")
    narrow = opened("narrow", max_files=2)
    narrow.begin(1)
    opened("wide").begin(1)
    report = narrow.end(1)
    assert report.changed == ()
    assert report.not_covered == ("whatever commands did to files (too many files)",)


def test_an_edit_by_another_session_is_not_taken_back(opened: Opened, root: Path) -> None:
    one, two = opened("one"), opened("two")
    one.begin(1)
    (root / "a.py").write_text("one")
    one.end(1)
    two.begin(1)
    (root / "a.py").write_text("two")
    two.end(1)
    assert one.undo([1]).conflicts == (Path("a.py"),)
    assert (root / "a.py").read_text() == "two"


def test_threads_may_keep_at_once(opened: Opened, root: Path, tmp_path: Path) -> None:
    workspace = opened()
    workspace.begin(1)
    paths = [tmp_path / "outside" / str(number) for number in range(16)]

    def write(path: Path) -> None:
        workspace.keep(path)
        path.parent.mkdir(exist_ok=True)
        path.write_text("agent")

    threads = [threading.Thread(target=write, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(paths) <= set(workspace.end(1).changed)
    workspace.undo([1])
    assert not (tmp_path / "outside").exists()


def test_processes_may_begin_at_once(root: Path, tmp_path: Path, opened: Opened) -> None:
    for number in range(50):
        (root / f"{number}.py").write_text("old")
    code = (
        "import sys, pathlib; from ml_intern.checkpoints.workspace import Workspace\n"
        "store, root = map(pathlib.Path, sys.argv[1:3]); name = sys.argv[3]\n"
        "w = Workspace(store, root, name, home=root.parent / 'home')\n"
        "for turn in range(1, 6):\n"
        "    w.begin(turn); (root / f'{name}.txt').write_text(f'{name} {turn}'); w.end(turn)\n"
        "w.close()"
    )
    command: list[Any] = [sys.executable, "-c", code, tmp_path / "store", root]
    running = [subprocess.Popen([*command, f"p{number}"]) for number in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    workspace = opened("p1")
    assert workspace.check() == []
    assert Path("p1.txt") in workspace.undo([1, 2, 3, 4, 5]).restored
    assert not (root / "p1.txt").exists()


def test_a_fork_in_the_same_folder_has_the_turns_too(opened: Opened, root: Path) -> None:
    original = opened("one")
    original.begin(1)
    (root / "a.py").write_text("1")
    original.end(1)
    copy = opened("two")
    copy.adopt("one", [1])
    original.forget_session("one")
    original.collect()
    assert copy.undo([1]).restored == (Path("a.py"),)
    assert not (root / "a.py").exists()
    assert copy.redo([1]).restored == (Path("a.py"),)


def test_a_fork_in_another_folder_has_the_turns_within_the_folder(
    opened: Opened, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("old")
    (root / "a.py").write_text("old")
    original = opened("one")
    original.begin(1)
    original.keep(outside)
    outside.write_text("agent")
    (root / "a.py").write_text("agent")
    original.end(1)
    other = tmp_path / "other"
    original.copy_to(other)
    copy = opened("two", other)
    copy.adopt("one", [1], root)
    assert copy.check() == []
    assert copy.undo([1]).restored == (Path("a.py"),)
    assert (other / "a.py").read_text() == "old"
    assert (root / "a.py").read_text() == "agent"
    assert outside.read_text() == "agent"


def test_only_the_turns_asked_for_are_adopted(opened: Opened, root: Path) -> None:
    original = opened("one")
    for turn in (1, 2):
        original.begin(turn)
        (root / f"{turn}.py").write_text("agent")
        original.end(turn)
    copy = opened("two")
    copy.adopt("one", [1])
    assert copy.undo([1]).restored == (Path("1.py"),)
    assert copy.undo([2]).restored == ()
    assert (root / "2.py").exists()


def test_to_adopt_from_nowhere_is_nothing(opened: Opened, tmp_path: Path) -> None:
    workspace = opened()
    workspace.adopt("one", [1], tmp_path / "never")
    workspace.adopt("one", [1])
    assert workspace.undo([1]).restored == ()


def test_reading_touches_nothing(tmp_path: Path, root: Path) -> None:
    workspace = Workspace(tmp_path / "store", root, "a", Limits(), home=tmp_path / "home")
    workspace.end(1)
    workspace.undo([1])
    workspace.redo([1])
    workspace.forget([1])
    workspace.collect()
    workspace.recover()
    assert (workspace.check(), workspace.size(), workspace.uncovered()) == ([], 0, ())
    assert not (tmp_path / "store").exists()
