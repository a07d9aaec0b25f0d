"""Every test starts offline, in an empty home, without the machine's keys and endpoints."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ml_intern.configs.environment import prepare
from ml_intern.configs.secrets import KNOWN_CREDENTIALS

prepare(os.environ)

SNAPSHOTS = Path(__file__).parent / "snapshots"
FOLDERS = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "ML_INTERN_HOME")


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a test reads of the environment is what it sets itself."""
    for name in os.environ:
        ours = name in KNOWN_CREDENTIALS or name.startswith("ML_INTERN_")
        if ours or name.upper().endswith(("_BASE_URL", "_PROXY")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in FOLDERS:
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


@pytest.fixture(scope="session", autouse=True)
def connections_closed() -> Iterator[None]:
    """What the process would keep open to its end."""
    yield
    if exchange := sys.modules.get("ml_intern.tools.web.exchange"):
        exchange._client().close()


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a text with a file in `snapshots/`; with UPDATE_SNAPSHOTS=1 it writes the file."""

    def compare(name: str, text: str) -> None:
        path = SNAPSHOTS / name
        if os.environ.get("UPDATE_SNAPSHOTS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        known = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == known, f"{path} differs; UPDATE_SNAPSHOTS=1 accepts the new text"

    return compare
