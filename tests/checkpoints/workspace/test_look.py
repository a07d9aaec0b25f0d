"""When a file may be taken for unchanged without looking at its content."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_intern.checkpoints.workspace import Workspace, look
from ml_intern.checkpoints.workspace.look import Entry
from ml_intern.checkpoints.workspace.states import File, Unknown

Opened = Callable[..., Workspace]
SECOND = 10**9


def looked(path: Path, limit: int = 1000) -> Entry:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        return look.look(folder, path.name, limit)
    finally:
        os.close(folder)


@pytest.mark.parametrize(
    ("seconds", "trusted"), [(0, False), (1.9, False), (-1.9, False), (2.5, True), (-2.5, True)]
)
def test_a_file_that_was_just_changed_is_not_trusted(
    seconds: float, trusted: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = root / "a.py"
    path.write_text("x")
    now = path.stat().st_ctime_ns + int(seconds * SECOND)
    monkeypatch.setattr(time, "time_ns", lambda: now)
    assert bool(looked(path).stamp) is trusted


def test_both_times_count(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "a.py"
    path.write_text("x")
    now = path.stat().st_ctime_ns + 100 * SECOND
    monkeypatch.setattr(time, "time_ns", lambda: now)
    assert looked(path).stamp
    os.utime(path, ns=(now, now))
    assert not looked(path).stamp


def test_a_file_changed_while_it_is_read_is_not_trusted(
    root: Path, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = root / "a.py"
    path.write_text("x")
    fstat = os.fstat
    calls: list[int] = []

    def growing(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        if not calls:
            with path.open("a") as file:
                file.write("more")
        calls.append(1)
        return status

    monkeypatch.setattr(os, "fstat", growing)
    assert not looked(path).stamp


def test_a_file_that_grows_beyond_the_limit_while_it_is_read_is_too_large(root: Path) -> None:
    path = root / "a.py"
    path.write_bytes(b"x" * 1001)
    assert isinstance(looked(path).state, Unknown)
    path.write_bytes(b"x" * 1000)
    assert isinstance(looked(path).state, File)


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system whose times do not tell two changes apart."""
    from ml_intern.checkpoints.workspace import walk

    for module in (look, walk):
        monkeypatch.setattr(module, "stamp_of", lambda s: (s.st_mode, s.st_size, 0, 0, s.st_ino))


def edit_in_place(opened: Opened, root: Path) -> bool:
    """Whether a change that no stamp shows is noticed."""
    (root / "a.py").write_text("old")
    workspace = opened()
    workspace.begin(1)
    with (root / "a.py").open("r+") as file:
        file.write("new")
    return bool(workspace.end(1).changed)


def test_a_change_of_the_same_size_and_time_is_noticed(
    opened: Opened, root: Path, coarse: None
) -> None:
    assert edit_in_place(opened, root)


def test_it_would_not_be_without_the_guard(
    opened: Opened, root: Path, coarse: None, later: None
) -> None:
    assert not edit_in_place(opened, root)


def test_setting_the_old_times_does_not_hide_a_change(
    opened: Opened, root: Path, later: None
) -> None:
    path = root / "a.py"
    path.write_text("old")
    status = path.stat()
    workspace = opened()
    workspace.begin(1)
    path.write_text("new")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert workspace.end(1).changed == (Path("a.py"),)


def test_unchanged_files_are_not_read_again(
    opened: Opened, root: Path, later: None, reads: list[str]
) -> None:
    for number in range(20):
        (root / f"{number}.py").write_text(str(number))
    workspace = opened()
    workspace.begin(1)
    assert len([name for name in reads if name.endswith(".py")]) == 20
    reads.clear()
    (root / "7.py").write_text("agent")
    workspace.end(1)
    workspace.begin(2)
    workspace.end(2)
    workspace.close()
    opened("other").begin(1)
    assert [name for name in reads if name.endswith(".py")] == ["7.py"]
