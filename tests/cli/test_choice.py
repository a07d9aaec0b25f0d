"""Which model a command takes when none is named, and that it says so."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from emulators.openai_server import ModelServer, text
from process import COMMAND, Ended, environment, workdir

LISTED = [{"id": "text-embedding", "object": "model"}, {"id": "served", "object": "model"}]
MADE_FOR_A_KEY = ("ML_INTERN_MODEL_NAME", "OPENAI_API_KEY", "OPENAI_BASE_URL")


def run(root: Path, *words: str, **variables: str) -> Ended:
    """The command where no model is named, with these variables."""
    env = {k: v for k, v in environment(root).items() if k not in MADE_FOR_A_KEY}
    env |= {"LOCAL_LLM_BASE_URL": "http://127.0.0.1:9", **variables}
    done = subprocess.run(
        [COMMAND, *words], cwd=workdir(root), env=env, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def test_a_running_server_is_used_without_a_key_and_it_is_said(tmp_path: Path) -> None:
    with ModelServer([text("One."), text("Two.")], models=LISTED) as server:
        ended = run(tmp_path, "go", OPENAI_BASE_URL=server.base_url)
        assert (ended.code, ended.out) == (0, "One.\n")
        assert "so openai/served is used. Another: --model" in ended.err
        words = ("go", "--output-format", "stream-json")
        ready, notice, *_ = run(tmp_path, *words, OPENAI_BASE_URL=server.base_url).lines
        assert (ready["type"], ready["model"]) == ("ready", "openai/served")
        assert (notice["type"], "openai/served" in notice["message"]) == ("notice", True)


def test_a_session_keeps_its_own(tmp_path: Path) -> None:
    with ModelServer([text("One."), text("Two.")], models=LISTED) as server:
        run(tmp_path, "go", OPENAI_BASE_URL=server.base_url)
        keys = {"ANTHROPIC_API_KEY": "x", "HF_TOKEN": "x"}
        ended = run(tmp_path, "-c", "go", OPENAI_BASE_URL=server.base_url, **keys)
        assert (ended.code, ended.out) == (0, "Two.\n")
        assert "is used" not in ended.err
        assert [body["model"] for body in server.bodies if body] == ["served"] * 2


def test_with_nothing_at_hand_the_ways_are_named(tmp_path: Path) -> None:
    ended = run(tmp_path, "go")
    assert ended.code == 3
    assert "no key is set, and no server has one" in ended.err
    assert "HF_TOKEN" in ended.err
    assert "ml-intern demo" in ended.err
    told = run(tmp_path, "go", "--output-format", "json")
    assert (told.code, told.json["exit_code"], told.json["status"]) == (3, 3, "failed")


@pytest.mark.parametrize("how", ["variable", "file", "flag"])
def test_a_model_that_was_named_is_not_replaced(tmp_path: Path, how: str) -> None:
    name, words, variables = "mistral/mistral-large-latest", ["go"], {"ANTHROPIC_API_KEY": "x"}
    if how == "variable":
        variables["ML_INTERN_MODEL_NAME"] = name
    elif how == "file":
        (tmp_path / "own.json").write_text(json.dumps({"model_name": name}))
        variables["ML_INTERN_CONFIG"] = str(tmp_path / "own.json")
    else:
        words += ["--model", name]
    ended = run(tmp_path, *words, **variables)
    assert ended.code == 3
    assert "MISTRAL_API_KEY" in ended.err


def test_a_model_whose_name_is_no_id_is_passed_over(tmp_path: Path) -> None:
    listed = [{"id": "my model"}, {"id": ""}, {"id": "x\x1b[31m"}, {"id": "served"}]
    with ModelServer([text("One.")], models=listed) as server:
        ended = run(tmp_path, "go", OPENAI_BASE_URL=server.base_url)
        assert (ended.code, ended.out) == (0, "One.\n")
