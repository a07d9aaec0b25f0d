"""What servers on the user's own machine say of a model."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from emulators.json_server import JsonServer
from emulators.local import LlamaCpp, LmStudio, Ollama, Vllm
from ml_intern.configs.errors import ConfigError, Exit
from ml_intern.configs.settings import Settings
from ml_intern.llm import local
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.facts import FREE, Facts


async def facts(server: JsonServer, name: str, **settings: Any) -> Facts:
    endpoint = Endpoint(name=name, model="-", api_base=server.base_url, api_key="sk-x")
    return await local.facts(endpoint, Settings(model_name=name, **settings))


async def refusal(server: JsonServer, name: str) -> str:
    with pytest.raises(ConfigError) as caught:
        await facts(server, name)
    assert caught.value.exit is Exit.USAGE
    return str(caught.value)


async def test_w4_ollama_a_loaded_model_has_the_window_it_was_given() -> None:
    """W4: the window was guessed, and ollama drops what is over it without a word."""
    with Ollama("qwen3:8b") as server:
        server.loaded = {"qwen3:8b"}
        known = await facts(server, "ollama/qwen3:8b")
        assert known == Facts(window=32_768, tools=True, price=FREE)
        assert "POST /api/generate" not in server.lines
        assert {asked.key for asked in server.ledger} == {"Bearer sk-x"}


async def test_ollama_another_model_is_loaded_to_know_its_window() -> None:
    with Ollama("qwen3:latest", "other:1b", window=8192) as server:
        server.loaded = {"other:1b"}
        assert (await facts(server, "ollama/qwen3")).window == 8192
        (load,) = (asked.body for asked in server.ledger if asked.line == "POST /api/generate")
        assert load == {"model": "qwen3", "stream": False}


@pytest.mark.parametrize(
    ("parameters", "window"),
    [
        ("temperature 0.6\nnum_ctx                        16384\n", 16_384),
        ('stop "<|im_end|>"\nnum_ctx many', 131_072),
        ("", 131_072),
    ],
)
async def test_ollama_a_model_that_does_not_load_has_the_window_of_its_file(
    parameters: str, window: int
) -> None:
    with Ollama() as server:
        server.can_load, server.parameters = False, parameters
        assert (await facts(server, "ollama/qwen3:8b")).window == window


async def test_ollama_a_model_without_tools_is_refused_and_not_loaded() -> None:
    with Ollama() as server:
        server.capabilities = ["completion"]
        assert "cannot call tools" in await refusal(server, "ollama/qwen3:8b")
        assert "POST /api/generate" not in server.lines


async def test_ollama_of_old_does_not_say_what_a_model_can() -> None:
    with Ollama() as server:
        server.capabilities = None
        assert (await facts(server, "ollama/qwen3:8b")).tools is None


async def test_vllm() -> None:
    with Vllm("org/m", "adapter") as server:
        assert await facts(server, "vllm/org/m") == Facts(window=40_960, price=FREE)
        assert (await facts(server, "vllm/adapter")).window == 40_960
    with Vllm("org/m", window=None) as server:
        assert (await facts(server, "vllm/org/m")).window is None


async def test_lm_studio_a_loaded_model_has_the_window_it_was_given() -> None:
    with LmStudio(loaded=True) as server:
        known = await facts(server, "lm_studio/qwen/qwen3-8b")
        assert known == Facts(window=16_384, price=FREE)
        assert "POST /v1/completions" not in server.lines


async def test_lm_studio_another_model_is_loaded_to_know_its_window() -> None:
    with LmStudio() as server:
        assert (await facts(server, "lm_studio/qwen/qwen3-8b")).window == 16_384
    with LmStudio(just_in_time=False) as server:
        assert (await facts(server, "lm_studio/qwen/qwen3-8b")).window == 65_536


async def test_llamacpp_serves_its_one_model_under_any_name() -> None:
    with LlamaCpp() as server:
        assert await facts(server, "llamacpp/m") == Facts(window=24_576, price=FREE)
    with LlamaCpp(window=None) as server:
        assert (await facts(server, "llamacpp/m")).window == 40_960
    with LlamaCpp("a", "b") as server:
        assert "It has: a, b." in await refusal(server, "llamacpp/m")


@pytest.mark.parametrize(
    ("make", "name", "told"),
    [
        (lambda: Ollama("llama3:8b", "qwen3:8b"), "ollama/qwen3:4b",
         ["It has: qwen3:8b, llama3:8b.", "ollama pull qwen3:4b"]),
        (lambda: Vllm("org/m"), "vllm/m", ["has no such model. It has: org/m."]),
        (lambda: LmStudio(*(f"m{n}" for n in range(20))), "lm_studio/zzz", ["m7, …."]),
    ],
    ids=["ollama", "vllm", "lm_studio"],
)  # fmt: skip
async def test_a_model_it_does_not_have_is_refused_with_those_it_has(
    make: Callable[[], JsonServer], name: str, told: list[str]
) -> None:
    with make() as server:
        said = await refusal(server, name)
        assert said.startswith(f"{name}: the server at {server.base_url} has no such model.")
        for words in told:
            assert words in said


@pytest.mark.parametrize("provider", ["ollama", "vllm", "lm_studio", "llamacpp"])
async def test_nobody_there_is_left_to_the_call(provider: str) -> None:
    endpoint = Endpoint(name=f"{provider}/m", model="-", api_base="http://127.0.0.1:9/v1")
    assert await local.facts(endpoint, Settings(model_name="x/y")) == Facts(price=FREE)


class Odd(JsonServer):
    """Lists a model, and answers everything else with what it is given."""

    def __init__(self, other: Any) -> None:
        super().__init__()
        self.other = other

    def answer(self, line: str, body: Any) -> tuple[int, Any]:
        if line == "GET /v1/models":
            return 200, {"data": [{"id": "m", "max_model_len": "x", "meta": 7}, {"id": 7}, None]}
        return 200, self.other


@pytest.mark.parametrize("provider", ["ollama", "vllm", "lm_studio", "llamacpp"])
@pytest.mark.parametrize(
    "odd",
    [
        b"<html>",
        b"",
        [],
        None,
        "x",
        {},
        {"models": "x", "model_info": "x", "parameters": 7, "capabilities": "x",
         "default_generation_settings": 7, "loaded_context_length": "x", "state": 7},
        {"models": [7, {"model": "m", "context_length": True}],
         "model_info": {"a.context_length": 0},
         "default_generation_settings": {"n_ctx": 0}, "loaded_context_length": -1},
    ],
)  # fmt: skip
async def test_what_is_odd_is_not_known(provider: str, odd: Any) -> None:
    with Odd(odd) as server:
        known = await facts(server, f"{provider}/m")
    assert (known.window, known.price) == (None, FREE)


async def test_a_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_WAIT", 0.3)
    with Ollama() as server:
        server.delay = 60
        began = time.monotonic()
        assert await facts(server, "ollama/qwen3:8b") == Facts(price=FREE)
        assert time.monotonic() - began < 10


async def test_loading_may_take_as_long_as_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_WAIT", 30.0)
    with Ollama() as server:
        began = time.monotonic()

        def slow(line: str, body: Any) -> tuple[int, Any]:
            server.delay = 60 if line == "GET /api/ps" and not server.loaded else 0
            return Ollama.answer(server, line, body)

        server.answer = slow  # type: ignore[method-assign]
        known = await facts(server, "ollama/qwen3:8b", request_timeout=0.5)
        assert known.window == 131_072
        assert time.monotonic() - began < 20
