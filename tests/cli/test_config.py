"""`ml-intern config`: each value with where it is from, and nothing secret; real processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ml_intern.configs.settings import Settings
from process import Ended, run, workdir

CANARY = "CaNaRy123456"


def user_file(root: Path, values: dict[str, Any] | str) -> Path:
    path = root / ".config" / "ml-intern" / "config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return path


def project_file(root: Path, values: dict[str, Any]) -> Path:
    path = workdir(root) / ".ml-intern" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values))
    return path


def config(root: Path, *words: str, **env: str) -> Ended:
    return run(root, "config", *words, env=env)


def origins(root: Path, *words: str, **env: str) -> dict[str, tuple[Any, str]]:
    ended = config(root, "--output-format", "json", *words, **env)
    assert ended.code == 0, ended.err
    return {one["key"]: (one["value"], one["origin"]) for one in ended.json["settings"]}


def test_every_setting_has_an_origin(tmp_path: Path) -> None:
    found = origins(tmp_path)
    local = {key for key in found if key.startswith("local_base_urls.")}
    assert found.keys() - local == set(Settings.model_fields) - {"local_base_urls"}
    assert len(local) == 4
    assert found["undo_turns"] == (20, "default")
    assert found["max_retries"] == (4, "packaged")


def test_the_source_that_wins_is_named(tmp_path: Path) -> None:
    user = user_file(tmp_path, {
        "model_name": "a/user", "max_retries": 1, "max_iterations": 20, "max_budget_usd": 5,
        "local_base_urls": {"vllm": "http://file:1"}, "deny": ["bash(rm *)"],
    })  # fmt: skip
    project = project_file(tmp_path, {"max_iterations": 9, "max_budget_usd": 7, "deny": ["write"]})
    found = origins(
        tmp_path, "--model", "a/flag", "--deny", "edit",
        ML_INTERN_COMPACT_AT="0.5", OLLAMA_BASE_URL="http://o:1", HF_ENDPOINT="http://hub",
        ML_INTERN_HF_ENDPOINT="http://other",
    )  # fmt: skip
    assert found["model_name"] == ("a/flag", "--model")
    assert found["max_retries"] == (1, str(user))
    assert found["max_iterations"] == (9, str(project))
    assert found["max_budget_usd"] == (5, str(user))  # the project would loosen it
    assert found["compact_at"] == (0.5, "ML_INTERN_COMPACT_AT")
    assert found["hf_endpoint"] == ("http://hub", "HF_ENDPOINT")
    assert found["openai_base_url"][1] == "OPENAI_BASE_URL"
    assert found["local_base_urls.ollama"] == ("http://o:1/v1", "OLLAMA_BASE_URL")
    assert found["local_base_urls.vllm"] == ("http://file:1/v1", str(user))
    assert found["deny"] == ("edit", "--deny")  # the last of three
    text = config(tmp_path, "--deny", "edit").out
    for rule, origin in (("bash(rm *)", user), ("write", project), ("edit", "--deny")):
        assert any(rule in line and str(origin) in line for line in text.splitlines())


def test_what_is_shown_is_what_a_run_takes(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"max_retries": 7}')
    user_file(tmp_path, {"max_retries": 1})
    assert origins(tmp_path, "--config", str(other))["max_retries"] == (7, str(other))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project_file(tmp_path, {"max_iterations": 9})
    assert origins(tmp_path)["max_iterations"][0] == 9
    assert origins(tmp_path, "--cwd", str(elsewhere))["max_iterations"][0] == 300


def test_no_secret_is_shown(tmp_path: Path) -> None:
    user_file(tmp_path, {
        "database_url": "postgresql://me:${DB_PASSWORD}@db/x",
        "mcpServers": {"a": {"command": "x", "args": ["${A_TOKEN}", "--key", f"k{CANARY}"],
                             "env": {"PLAIN": f"e{CANARY}"}, "url": "${PLAIN_URL}"}},
    })  # fmt: skip
    (workdir(tmp_path) / ".env").write_text(f"GROQ_API_KEY=g{CANARY}\nOTHER=o{CANARY}\n")
    token = tmp_path / ".cache" / "huggingface" / "token"
    token.parent.mkdir(parents=True)
    token.write_text(f"hf_{CANARY}")
    env = {
        "DB_PASSWORD": f"d{CANARY}", "A_TOKEN": f"a{CANARY}", "PLAIN_URL": "http://plain",
        "ANTHROPIC_API_KEY": f"n{CANARY}", "OPENAI_BASE_URL": f"http://u:p{CANARY}@h/v1",
    }  # fmt: skip
    for form in ("text", "json"):
        ended = config(tmp_path, "--output-format", form, **env)
        assert ended.code == 0, ended.err
        assert CANARY not in ended.out + ended.err
        assert "http://plain" in ended.out
    found = config(tmp_path, "--output-format", "json", **env).json["credentials"]
    assert {one["name"]: one["origin"] for one in found} == {
        "ANTHROPIC_API_KEY": "environment",
        "OPENAI_API_KEY": "environment",
        "GROQ_API_KEY": str(workdir(tmp_path) / ".env"),
        "HF_TOKEN": str(token),
    }
    assert all(one.keys() == {"name", "origin"} for one in found)


def test_the_files_that_were_looked_for(tmp_path: Path) -> None:
    user = user_file(tmp_path, {})
    (workdir(tmp_path) / "AGENTS.md").write_text("Use uv.")
    found = config(tmp_path, "--output-format", "json").json
    files = {one["what"]: (one["path"], one["exists"]) for one in found["files"]}
    assert files["user"] == (str(user), True)
    assert files["project"] == (str(workdir(tmp_path) / ".ml-intern" / "config.json"), False)
    assert files[".env"][1] is False
    assert found["instructions"] == [
        {"level": "project", "path": str(workdir(tmp_path) / "AGENTS.md"), "bytes": 7}
    ]
    assert "not there" in config(tmp_path).out


@pytest.mark.parametrize(
    ("content", "said"),
    [('{"max_retrys": 1}', "Did you mean 'max_retries'?"), ("{", "is not valid JSON"),
     ('{"max_retries": "x"}', "max_retries"), ('{"model_name": "${GONE}"}', "GONE")],
)  # fmt: skip
def test_a_broken_file_is_said_as_a_run_says_it(tmp_path: Path, content: str, said: str) -> None:
    user_file(tmp_path, content)
    ended = config(tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert run(tmp_path, "go").err.strip() == ended.err.strip()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    ended = config(tmp_path, "--cwd", "gone")
    assert (ended.code, "there is no such folder" in ended.err) == (2, True)


def test_nothing_a_terminal_acts_on(tmp_path: Path) -> None:
    user_file(tmp_path, {"model_name": "a/\x1b]0;x\x07b"})
    assert "\x1b" not in config(tmp_path).out
