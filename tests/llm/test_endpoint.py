"""From a model's id to where it is called and with which key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ml_intern.configs.errors import ConfigError, CredentialError, Exit
from ml_intern.configs.load import LOCAL_SERVERS, load_settings
from ml_intern.configs.secrets import KNOWN_CREDENTIALS
from ml_intern.configs.settings import Settings
from ml_intern.llm.endpoint import PROVIDER_KEYS, Endpoint, resolve


def settings(**environ: str) -> Settings:
    return load_settings({"XDG_CONFIG_HOME": "/nowhere", **environ}, Path("/nowhere"), {})


def place(name: str, keys: dict[str, str], **environ: str) -> tuple[str, str | None, str | None]:
    endpoint = resolve(name, settings(**environ), keys)
    assert endpoint.name == name
    return endpoint.model, endpoint.api_base, endpoint.api_key


NO_KEY = "sk-no-key-required"
ROUTER = "https://router.huggingface.co/v1"
ALL: dict[str, str] = {name: f"key of {name}" for name in KNOWN_CREDENTIALS}


@pytest.mark.parametrize(
    ("name", "model", "base", "key"),
    [
        ("anthropic/claude-opus-4-6", "anthropic/claude-opus-4-6", None, "ANTHROPIC_API_KEY"),
        ("openai/gpt-5", "openai/gpt-5", None, "OPENAI_API_KEY"),
        ("gemini/gemini-3-pro", "gemini/gemini-3-pro", None, "GEMINI_API_KEY"),
        ("openrouter/a/b:free", "openrouter/a/b:free", None, "OPENROUTER_API_KEY"),
        ("huggingface/org/m:novita", "openai/org/m:novita", ROUTER, "HF_TOKEN"),
        ("ollama/qwen3:8b", "openai/qwen3:8b", "http://localhost:11434/v1", "OLLAMA_API_KEY"),
        ("vllm/org/m", "openai/org/m", "http://localhost:8000/v1", "VLLM_API_KEY"),
        ("lm_studio/m", "openai/m", "http://127.0.0.1:1234/v1", "LMSTUDIO_API_KEY"),
        ("llamacpp/m", "openai/m", "http://localhost:8080/v1", "LLAMACPP_API_KEY"),
    ],
)
def test_each_kind_of_model(name: str, model: str, base: str | None, key: str) -> None:
    assert place(name, ALL) == (model, base, ALL[key])


def test_a_local_server_needs_no_key() -> None:
    assert place("ollama/qwen3", {})[2] == NO_KEY
    assert place("vllm/m", {"LOCAL_LLM_API_KEY": "k"})[2] == "k"
    assert place("vllm/m", {"LOCAL_LLM_API_KEY": "k", "VLLM_API_KEY": "own"})[2] == "own"


@pytest.mark.parametrize("name", LOCAL_SERVERS)
def test_no_other_key_goes_to_a_local_server(name: str) -> None:
    cloud = {k: v for k, v in ALL.items() if k.split("_")[0].lower() not in LOCAL_SERVERS}
    local = {"LOCAL_LLM_API_KEY", "LMSTUDIO_API_KEY"}
    keys = {k: v for k, v in cloud.items() if k not in local}
    assert place(f"{name}/m", keys)[2] == NO_KEY


def test_an_own_openai_endpoint_needs_no_key() -> None:
    own = {"OPENAI_BASE_URL": "http://box/v1"}
    assert place("openai/m", {}, **own) == ("openai/m", "http://box/v1", NO_KEY)
    assert place("openai/m", {"OPENAI_API_KEY": "k"}, **own)[2] == "k"
    assert place("anthropic/m", ALL, **own)[1] is None


@pytest.mark.parametrize(
    ("keys", "used"),
    [
        ({"HF_TOKEN": "a", "HUGGING_FACE_HUB_TOKEN": "b"}, "a"),
        ({"HUGGING_FACE_HUB_TOKEN": "b"}, "b"),
        ({"HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": "b"}, "b"),
    ],
)
def test_the_first_key_that_is_set_is_used(keys: dict[str, str], used: str) -> None:
    assert place("huggingface/org/m", keys)[2] == used


@pytest.mark.parametrize("provider", PROVIDER_KEYS)
def test_a_missing_key_is_named_with_the_ways_out(provider: str) -> None:
    with pytest.raises(CredentialError) as caught:
        resolve(f"{provider}/m", settings(), {"UNRELATED_API_KEY": "x"})
    said = str(caught.value)
    assert caught.value.exit is Exit.CREDENTIALS
    assert PROVIDER_KEYS[provider][0] in said
    assert ".env" in said
    assert "--model" in said
    assert "ml-intern demo" in said


def test_every_provider_key_may_be_in_a_dotenv() -> None:
    assert {key for keys in PROVIDER_KEYS.values() for key in keys} <= KNOWN_CREDENTIALS


@pytest.mark.parametrize(
    "name",
    [
        "",
        "no-such-thing",
        "openai/",
        "openai//",
        "/",
        "/gpt-5",
        "ollama/",
        "a/b c",
        "a/b\n",
        "a/\0",
        " a/b",
    ],
)
def test_what_is_no_model_id_is_said_to_be_none(name: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a model id\. Write provider/model") as caught:
        resolve(name, settings(), ALL)
    assert caught.value.exit is Exit.USAGE


@pytest.mark.parametrize(
    ("name", "meant"),
    [("gpt-5", "openai/gpt-5"), (" claude-opus-4-6", "anthropic/claude-opus-4-6")],
)
def test_a_model_without_its_provider_is_recognised(name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"is not a model id\. Did you mean {meant}\?"):
        resolve(name, settings(), ALL)


def test_a_provider_we_do_not_know_is_left_to_litellm() -> None:
    assert place("bedrock/m", {}) == ("bedrock/m", None, None)


def test_a_key_does_not_show_where_an_endpoint_is_printed() -> None:
    endpoint = Endpoint(name="a/b", model="a/b", api_key="sk-secret")
    things: list[Any] = [endpoint, [endpoint], {"x": endpoint}]
    assert all("sk-secret" not in f"{thing!r} {thing}" for thing in things)


@pytest.mark.parametrize("key", ["hf_x\n", " hf_x ", "hf_x\r\n"])
def test_space_around_a_key_is_not_part_of_it(key: str) -> None:
    assert place("huggingface/org/m", {"HF_TOKEN": key})[2] == "hf_x"


@pytest.mark.parametrize("key", ["sk-secret\nX", "sk-secrét", "“sk-secret”", "sk-\x00secret"])
@pytest.mark.parametrize("own", [{}, {"OPENAI_BASE_URL": "http://box/v1"}])
def test_a_key_that_no_header_can_carry_is_named_and_not_shown(
    key: str, own: dict[str, str]
) -> None:
    """The error about the header showed it, after four retries."""
    with pytest.raises(ConfigError, match="OPENAI_API_KEY holds a character") as caught:
        place("openai/m", {"OPENAI_API_KEY": key}, **own)
    assert "secr" not in str(caught.value)
