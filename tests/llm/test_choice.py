"""The model where the user named none."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from emulators.json_server import JsonServer
from emulators.local import LlamaCpp, LmStudio, Ollama, Vllm
from ml_intern.configs.errors import CredentialError, Exit
from ml_intern.configs.load import LOCAL_SERVERS, load_settings
from ml_intern.configs.settings import Settings
from ml_intern.llm import catalog
from ml_intern.llm import choice as choice_module
from ml_intern.llm.choice import DEFAULTS, Choice, choose
from ml_intern.llm.endpoint import PROVIDER_KEYS

NOWHERE = "http://127.0.0.1:9"
NOT_IN_THE_CATALOGUE = {"huggingface", "openrouter"}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not look like a server that is not there."""
    monkeypatch.setattr(choice_module, "_WAIT", 20.0)


def settings(**servers: JsonServer) -> Settings:
    """The defaults, with these servers and no others."""
    variables = {variable: NOWHERE for variable, _ in LOCAL_SERVERS.values()}
    variables |= {name: server.root for name, server in servers.items()}
    if own := servers.get("OPENAI_BASE_URL"):
        variables["OPENAI_BASE_URL"] = own.base_url
    return load_settings({"XDG_CONFIG_HOME": "/nowhere", **variables}, Path("/nowhere"), {})


async def test_the_configured_model_if_it_has_its_key() -> None:
    keys = {"HF_TOKEN": "x", "ANTHROPIC_API_KEY": "x"}
    assert await choose(settings(), keys) == Choice(model=settings().model_name)


@pytest.mark.parametrize("provider", [name for name in DEFAULTS if name != "huggingface"])
async def test_else_what_a_key_allows(provider: str) -> None:
    for variable in PROVIDER_KEYS[provider]:
        choice = await choose(settings(), {variable: "x"})
        assert choice.model == DEFAULTS[provider]
        assert f"{variable} is set, so {choice.model} is used" in choice.reason
        assert settings().model_name in choice.reason


async def test_of_several_keys_the_first_in_a_fixed_order() -> None:
    keys = {"XAI_API_KEY": "x", "OPENAI_API_KEY": "x", "GEMINI_API_KEY": "x"}
    assert (await choose(settings(), keys)).model == DEFAULTS["openai"]


async def test_no_server_is_asked_where_a_key_decides() -> None:
    with Ollama() as server:
        await choose(settings(OLLAMA_BASE_URL=server), {"XAI_API_KEY": "x"})
        assert server.ledger == []


async def test_else_a_running_local_server() -> None:
    with Vllm("org/m") as server:
        choice = await choose(settings(VLLM_BASE_URL=server), {})
        assert choice.model == "vllm/org/m"
        assert f"a server at {server.base_url} is running" in choice.reason


async def test_of_several_servers_the_first_in_a_fixed_order() -> None:
    servers = {"LLAMACPP_BASE_URL": LlamaCpp("c"), "LMSTUDIO_BASE_URL": LmStudio("l"),
               "OLLAMA_BASE_URL": Ollama("o:1b")}  # fmt: skip
    with ExitStack() as stack:
        for server in servers.values():
            stack.enter_context(server)
        assert (await choose(settings(**servers), {})).model == "ollama/o:1b"


async def test_a_server_without_a_chat_model_is_passed_over() -> None:
    with LmStudio("text-embedding-nomic") as first, LlamaCpp("c") as second:
        choice = await choose(settings(LMSTUDIO_BASE_URL=first, LLAMACPP_BASE_URL=second), {})
        assert choice.model == "llamacpp/c"
        first.names = ("text-embedding-nomic", "qwen3")
        choice = await choose(settings(LMSTUDIO_BASE_URL=first, LLAMACPP_BASE_URL=second), {})
        assert choice.model == "lm_studio/qwen3"


async def test_one_address_for_all_is_what_it_says_it_is() -> None:
    with Vllm("org/m") as server:
        one = dict.fromkeys((variable for variable, _ in LOCAL_SERVERS.values()), server)
        assert (await choose(settings(**one), {})).model == "vllm/org/m"


@pytest.mark.parametrize(
    ("served", "model"),
    [(["some/model"], "openai/some/model"), (["x", DEFAULTS["openai"][7:]], DEFAULTS["openai"])],
)
@pytest.mark.parametrize("keys", [{}, {"OPENAI_API_KEY": "x"}])
async def test_an_own_endpoint_is_asked_what_it_serves(
    keys: dict[str, str], served: list[str], model: str
) -> None:
    with LmStudio(*served) as own:
        assert (await choose(settings(OPENAI_BASE_URL=own), keys)).model == model


async def test_else_the_ways_to_a_model_are_named() -> None:
    with pytest.raises(CredentialError) as caught:
        await choose(settings(), {})
    assert caught.value.exit is Exit.CREDENTIALS
    for way in ("HF_TOKEN", "ANTHROPIC_API_KEY", ".env", "ollama", "--model", "ml-intern demo"):
        assert way in str(caught.value)


def test_every_provider_with_a_key_has_a_model() -> None:
    assert DEFAULTS.keys() == PROVIDER_KEYS.keys()
    assert all(name.partition("/")[0] == provider for provider, name in DEFAULTS.items())


@pytest.mark.parametrize("provider", sorted(DEFAULTS.keys() - NOT_IN_THE_CATALOGUE))
def test_the_models_exist_and_can_do_the_work(provider: str) -> None:
    name = DEFAULTS[provider]
    known = catalog.facts(name)
    assert known.tools is True
    assert (known.window or 0) >= 100_000
    assert known.price is not None
    assert known.price.output > 0
    assert "deprecation_date" not in catalog.entry(name)
    catalog.check(name)
