"""One call of the model: streamed, tried again when that can help, and stopped at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.constants import TAG_NOSTREAM

from ml_intern.graph import events as ev
from ml_intern.llm.ask import Asking, ask, summarise
from ml_intern.llm.errors import (
    ContextOverflowError,
    ModelAuthError,
    ModelError,
    ModelUnreachableError,
)
from ml_intern.llm.factory import Model

Line = str | BaseException | float | AIMessageChunk
"""A piece of text, an error, seconds to wait, or a chunk."""
ASKED = [HumanMessage("Go")]


class Scripted(Runnable[LanguageModelInput, AIMessage]):
    """A chat model that performs one scene a call; every scene must be asked for."""

    def __init__(self, *scenes: Sequence[Line]) -> None:
        self.left = list(scenes)
        self.configs: list[RunnableConfig | None] = []
        self.parameters: list[dict[str, Any]] = []
        self.closed = 0

    def invoke(self, *args: Any, **kwargs: Any) -> AIMessage:
        raise AssertionError("the event loop must not be blocked")

    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessage:
        chunks = [chunk async for chunk in self.astream(input, config, **kwargs)]
        return AIMessage("".join(str(chunk.text) for chunk in chunks))

    async def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        assert input == ASKED
        self.configs.append(config)
        self.parameters.append(kwargs)
        try:
            for line in self.left.pop(0):
                if isinstance(line, BaseException):
                    raise line
                if isinstance(line, int | float):
                    await asyncio.sleep(line)
                else:
                    yield line if isinstance(line, AIMessageChunk) else AIMessageChunk(content=line)
        finally:
            self.closed += 1


def model(chat: Scripted, retries: int = 4, plain: Scripted | None = None) -> Model:
    return Model(
        name="a/b",
        where="there",
        chat=chat,
        plain=plain or Scripted(),
        window=1000,
        retries=retries,
    )


@pytest.fixture
def seen() -> list[ev.Event]:
    return []


def busy(seconds: float | None = 0.0) -> ModelError:
    return ModelError("a/b: busy.", retryable=True, retry_after=seconds)


def kinds(seen: list[ev.Event]) -> list[str]:
    return [event.wire()["type"] for event in seen]


async def test_text_is_shown_as_it_comes(seen: list[ev.Event]) -> None:
    chat = Scripted(["Hel", "", "lo"])
    reply = await ask(model(chat), ASKED, seen.append, Asking(stream=True))
    assert reply.text == "Hello"
    assert seen == [
        ev.AssistantChunk(content="Hel"),
        ev.AssistantChunk(content="lo"),
        ev.AssistantStreamEnd(),
    ]


async def test_a_reply_without_text_shows_nothing(seen: list[ev.Event]) -> None:
    part = tool_call_chunk(index=0, id="c", name="bash", args="{}")
    chat = Scripted([AIMessageChunk(content="", tool_call_chunks=[part])])
    reply = await ask(model(chat), ASKED, seen.append, Asking(stream=True))
    assert [call.name for call in reply.calls] == ["bash"]
    assert seen == []


async def test_a_whole_answer_is_shown_whole(seen: list[ev.Event]) -> None:
    whole = Asking(stream=False)
    assert (await ask(model(Scripted(["Hi"])), ASKED, seen.append, whole)).text == "Hi"
    assert seen == [ev.AssistantMessage(content="Hi")]
    assert (await ask(model(Scripted([])), ASKED, seen.append, whole)).text == ""
    assert len(seen) == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_a_passing_failure_is_tried_again(seen: list[ev.Event], stream: bool) -> None:
    chat = Scripted([busy()], [busy()], ["Hi"])
    assert (await ask(model(chat), ASKED, seen.append, Asking(stream=stream))).text == "Hi"
    assert chat.left == []
    again = [
        ev.Retry(model="a/b", reason="busy.", attempt=n, retries=4, wait_seconds=0.0)
        for n in (1, 2)
    ]
    assert seen[:2] == again


async def test_w17_a_stream_that_breaks_is_asked_for_again(seen: list[ev.Event]) -> None:
    """W17: what broke midway was not tried again, and its text was taken for the answer."""
    chat = Scripted(["Hal", busy()], ["Hello"])
    reply = await ask(model(chat), ASKED, seen.append, Asking(stream=True))
    assert reply.text == "Hello"
    assert kinds(seen) == [
        "assistant_chunk",
        "assistant_stream_end",
        "retry",
        "assistant_chunk",
        "assistant_stream_end",
    ]
    assert [e.partial for e in seen if isinstance(e, ev.AssistantStreamEnd)] == [True, False]


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_retries_have_a_budget(seen: list[ev.Event], retries: int) -> None:
    chat = Scripted(*[[busy()]] * (retries + 1))
    with pytest.raises(ModelError, match="busy"):
        await ask(model(chat, retries), ASKED, seen.append, Asking(stream=True))
    assert chat.left == []
    assert kinds(seen) == ["retry"] * retries


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (1, 2), (10, 3)])
async def test_a_server_that_is_not_there_is_tried_briefly(
    seen: list[ev.Event], retries: int, tries: int
) -> None:
    gone = ModelUnreachableError("gone", retryable=True, retry_after=0.0)
    chat = Scripted(*[[gone]] * tries)
    with pytest.raises(ModelUnreachableError):
        await ask(model(chat, retries), ASKED, seen.append, Asking(stream=True))
    assert chat.left == []


@pytest.mark.parametrize(
    "error", [ModelAuthError("no key"), ContextOverflowError("full"), ModelError("wrong")]
)
async def test_a_final_failure_is_not_tried_again(seen: list[ev.Event], error: ModelError) -> None:
    with pytest.raises(type(error)) as caught:
        await ask(model(Scripted([error])), ASKED, seen.append, Asking(stream=True))
    assert caught.value is error
    assert seen == []


async def test_an_error_of_litellm_becomes_ours() -> None:
    from litellm.exceptions import RateLimitError

    limited: Any = RateLimitError("slow down", "openai", "m")
    limited.litellm_response_headers = httpx.Headers({"retry-after": "0.01"})
    seen: list[ev.Event] = []
    chat = Scripted([limited], [ValueError("odd")])
    with pytest.raises(ModelError, match="a/b: odd") as caught:
        await ask(model(chat), ASKED, seen.append, Asking(stream=True))
    assert not caught.value.retryable
    assert isinstance(caught.value.__cause__, ValueError)
    assert seen[0].wire()["wait_seconds"] == 0.01


async def test_the_wait_is_the_one_that_was_asked_for(seen: list[ev.Event]) -> None:
    began = time.monotonic()
    await ask(model(Scripted([busy(0.2)], ["Hi"])), ASKED, seen.append, Asking(stream=True))
    assert 0.2 <= time.monotonic() - began < 1.0


async def test_without_a_request_the_wait_grows(
    seen: list[ev.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def at_once(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("ml_intern.llm.ask.sleep", at_once)
    chat = Scripted(*[[busy(None)]] * 4, ["Hi"])
    await ask(model(chat), ASKED, seen.append, Asking(stream=True))
    bounds = [2.0, 4.0, 8.0, 16.0]
    assert all(0 <= wait <= b for wait, b in zip(waits, bounds, strict=True))


async def test_all_waits_together_have_a_budget(
    seen: list[ev.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def at_once(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("ml_intern.llm.ask.sleep", at_once)
    chat = Scripted(*[[busy(20.0)]] * 4)
    patient = replace(model(chat, retries=20), retry_seconds=70.0)
    with pytest.raises(ModelError, match=r"asks to wait 20 s, and 10 s are left"):
        await ask(patient, ASKED, seen.append, Asking())
    assert waits == [20.0] * 3
    assert chat.left == []


async def test_a_stream_that_goes_silent_is_closed_and_asked_for_again(
    seen: list[ev.Event],
) -> None:
    chat = Scripted(["Hal", 60.0], ["Hello"])
    impatient = replace(model(chat), idle_timeout=0.05)
    call = ask(impatient, ASKED, seen.append, Asking())
    assert (await asyncio.wait_for(call, 30)).text == "Hello"
    assert chat.closed == 2
    reasons = [e.reason for e in seen if isinstance(e, ev.Retry)]
    assert reasons == ["the model went silent for 0.05 s."]


async def test_before_the_first_piece_the_request_timeout_counts(seen: list[ev.Event]) -> None:
    """Empty chunks are signs of life of the queue, not of the model."""
    late = replace(model(Scripted([AIMessageChunk(content=""), 0.3, "Hi"])), idle_timeout=0.05)
    assert (await ask(late, ASKED, seen.append, Asking())).text == "Hi"
    for stream in (True, False):
        never = replace(model(Scripted([60.0]), 0), request_timeout=0.05)
        with pytest.raises(ModelError, match=r"silent for 0\.05 s") as caught:
            await ask(never, ASKED, seen.append, Asking(stream=stream))
        assert caught.value.retryable


async def test_a_timeout_of_somebody_else_is_not_ours(seen: list[ev.Event]) -> None:
    with pytest.raises(ModelError, match="theirs"):
        await ask(model(Scripted([TimeoutError("theirs")]), 0), ASKED, seen.append, Asking())


async def test_a_stream_of_nothing_ends(
    seen: list[ev.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_intern.llm.attempt.MAX_REPLY", 100)
    chat = Scripted([AIMessageChunk(content="")] * 1000)
    with pytest.raises(ModelError, match="does not end"):
        await ask(model(chat), ASKED, seen.append, Asking())


async def test_what_was_lost_is_counted_over_all_attempts(seen: list[ev.Event]) -> None:
    chat = Scripted(["a", busy()], [busy()], ["b", busy()], ["Hi"])
    assert (await ask(model(chat), ASKED, seen.append, Asking())).lost == 2


async def stopped(task: asyncio.Task[Any]) -> float:
    """Seconds it takes to cancel a task that is waiting."""
    await asyncio.sleep(0.05)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - began


async def test_stopping_does_not_wait_for_the_next_try(seen: list[ev.Event]) -> None:
    chat = Scripted([busy(50.0)], ["never"])
    task = asyncio.create_task(ask(model(chat), ASKED, seen.append, Asking(stream=True)))
    assert await stopped(task) < 0.5
    assert len(chat.left) == 1
    assert kinds(seen) == ["retry"]


async def test_stopping_does_not_wait_for_the_next_chunk(seen: list[ev.Event]) -> None:
    chat = Scripted(["Half", 60.0, "never"], ["never"])
    task = asyncio.create_task(ask(model(chat), ASKED, seen.append, Asking(stream=True)))
    assert await stopped(task) < 0.5
    assert len(chat.left) == 1
    assert seen[-1] == ev.AssistantStreamEnd(partial=True)


async def test_a_summary_is_made_without_tools_and_without_being_shown(
    seen: list[ev.Event],
) -> None:
    plain = Scripted(["half", busy()], ["All went well."])
    reply = await summarise(model(Scripted(), plain=plain), ASKED, seen.append, Asking())
    assert reply.text == "All went well."
    assert kinds(seen) == ["retry"]
    assert [TAG_NOSTREAM in (config or {}).get("tags", []) for config in plain.configs] == [
        True
    ] * 2
