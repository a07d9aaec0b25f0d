"""The beginning of every request is read from the provider's cache; W40: long tool loops too."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from emulators.anthropic_cache import blocks
from emulators.anthropic_server import AnthropicServer, refusal
from emulators.openai_server import Call, ModelServer, calls, text
from emulators.script import Cut, Step
from ml_intern.configs.load import load_settings
from ml_intern.configs.settings import Settings
from ml_intern.graph import events as ev
from ml_intern.llm import caching
from ml_intern.llm.ask import Asking, ask, summarise
from ml_intern.llm.endpoint import Endpoint, resolve
from ml_intern.llm.errors import ContextOverflowError, ModelError, ModelQuotaError
from ml_intern.llm.factory import Model, make_model
from ml_intern.llm.facts import Facts
from ml_intern.llm.reply import Reply

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command.",
        "parameters": {"type": "object", "properties": {"command": {"type": "string"}}},
    },
}
CLAUDE = "anthropic/claude-sonnet-4-5"
START: list[BaseMessage] = [SystemMessage("Be brief. " * 50), HumanMessage("Train it. " * 20)]


@asynccontextmanager
async def model_at(url: str, name: str = CLAUDE, **settings: Any) -> AsyncIterator[Model]:
    endpoint = Endpoint(name=name, model=name, api_base=url, api_key="k")
    options = Settings(model_name=name, **{"max_retries": 1, **settings})
    model = make_model(endpoint, options, [TOOL], Facts(max_output=64_000))
    try:
        yield model
    finally:
        await model.close()


def after(history: list[BaseMessage], reply: Reply, results: str = "done. ") -> list[BaseMessage]:
    """The history of the next call."""
    made = [
        {"id": call.id, "name": call.name, "args": json.loads(call.arguments), "type": "tool_call"}
        for call in reply.calls
    ]
    said = AIMessage(reply.text, tool_calls=made, additional_kwargs=reply.extras)
    answers = [ToolMessage(results * 30, tool_call_id=call.id) for call in reply.calls]
    return [*history, said, *answers]


def details(reply: Reply) -> tuple[int, int, int]:
    """Tokens in all, read from the cache, written to it."""
    assert reply.usage is not None
    found = reply.usage.get("input_token_details", {})
    return (
        reply.usage["input_tokens"],
        found.get("cache_read") or 0,
        found.get("cache_creation") or 0,
    )


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(("parallel", "effort"), [(1, None), (3, None), (30, None), (1, "high")])
async def test_w40_a_tool_loop_reads_all_but_its_newest_exchange(
    stream: bool, parallel: int, effort: Any
) -> None:
    """W40: the one mark stayed at the original prompt, so the growing tail was never cached."""
    wanted = [Call("bash", {"command": f"step {n}"}) for n in range(parallel)]
    thought = "Hm." if effort else ""
    script = [calls(*wanted, reasoning=thought) for _ in range(10)]
    history, before = list(START), 0
    untouched = copy.deepcopy(START)
    with AnthropicServer(script) as server:
        async with model_at(server.base_url) as model:
            for number in range(10):
                how = Asking(stream=stream, effort=effort)
                reply = await ask(model, history, lambda _: None, how)
                total, read, written = details(reply)
                # Everything that the call before sent was written then, and is read now.
                assert read == before
                assert (read > 0) is (number > 0)
                assert total == read + written
                before = total
                history = after(history, reply)
    assert history[:2] == untouched
    assert [usage.fresh for usage in server.usages] == [0] * 10
    for body in server.bodies:
        assert 2 <= sum("cache_control" in block for _, block in blocks(body)) <= 3


async def test_the_request_is_the_same_but_for_the_marks() -> None:
    script = [calls(Call("bash", {"command": "ls"})) for _ in range(4)]
    history = list(START)
    with AnthropicServer(script) as server:
        async with model_at(server.base_url) as model:
            for _ in range(4):
                reply = await ask(model, history, lambda _: None, Asking())
                history = after(history, reply)
    rows = [unmarked(body) for body in server.bodies]
    for shorter, longer in pairwise(rows):
        assert longer[: len(shorter)] == shorter
        assert len(longer) > len(shorter)


def unmarked(body: dict[str, Any]) -> list[str]:
    return [
        json.dumps([frame, {k: v for k, v in block.items() if k != "cache_control"}])
        for frame, block in blocks(body)
    ]


async def test_a_summary_is_not_written_to_the_cache() -> None:
    with AnthropicServer([text("Short.")]) as server:
        async with model_at(server.base_url) as model:
            await summarise(model, START, lambda _: None, Asking(session="s"))
    assert "cache_control" not in json.dumps(server.bodies)


OVERLOADED = refusal(529, "overloaded_error", **{"Retry-After": "3"})
MIDWAY = text("Well, ", cut=Cut("error"))


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_overload_is_waited_for(stream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = unslept(monkeypatch)
    with AnthropicServer([OVERLOADED, text("Hi")]) as server:
        async with model_at(server.base_url) as model:
            reply = await ask(model, START, lambda _: None, Asking(stream=stream))
    assert (reply.text, reply.finish, waits) == ("Hi", "stop", [3.0])


async def test_overload_midway_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, seen = unslept(monkeypatch), list[ev.Event]()
    with AnthropicServer([MIDWAY, text("Hi")]) as server:
        async with model_at(server.base_url) as model:
            reply = await ask(model, START, seen.append, Asking())
    assert (reply.text, reply.lost, len(waits)) == ("Hi", 1, 1)
    assert [e.reason for e in seen if isinstance(e, ev.Retry)] == ["Overloaded."]
    assert [e.partial for e in seen if isinstance(e, ev.AssistantStreamEnd)] == [True, False]


def unslept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []

    async def at_once(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("ml_intern.llm.ask.sleep", at_once)
    return waits


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_an_answer_that_was_too_long_says_so(stream: bool) -> None:
    with AnthropicServer([text("I wa", finish="length")]) as server:
        async with model_at(server.base_url) as model:
            reply = await ask(model, START, lambda _: None, Asking(stream=stream))
    assert (reply.text, reply.finish) == ("I wa", "length")


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (refusal(402, "billing_error"), ModelQuotaError),
        (refusal(413, "request_too_large"), ContextOverflowError),
    ],
)
async def test_refusals_of_anthropic(step: Step, kind: type[ModelError]) -> None:
    with AnthropicServer([step]) as server:
        async with model_at(server.base_url) as model:
            with pytest.raises(kind):
                await ask(model, START, lambda _: None, Asking())


async def test_signed_thinking_goes_back_with_its_call() -> None:
    """Anthropic refuses a loop whose last call lost its thinking."""
    script = [calls(Call("bash", {"command": "ls"}), reasoning=f"Hm {n}.") for n in range(3)]
    history = list(START)
    with AnthropicServer([*script, text("Done.")]) as server:
        async with model_at(server.base_url) as model:
            for _ in range(4):
                reply = await ask(model, history, lambda _: None, Asking(effort="high"))
                history = after(history, reply)
    last = [b["thinking"] for _, b in blocks(server.bodies[-1]) if b.get("type") == "thinking"]
    assert last == ["Hm 0.", "Hm 1.", "Hm 2."]
    assert {(b["thinking"]["budget_tokens"], b["max_tokens"]) for b in server.bodies} == {
        (4096, 64_000)
    }


@pytest.mark.parametrize(
    ("model", "marked"),
    [
        ("anthropic/claude-opus-4-6", True),
        ("bedrock/us.anthropic.claude-sonnet-4-5-v1:0", True),
        ("vertex_ai/claude-opus-4-6", True),
        ("openrouter/anthropic/claude-sonnet-4.5", True),
        ("openrouter/openai/gpt-5", False),
        ("bedrock/meta.llama3", False),
        ("openai/claude-like", False),
        ("gemini/gemini-2.5-pro", False),
    ],
)
def test_who_needs_marks(model: str, marked: bool) -> None:
    assert caching.takes_breakpoints(model) is marked


SENT = [("openai/gpt-5.1", "s-1"), ("openai/my-own", None), ("vllm/gpt-5.1", None)]


@pytest.mark.parametrize(("name", "key"), SENT)
async def test_a_key_is_sent_to_openai_only(name: str, key: str | None) -> None:
    """A server that does not know the parameter would refuse the request."""
    model_id = name.replace("vllm/", "openai/")
    with ModelServer([text("a"), text("b")]) as server:
        endpoint = Endpoint(name=name, model=model_id, api_base=server.base_url, api_key="k")
        model = make_model(endpoint, Settings(model_name=name), [TOOL])
        await ask(model, START, lambda _: None, Asking(session="s-1"))
        await ask(model, START, lambda _: None, Asking())
        await model.close()
    assert [body.get("prompt_cache_key") for body in server.bodies] == [key, None]
    assert "cache_control" not in json.dumps(server.bodies)


SYSTEM, ASKED, CALLED = SystemMessage("s"), HumanMessage("q"), AIMessage("", tool_calls=[])
RESULT, EMPTY = ToolMessage("r", tool_call_id="c"), ToolMessage("", tool_call_id="c")


@pytest.mark.parametrize(
    ("messages", "places"),
    [
        ([], []),
        ([SYSTEM], [0]),
        ([ASKED], [0]),
        ([SYSTEM, ASKED], [0, 1]),
        ([SYSTEM, ASKED, CALLED, RESULT], [0, 1, 3]),
        ([SYSTEM, ASKED, CALLED, RESULT, CALLED, RESULT, RESULT, RESULT], [0, 3, 7]),
        ([SYSTEM, ASKED, CALLED, RESULT, ASKED, CALLED, RESULT], [0, 4, 6]),
        ([SYSTEM, ASKED, CALLED, RESULT, EMPTY], [0, 1, 3]),
        ([ASKED, CALLED, RESULT], [0, 2]),
        ([SYSTEM, CALLED], [0]),
    ],
)
def test_where_the_marks_are(messages: list[BaseMessage], places: list[int]) -> None:
    assert caching.marked(messages) == places


def test_the_address_of_anthropic_can_be_set(tmp_path: Path) -> None:
    settings = load_settings({"ANTHROPIC_BASE_URL": "http://box"}, tmp_path, {})
    endpoint = resolve(CLAUDE, settings, {"ANTHROPIC_API_KEY": "k"})
    assert (endpoint.api_base, endpoint.api_key) == ("http://box", "k")
    plain = load_settings({}, tmp_path, {})
    assert resolve(CLAUDE, plain, {"ANTHROPIC_API_KEY": "k"}).api_base is None
