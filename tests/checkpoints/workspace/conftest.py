"""A project folder with real files, and sessions that follow it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_intern.checkpoints.workspace import Limits, Workspace

Picture = dict[str, tuple[Any, ...]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def opened(tmp_path: Path, root: Path) -> Iterator[Callable[..., Workspace]]:
    """Opens a session of the project; to open one again is what follows a crash."""
    made = []

    def opened(session: str = "a", folder: Path = root, **limits: int) -> Workspace:
        home = tmp_path / "home"
        made.append(Workspace(tmp_path / "store", folder, session, Limits(**limits), home=home))
        return made[-1]

    yield opened
    for workspace in made:
        workspace.close()


def picture_of(folder: Path) -> Picture:
    found: Picture = {}
    for path in folder.rglob("*"):
        name, mode = str(path.relative_to(folder)), path.lstat().st_mode & 0o7777
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_dir():
            found[name] = ("dir", mode)
        else:
            found[name] = ("file", mode, path.read_bytes())
    return found


@pytest.fixture
def picture() -> Callable[[Path], Picture]:
    """All there is in a folder, byte for byte."""
    return picture_of


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at long after they were written, so that their stamps are relied on."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 3600 * 10**9)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose content was looked at."""
    seen: list[str] = []
    opening = os.open

    def noted(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if not flags & os.O_DIRECTORY and not flags & os.O_CREAT:
            seen.append(Path(path).name)
        return opening(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", noted)
    return seen
