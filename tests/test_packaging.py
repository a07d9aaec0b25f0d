"""The folders at the top, the links under `src` and the wheel's mapping say the same thing.

A new top-level folder needs a link, a line in `only-include` and a line in `wheel.sources`.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
BUILD = PYPROJECT["tool"]["hatch"]["build"]
FOLDERS = {path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"}


def test_links_sources_and_folders_agree() -> None:
    links = {path.name: path for path in (ROOT / "src/ml_intern").iterdir() if path.is_symlink()}
    sources = {k: v for k, v in BUILD["targets"]["wheel"]["sources"].items() if k != "src"}
    assert set(links) == FOLDERS
    assert sources == {name: f"ml_intern/{name}" for name in FOLDERS}
    assert set(BUILD["only-include"]) >= FOLDERS
    assert all(link.resolve() == ROOT / name for name, link in links.items())


@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_no_folder_is_importable_by_its_bare_name(name: str) -> None:
    """A user's own `tools/` or `configs/` must neither shadow ours nor be shadowed."""
    probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is not None)"
    assert subprocess.run([sys.executable, "-c", probe], cwd="/").returncode == 0
    assert importlib.util.find_spec(f"ml_intern.{name}") is not None


def test_the_bare_names_are_banned() -> None:
    banned = PYPROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    assert set(banned) == FOLDERS


def test_the_wheel_is_complete(tmp_path: Path) -> None:
    """Built in the way that once came out empty: through the links, with exit status 0."""
    # The backend is asked directly: building in isolation would fetch it from the network.
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    names = set(zipfile.ZipFile(tmp_path / built.stdout.split()[-1]).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", *sorted(FOLDERS)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert tracked
    assert {f"ml_intern/{path}" for path in tracked} <= names
    assert {"ml_intern/__init__.py", "ml_intern/__main__.py", "ml_intern/py.typed"} <= names
    assert not {name.split("/")[0] for name in names} & FOLDERS
