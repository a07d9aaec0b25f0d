"""Where a setting comes from, which source wins, and what is said when one is wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ml_intern.configs.errors import ConfigError, Exit
from ml_intern.configs.load import LOCAL_SERVERS, load_settings, read_layer
from ml_intern.configs.settings import Settings

Json = dict[str, Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path


def write(path: Path, content: Json | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def load(
    home: Path,
    *,
    user: Json | str | None = None,
    project: Json | str | None = None,
    config: Path | None = None,
    flags: Json | None = None,
    env: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of a user whose files and variables are these and no others."""
    if user is not None:
        write(home / "ml-intern" / "config.json", user)
    if project is not None:
        write(home / "project" / ".ml-intern" / "config.json", project)
    environ = {"XDG_CONFIG_HOME": str(home), **(env or {})}
    return load_settings(environ, home / "project", flags or {}, config)


def refusal(home: Path, **sources: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load(home, **sources)
    assert caught.value.exit is Exit.USAGE
    return str(caught.value)


def test_the_packaged_defaults_are_enough(home: Path) -> None:
    settings = load(home)
    assert settings.model_name.startswith("huggingface/")
    assert settings.max_iterations == 300
    assert settings.permission_mode is None
    assert settings.openai_base_url is None


def test_each_layer_wins_over_the_one_before(home: Path) -> None:
    user = {"model_name": "a/user", "max_retries": 1, "max_iterations": 20, "compact_at": 0.5}
    variables = {"ML_INTERN_MODEL_NAME": "a/variable", "ML_INTERN_MAX_ITERATIONS": "9"}
    flags = {"model_name": "a/flag", "max_iterations": None}
    settings = load(home, user=user, project={"max_iterations": 10}, flags=flags, env=variables)
    assert settings.model_name == "a/flag"
    assert settings.max_iterations == 9
    assert settings.max_retries == 1
    assert settings.compact_at == 0.5
    assert load(home).max_iterations == 10
    assert load(home, env=variables).model_name == "a/variable"


def test_another_file_takes_the_place_of_the_users(home: Path) -> None:
    other = write(home / "other.json", {"max_retries": 2})
    user = {"max_retries": 1, "compact_at": 0.5}
    assert load(home, user=user, config=other).max_retries == 2
    assert load(home, config=other).compact_at == 0.9
    assert load(home, env={"ML_INTERN_CONFIG": str(other)}).max_retries == 2


@pytest.mark.parametrize("way", ["flag", "variable"])
def test_a_file_that_was_named_must_exist(home: Path, way: str) -> None:
    gone = home / "gone.json"
    sources: Json = {"config": gone} if way == "flag" else {"env": {"ML_INTERN_CONFIG": str(gone)}}
    assert refusal(home, **sources) == f"The configuration file {gone} does not exist."


@pytest.mark.parametrize(
    ("value", "loaded"),
    [
        ("openai/${NAME}", "openai/gpt"),
        ("${NAME}/${NAME}", "gpt/gpt"),
        ("${NAME:-x}", "gpt"),
        ("a/${OTHER:-fallback}", "a/fallback"),
        ("a/${OTHER:-}b", "a/b"),
        ("a/${EMPTY}b", "a/b"),
        ("a/${EMPTY:-b}", "a/b"),
        ("a/${OTHER:-b:c/d}", "a/b:c/d"),
        ("a/$NAME", "a/$NAME"),
        ("a/{NAME}", "a/{NAME}"),
    ],
)
def test_variables_in_values(home: Path, value: str, loaded: str) -> None:
    assert (
        load(home, user={"model_name": value}, env={"NAME": "gpt", "EMPTY": ""}).model_name
        == loaded
    )


def test_variables_are_replaced_at_every_depth_but_once_and_not_in_keys(home: Path) -> None:
    servers = {"hub": {"args": ["--token", "${T}", {"${T}": "${T:-no}"}], "n": 1}}
    loaded = load(home, user={"mcpServers": servers}, env={"T": "${U}"}).mcpServers
    assert loaded == {"hub": {"args": ["--token", "${U}", {"${T}": "${U}"}], "n": 1}}


def test_a_variable_that_is_missing_is_named_with_its_file(home: Path) -> None:
    said = refusal(home, user={"mcpServers": {"hub": {"url": "${HUB_URL}"}}})
    assert str(home / "ml-intern" / "config.json") in said
    assert "${HUB_URL}, which is not set" in said
    assert "${HUB_URL:-}" in said


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("model", "Did you mean 'model_name'?"),
        ("max_iteration", "Did you mean 'max_iterations'?"),
        ("mcpservers", "Did you mean 'mcpServers'?"),
        ("zzz", ""),
    ],
)
@pytest.mark.parametrize("layer", ["user", "project"])
def test_an_unknown_key_is_named_with_the_nearest(
    home: Path, layer: str, key: str, hint: str
) -> None:
    said = refusal(home, **{layer: {key: "x"}})
    assert f"config.json: unknown key '{key}'." in said
    assert said.endswith(hint or f"'{key}'.")


