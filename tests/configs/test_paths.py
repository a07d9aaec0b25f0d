"""Every place something is kept, and who may look."""

from __future__ import annotations

import json
import os
from pathlib import Path

import platformdirs
import pytest

from ml_intern.configs.errors import ConfigError
from ml_intern.configs.paths import PACKAGED_CONFIG, PROMPTS, Home, home, user_config


def test_the_home_is_made_private(tmp_path: Path) -> None:
    place = Home(tmp_path / "a" / "b")
    place.create()
    assert place.root.stat().st_mode & 0o777 == 0o700


def test_a_home_that_was_open_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Home(tmp_path).create()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file/sub: Not a directory.*Set ML_INTERN_HOME"):
        Home(tmp_path / "file" / "sub").create()


def test_w29_the_state_is_the_users_and_not_the_working_directorys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W29: logs lay in the project, and resuming depended on the directory."""
    place = home({}).root
    monkeypatch.chdir(tmp_path)
    assert home({}).root == place == platformdirs.user_state_path("ml-intern")
    assert place.is_absolute()


def test_the_home_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert home({"ML_INTERN_HOME": "/x"}).root == Path("/x")
    assert home({"ML_INTERN_HOME": "rel"}).root == tmp_path / "rel"
    assert home({"ML_INTERN_HOME": "~/y"}).root == Path(os.environ["HOME"]) / "y"
    assert home({"ML_INTERN_HOME": ""}).root == home({}).root


def test_what_is_in_the_home() -> None:
    assert Home(Path("/x")).database == Path("/x/sessions.sqlite")
    assert Home(Path("/x")).outputs("id").is_relative_to("/x")


def test_where_the_users_file_is() -> None:
    own = Path(os.environ["HOME"]) / ".config" / "ml-intern" / "config.json"
    assert user_config({}) == own
    assert user_config({"XDG_CONFIG_HOME": ""}) == own
    assert user_config({"XDG_CONFIG_HOME": "/x"}) == Path("/x/ml-intern/config.json")
    assert user_config({"ML_INTERN_CONFIG": "/y.json", "XDG_CONFIG_HOME": "/x"}) == Path("/y.json")


def test_what_is_packaged_exists() -> None:
    assert "model_name" in json.loads(PACKAGED_CONFIG.read_text())
    assert {path.stem for path in PROMPTS.glob("*.md")} >= {"system", "compaction"}


@pytest.mark.parametrize("name", ["../../x", "..", ".", "a/b", "", "x" * 300, "a\x00b", "é"])
def test_whatever_a_session_is_called_its_outputs_are_below_the_home(name: str) -> None:
    folder = Home(Path("/x")).outputs(name)
    assert folder.parent == Path("/x/outputs")
    assert len(folder.name) == 64
    assert Home(Path("/x")).outputs(name, shared=True).parent != folder.parent
