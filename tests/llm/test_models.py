"""From an id to a model that is fit for the work: what is known of it, and from whom."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from emulators.local import Ollama, Vllm
from emulators.openai_server import ModelServer
from emulators.router import RouterServer, model, offer
from emulators.script import Step
from ml_intern.configs.errors import CredentialError, Exit, MlInternError
from ml_intern.configs.load import load_settings
from ml_intern.configs.settings import PriceSetting
from ml_intern.llm.ask import Asking, ask
from ml_intern.llm.catalog import UNKNOWN_WINDOW
from ml_intern.llm.facts import FREE, Price
from ml_intern.llm.models import Models, set_by_hand
from ml_intern.llm.usage import usage_event

KEYS = {"HF_TOKEN": "hf_x", "OPENAI_API_KEY": "sk-x"}
TOOL = {"type": "function", "function": {"name": "bash", "description": "d " * 500,
        "parameters": {"type": "object", "properties": {}}}}  # fmt: skip
KIMI = "huggingface/moonshotai/Kimi-K2.6:novita"
OFFERED = Price(input=0.6, output=2.5)


@asynccontextmanager
async def models(
    url: str = "http://127.0.0.1:9/v1",
    *,
    cache: Path | None = None,
    prompt: str = "Be brief.",
    keys: dict[str, str] = KEYS,
    **settings: Any,
) -> AsyncIterator[Models]:
    """Models whose servers, all of them, are at `url`."""
    environ = {"XDG_CONFIG_HOME": "/nowhere", "LOCAL_LLM_BASE_URL": url}
    flags = {"model_name": KIMI, "hf_router_url": url, "max_retries": 0, **settings}
    loaded = load_settings(environ, Path("/nowhere"), flags)
    made = Models(loaded, keys, [TOOL], prompt=lambda: prompt, cache=cache)
    try:
        yield made
    finally:
        await made.close()
        if litellm := sys.modules.get("litellm"):
            litellm.in_memory_llm_clients_cache.flush_cache()


def kimi(**offered: Any) -> RouterServer:
    return RouterServer(model("moonshotai/Kimi-K2.6", offer("novita", **offered)))


async def refusal(source: Models, name: str) -> str:
    with pytest.raises(MlInternError) as caught:
        await source(name)
    assert caught.value.exit is Exit.USAGE
    return str(caught.value)


async def test_w4_w37_a_model_of_the_router_has_its_window_and_price() -> None:
    with kimi() as server:
        async with models(server.base_url) as source:
            made = await source(None)
            assert (made.name, made.window, made.price) == (KIMI, 262_144, OFFERED)


async def test_what_the_user_set_goes_before_the_router() -> None:
    prices = {KIMI: {"input": 7, "output": 8, "cache_read": 1}}
    with kimi() as server:
        async with models(server.base_url, prices=prices, context_window=50_000) as source:
            made = await source(None)
            assert made.window == 50_000
            assert made.price == Price(input=7, output=8, cache_read=1)


async def test_what_nobody_knows_stays_unknown() -> None:
    with kimi(price=None, window=None) as server:
        async with models(server.base_url) as source:
            made = await source(None)
            assert (made.window, made.price, made.max_output) == (UNKNOWN_WINDOW, None, None)


async def test_the_catalogue_knows_the_rest() -> None:
    async with models() as source:
        made = await source("openai/gpt-4o")
        assert (made.window, made.max_output) == (128_000, 16_384)
        assert made.price == Price(input=2.5, output=10, cache_read=1.25)


async def test_a_local_model_is_free_and_not_the_one_of_that_name_that_is_sold() -> None:
    async with models() as source:
        made = await source("vllm/gpt-4o")
        assert (made.price, made.window, made.max_output) == (FREE, UNKNOWN_WINDOW, None)
    async with models(prices={"vllm/m": {"input": 1, "output": 2}}) as source:
        assert (await source("vllm/m")).price == Price(input=1, output=2)
    with Ollama() as server:
        async with models(server.base_url) as source:
            assert (await source("ollama/qwen3:8b")).window == 32_768


async def test_the_window_that_is_set_is_not_that_of_other_models() -> None:
    others: dict[str, Any] = {
        "fallback_models": ["openai/gpt-4o", KIMI],
        "compaction_model": "openai/gpt-4.1",
    }
    with kimi() as server:
        async with models(server.base_url, context_window=50_000, **others) as source:
            assert (await source("openai/gpt-4o")).window == 128_000
            assert (await source("openai/gpt-4.1")).window > 1_000_000
            assert (await source(KIMI)).window == 50_000
            assert (await source("openai/gpt-4o-mini")).window == 50_000


def test_prices_are_by_the_whole_id() -> None:
    settings = load_settings({"XDG_CONFIG_HOME": "/nowhere"}, Path("/nowhere"), {})
    priced = settings.model_copy(update={"prices": {"a/b": PriceSetting(input=1, output=2)}})
    assert set_by_hand("a/b", priced).price == Price(input=1, output=2)
    assert set_by_hand("a/b:c", priced).price is None


async def test_a_model_is_made_once_for_all_who_ask() -> None:
    with kimi() as server:
        async with models(server.base_url) as source:
            first, *others = await asyncio.gather(*(source(KIMI) for _ in range(5)))
            assert all(made is first for made in [*others, await source(None)])
            assert len(server.ledger) == 1


async def test_who_stops_waiting_does_not_stop_it_for_others() -> None:
    with kimi() as server:
        server.delay = 0.3
        async with models(server.base_url) as source:
            impatient = asyncio.create_task(source(KIMI))
            patient = asyncio.create_task(source(KIMI))
            await asyncio.sleep(0.1)
            impatient.cancel()
            assert (await patient).window == 262_144
            assert impatient.cancelled()
            assert len(server.ledger) == 1


async def test_after_a_refusal_it_is_tried_again() -> None:
    with Vllm("org/m") as server:
        async with models(server.base_url) as source:
            assert "It has: org/m." in await refusal(source, "vllm/org/n")
            server.listed["data"][0]["id"] = "org/n"
            assert (await source("vllm/org/n")).window == 40_960


async def test_the_router_is_asked_once_an_hour(tmp_path: Path) -> None:
    with kimi() as server:
        for _ in range(3):
            async with models(server.base_url, cache=tmp_path) as source:
                await source(None)
        assert len(server.ledger) == 1


async def test_it_can_be_closed_while_a_model_is_being_made() -> None:
    with kimi() as server:
        server.delay = 30
        async with models(server.base_url) as source:
            waiting = asyncio.create_task(source(KIMI))
            await asyncio.sleep(0.1)
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_window_that_holds_no_conversation_is_refused_with_the_figures() -> None:
    with Ollama(window=4096) as server:
        async with models(server.base_url, prompt="word " * 1500) as source:
            said = await refusal(source, "ollama/qwen3:8b")
    assert "a window of 4,096 tokens, of which 3,686 are used (compact_at)" in said
    assert "a conversation needs 2,000" in said
    assert "OLLAMA_CONTEXT_LENGTH=32768 ollama serve" in said
    (overhead,) = re.findall(r"instructions and tools take (\d,\d+)", said)
    assert 2000 < int(overhead.replace(",", "")) < 2200


@pytest.mark.parametrize(("window", "fits"), [(6000, True), (4000, False)])
async def test_the_reserve_is_the_least_a_conversation_needs(window: int, fits: bool) -> None:
    async with models(context_window=window, prompt="word " * 1500, compact_at=0.75) as source:
        if fits:
            assert (await source("openai/gpt-4o")).window == window
        else:
            assert "a larger one" in await refusal(source, "openai/gpt-4o")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("openai/text-embedding-3-small", "listed as a model for embedding"),
        ("nosuch/model", "no provider is called 'nosuch'"),
        ("moonshotai/Kimi-K2.6", "is called huggingface/moonshotai/Kimi-K2.6"),
        ("gpt-5", "Did you mean openai/gpt-5?"),
        ("antropic/claude-opus-4-6", "Did you mean anthropic"),
        (KIMI.replace("2.6", "2.7"), "no such model. Did you mean huggingface/moonshotai/Kimi-K2"),
        (KIMI.replace("novita", "nvita"), "'nvita' does not serve it"),
    ],
)
async def test_what_cannot_work_is_refused_before_the_first_call(name: str, told: str) -> None:
    with kimi() as server:
        async with models(server.base_url) as source:
            assert told in await refusal(source, name)


async def test_a_missing_key_is_said_at_once() -> None:
    async with models(keys={}) as source:
        with pytest.raises(CredentialError, match="HF_TOKEN"):
            await source(None)


async def test_a_model_of_the_router_is_called_and_what_it_cost_is_known() -> None:
    """The catalogue and the calls of one server, with one key."""
    listed = [model("moonshotai/Kimi-K2.6", offer("novita"))]
    step = Step(content="Done.", usage=(1000, 100, 0))
    with ModelServer([step], api_key="hf_x", models=listed) as server:
        async with models(server.base_url) as source:
            made = await source(None)
            reply = await ask(made, [HumanMessage("Go")], lambda _: None, Asking())
            assert reply.text == "Done."
            assert server.bodies[-1]["model"] == "moonshotai/Kimi-K2.6:novita"
            assert usage_event(made, reply, "main").cost_usd == pytest.approx(0.00085)


async def test_the_loop_is_free_meanwhile() -> None:
    with kimi() as server:
        server.delay = 0.3
        async with models(server.base_url) as source:
            making, ticks = asyncio.create_task(source(None)), 0
            while not making.done():
                await asyncio.sleep(0.01)
                ticks += 1
            assert ticks >= 5
            assert (await making).name == KIMI
