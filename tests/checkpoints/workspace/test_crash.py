"""Whatever is cut off can be gone on with."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_intern.checkpoints.workspace import Restored, Workspace
from ml_intern.checkpoints.workspace.states import Reason

Opened = Callable[..., Workspace]
Picture = Callable[[Path], dict[str, Any]]


class CrashError(BaseException):
    """The process ends here."""


def test_the_baseline_outlives_the_process(opened: Opened, root: Path) -> None:
    (root / "a.py").write_text("old")
    opened().begin(1)
    (root / "a.py").write_text("agent")
    again = opened()
    assert again.begin(1) is None
    again.end(1)
    again.undo([1])
    assert (root / "a.py").read_text() == "old"


def test_the_baseline_outlives_kill_9(opened: Opened, root: Path, tmp_path: Path) -> None:
    (root / "a.py").write_text("old")
    code = (
        "import sys, os, pathlib; from ml_intern.checkpoints.workspace import Workspace\n"
        "store, root = map(pathlib.Path, sys.argv[1:])\n"
        "Workspace(store, root, 'a', home=root.parent / 'home').begin(1)\n"
        "(root / 'a.py').write_text('agent'); os.kill(os.getpid(), 9)"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path / "store", root])
    assert ran.returncode == -signal.SIGKILL
    workspace = opened()
    assert workspace.begin(1) is None
    workspace.end(1)
    workspace.undo([1])
    assert (root / "a.py").read_text() == "old"


def test_a_turn_never_ended_is_ended_by_the_next(opened: Opened, root: Path) -> None:
    opened().begin(1)
    (root / "a.py").write_text("first")
    workspace = opened()
    report = workspace.begin(2)
    assert report is not None
    assert report.not_covered == (f"a.py ({Reason.CUT_OFF.value})",)
    (root / "a.py").write_text("second")
    workspace.end(2)
    workspace.undo([2])
    assert (root / "a.py").read_text() == "first"
    assert workspace.undo([1]).not_covered == report.not_covered
    assert (root / "a.py").read_text() == "first"


def test_what_changed_until_recovering_may_be_the_users(opened: Opened, root: Path) -> None:
    opened().begin(1)
    (root / "a.py").write_text("agent, or user")
    workspace = opened()
    report = workspace.recover()
    assert report is not None
    assert report.not_covered == (f"a.py ({Reason.CUT_OFF.value})",)
    assert workspace.recover() is None
    assert workspace.undo([1]) == Restored(not_covered=report.not_covered)
    assert (root / "a.py").read_text() == "agent, or user"


def test_what_is_kept_outlives_the_process(opened: Opened, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("old")
    workspace = opened()
    workspace.begin(1)
    workspace.keep(outside)
    outside.write_text("agent")
    workspace = opened()
    workspace.begin(1)
    workspace.end(1)
    workspace.undo([1])
    assert outside.read_text() == "old"


def test_undo_of_what_is_not_on_record_says_so(opened: Opened, root: Path) -> None:
    workspace = opened()
    said = f"whatever commands did to files ({Reason.NO_RECORD.value})"
    assert workspace.undo([1]).not_covered == (said,)
    workspace.begin(1)
    workspace.end(1)
    assert workspace.undo([1]).not_covered == ()
    assert workspace.undo([1, 2]).not_covered == (said,)


def change(root: Path) -> None:
    shutil.rmtree(root / "pkg")
    (root / "pkg").write_text("a file now")
    (root / "made" / "inner").mkdir(parents=True)
    (root / "made" / "inner" / "a.py").write_text("agent")
    (root / "file").unlink()
    (root / "file").mkdir()
    (root / "file" / "b.py").write_text("agent")
    (root / "edited").write_text("agent")
    (root / "link").symlink_to("edited")
    (root / "void").chmod(0o555)


@pytest.mark.parametrize("way", ["undo", "redo"])
def test_a_move_cut_off_anywhere_is_completed_by_repeating_it(
    way: str,
    opened: Opened,
    root: Path,
    picture: Picture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("pkg", "void"):
        (root / name).mkdir()
    for name in ("pkg/a.py", "file", "edited"):
        (root / name).write_text(f"old {name}")
    before = picture(root)
    workspace = opened()
    workspace.begin(1)
    change(root)
    workspace.end(1)
    after = picture(root)
    move, back, wanted = (workspace.undo, workspace.redo, before)
    if way == "redo":
        move, back, wanted = workspace.redo, workspace.undo, after
        workspace.undo([1])
    crashes = 0
    for cut in range(100):
        if not crash_at(cut, monkeypatch, lambda: move([1])):
            break
        crashes += 1
        again = move([1])
        assert (again.conflicts, again.not_covered) == ((), ())
        remains = {name: now for name, now in picture(root).items() if ".ml-intern-" not in name}
        assert remains == wanted
        back([1])
    assert crashes > 12


def crash_at(cut: int, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> bool:
    """Run with a crash at the `cut`th change to the file system; False if there were fewer."""
    left = [cut]

    def crashing(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            if left[0] == 0:
                raise CrashError
            left[0] -= 1
            return real(*args, **kwargs)

        return called

    with monkeypatch.context() as patch:
        for name in ("unlink", "rmdir", "mkdir", "replace", "rename", "symlink", "chmod", "fsync"):
            patch.setattr(os, name, crashing(getattr(os, name)))
        try:
            act()
        except CrashError:
            return True
    return False


def test_a_turn_whose_end_fails_is_still_open(
    opened: Opened, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.py").write_text("old")
    workspace = opened()
    workspace.begin(1)
    (root / "a.py").write_text("agent")
    with monkeypatch.context() as patch:
        patch.setattr("ml_intern.checkpoints.workspace.workspace.merged", raising)
        with pytest.raises(CrashError):
            workspace.end(1)
    assert workspace.end(1).changed == (Path("a.py"),)


def raising(*_: object) -> None:
    raise CrashError