BAD_FILES = [
    ("{", "is not valid JSON"),
    ("", "is not valid JSON"),
    ("[1]", "must hold a JSON object"),
    ("null", "must hold a JSON object"),
    ("[" * 100_000, "is not valid JSON"),
]


@pytest.mark.parametrize(("content", "said"), BAD_FILES, ids=range(len(BAD_FILES)))
@pytest.mark.parametrize("layer", ["user", "project"])
def test_a_broken_file_is_named(home: Path, layer: str, content: str, said: str) -> None:
    message = refusal(home, **{layer: content})
    assert "config.json" in message
    assert said in message


def test_a_byte_order_mark_is_no_error(home: Path) -> None:
    path = home / "config.json"
    path.write_bytes(b'\xef\xbb\xbf{"max_retries": 1}')
    assert load(home, config=path).max_retries == 1


def test_bytes_that_are_not_text_and_a_folder_are_named(home: Path) -> None:
    path = home / "config.json"
    path.write_bytes(b'{"model_name": "\xff"}')
    assert f"{path} is not valid JSON" in refusal(home, config=path)
    assert f"Cannot read {home}: Is a directory." in refusal(home, config=home)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_iterations", "many"),
        ("max_iterations", -2),
        ("max_iterations", 0),
        ("effort", "hard"),
        ("max_budget_usd", 0),
        ("max_budget_usd", "inf"),
        ("snapshot_file_mb", "inf"),
        ("request_timeout", "nan"),
        ("max_budget_usd", "nan"),
        ("compact_at", 1.5),
        ("context_window", 10),
        ("request_timeout", 0),
        ("permission_mode", "yes"),
        ("mcpServers", []),
        ("local_base_urls", "http://box:1"),
        ("model_name", None),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_its_source(
    home: Path, key: str, value: object
) -> None:
    said = refusal(home, user={key: value})
    assert f"{home / 'ml-intern' / 'config.json'}: '{key}': " in said


def test_the_modes_are_listed(home: Path) -> None:
    said = refusal(home, env={"ML_INTERN_PERMISSION_MODE": "root"})
    assert "Choices: default, accept-edits, plan, yolo." in said


def test_a_wrong_variable_is_not_blamed_on_a_file(home: Path) -> None:
    said = refusal(home, project={"max_iterations": 5}, env={"ML_INTERN_MAX_ITERATIONS": "many"})
    assert "ML_INTERN_MAX_ITERATIONS" in said
    assert "config.json" not in said


def test_the_users_own_mistake_is_not_blamed_on_the_project(home: Path) -> None:
    said = refusal(home, user={"permission_mode": "x"}, project={"max_iterations": 5})
    assert ".ml-intern" not in said


@pytest.mark.parametrize(
    ("own", "project", "effective"),
    [
        (None, "plan", "plan"),
        (None, "default", "default"),
        (None, "accept-edits", "default"),
        (None, "yolo", None),
        ("yolo", "accept-edits", "accept-edits"),
        ("accept-edits", "yolo", "accept-edits"),
        ("default", "accept-edits", "default"),
        ("default", "plan", "plan"),
        ("plan", "yolo", "plan"),
        ("plan", None, "plan"),
        (None, None, None),
    ],
)
def test_a_project_can_only_narrow_the_mode(
    home: Path, own: str | None, project: str | None, effective: str | None
) -> None:
    """Without a mode of the user's the terminal's is `default`: a clone must not widen that."""
    user = {"permission_mode": own} if own else {}
    narrowing = {"permission_mode": project} if project else {}
    assert load(home, user=user, project=narrowing).permission_mode == effective


@pytest.mark.parametrize(
    ("own", "project", "effective"),
    [(300, 10, 10), (300, 500, 300), (300, -1, 300), (-1, 10, 10), (-1, -1, -1), (5, 1, 1)],
)
def test_a_project_can_only_lower_the_limit(
    home: Path, own: int, project: int, effective: int
) -> None:
    settings = load(home, user={"max_iterations": own}, project={"max_iterations": project})
    assert settings.max_iterations == effective


@pytest.mark.parametrize(
    ("own", "project", "effective"),
    [(5, 1, 1), (1, 5, 1), (None, 2, 2), (3, None, 3), (None, None, None), ("5", 1, 1)],
)
def test_a_project_can_only_lower_the_budget(
    home: Path, own: float | str | None, project: float | None, effective: float | None
) -> None:
    settings = load(home, user={"max_budget_usd": own}, project={"max_budget_usd": project})
    assert settings.max_budget_usd == effective


@pytest.mark.parametrize(
    ("key", "value", "flag"),
    [
        ("max_iterations", 0, "--max-iterations"),
        ("max_iterations", -2, "--max-iterations"),
        ("max_budget_usd", 0, "--max-budget-usd"),
        ("max_budget_usd", -1, "--max-budget-usd"),
        ("model_name", 1, "--model"),
    ],
)
def test_a_wrong_flag_and_a_wrong_variable_are_called_by_their_names(
    home: Path, key: str, value: float, flag: str
) -> None:
    assert f"the flags: '{flag}': " in refusal(home, flags={key: value})
    if key != "model_name":
        variable = f"ML_INTERN_{key.upper()}"
        assert f"the environment: '{variable}': " in refusal(home, env={variable: str(value)})


def test_no_calls_at_all_is_refused_with_the_choices(home: Path) -> None:
    """0 used to make one call."""
    assert "at least 1, or -1 for no limit." in refusal(home, flags={"max_iterations": 0})
    assert load(home, flags={"max_iterations": -1}).max_iterations == -1


def test_the_efforts_are_listed(home: Path) -> None:
    said = refusal(home, env={"ML_INTERN_EFFORT": "hihg"})
    assert all(f"'{level}'" in said for level in ("off", "minimal", "high", "max"))


def test_the_users_own_hand_is_above_the_projects(home: Path) -> None:
    project = {"permission_mode": "plan", "max_iterations": 1}
    flags = {"permission_mode": "yolo", "max_iterations": 50}
    settings = load(home, project=project, flags=flags)
    assert (settings.permission_mode, settings.max_iterations) == ("yolo", 50)
    assert load(home, env={"ML_INTERN_PERMISSION_MODE": "default"}).permission_mode == "default"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_name", "evil/model"),
        ("openai_base_url", "http://evil"),
        ("hf_router_url", "http://evil"),
        ("local_base_urls", {"ollama": "http://evil"}),
        ("mcpServers", {"evil": {"command": "sh"}}),
        ("compact_at", 0.2),
        ("max_retries", 0),
    ],
)
def test_a_project_may_set_nothing_else(home: Path, key: str, value: object) -> None:
    said = refusal(home, project={key: value})
    assert f"a project may not set '{key}'" in said
    assert "ML_INTERN_*" in said


def test_a_wrong_value_of_the_project_is_blamed_on_it(home: Path) -> None:
    said = refusal(home, project={"max_iterations": "x"})
    assert said.startswith(f"{home / 'project' / '.ml-intern' / 'config.json'}: 'max_iterations'")


def test_a_secret_that_a_project_names_does_not_show_in_the_refusal(home: Path) -> None:
    project = {"permission_mode": "${HF_TOKEN}", "max_iterations": "${HF_TOKEN}"}
    assert "hf_secret" not in refusal(home, project=project, env={"HF_TOKEN": "hf_secret"})


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"ML_INTERN_OPENAI_BASE_URL": "http://a/v1"}, "http://a/v1"),
        ({"OPENAI_BASE_URL": "http://b/v1"}, "http://b/v1"),
        ({"OPENAI_BASE_URL": ""}, "http://file/v1"),
        ({}, "http://file/v1"),
    ],
)
def test_openai_base_url(home: Path, variables: dict[str, str], url: str) -> None:
    settings = load(home, user={"openai_base_url": "http://file/v1"}, env=variables)
    assert settings.openai_base_url == url


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://localhost:11434/v1"),
        ({"OLLAMA_BASE_URL": "http://box:1"}, "http://box:1/v1"),
        ({"OLLAMA_BASE_URL": "http://box:1/"}, "http://box:1/v1"),
        ({"OLLAMA_BASE_URL": "http://box:1/v1"}, "http://box:1/v1"),
        ({"OLLAMA_BASE_URL": "http://box:1/v1/"}, "http://box:1/v1"),
        ({"LOCAL_LLM_BASE_URL": "http://all"}, "http://all/v1"),
        ({"LOCAL_LLM_BASE_URL": "http://all", "OLLAMA_BASE_URL": "http://one"}, "http://one/v1"),
    ],
)
def test_a_local_server_has_its_address_with_v1(
    home: Path, variables: dict[str, str], url: str
) -> None:
    assert load(home, env=variables).local_base_urls["ollama"] == url


def test_every_local_server_has_an_address(home: Path) -> None:
    urls = load(home, env={"VLLM_BASE_URL": "http://gpu:8000"}).local_base_urls
    assert set(urls) == set(LOCAL_SERVERS)
    assert urls["vllm"] == "http://gpu:8000/v1"
    assert all(url.endswith("/v1") for url in urls.values())


def test_a_local_address_in_the_users_file_counts(home: Path) -> None:
    user = {"local_base_urls": {"vllm": "http://gpu:9", "ollama": "http://box:1/v1"}}
    urls = load(home, user=user, env={"OLLAMA_BASE_URL": "http://near:2"}).local_base_urls
    assert urls["vllm"] == "http://gpu:9/v1"
    assert urls["ollama"] == "http://near:2/v1"
    assert urls["llamacpp"] == "http://localhost:8080/v1"


def test_settings_are_frozen(home: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(home).max_iterations = 1


def test_a_layer_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert read_layer(tmp_path / "no.json", {}) == {}


def test_a_price_without_bounds_is_refused(home: Path) -> None:
    path = home / "config.json"
    path.write_text('{"prices": {"openai/m": {"input": 1, "output": Infinity}}}')
    assert "'prices.openai/m.output'" in refusal(home, config=path)


@pytest.mark.parametrize("where", ["deny", "ask"])
def test_a_project_gets_no_secret_into_its_rules(tmp_path: Path, where: str) -> None:
    """`deny read(${KEY}/../**)` forbade `read a.txt`, and told the model the rule with the key."""
    path = tmp_path / ".ml-intern" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({where: ["read(${OPENAI_API_KEY}/../**)"]}))
    environ = {"XDG_CONFIG_HOME": "/nowhere", "OPENAI_API_KEY": "sk-CaNaRy"}
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as caught:
        load_settings(environ, tmp_path, {})
    assert "CaNaRy" not in str(caught.value)


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_a_project_file_that_has_no_end_is_not_read(tmp_path: Path, kind: str) -> None:
    """A cloned link to /dev/zero filled the memory; a FIFO made every start wait."""
    path = tmp_path / ".ml-intern" / "config.json"
    path.parent.mkdir()
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="not a regular file"):
        load_settings({"XDG_CONFIG_HOME": "/nowhere"}, tmp_path, {})
