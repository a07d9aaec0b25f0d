"""What `ask` makes of everything a provider may do wrong, through the real LiteLLM."""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from emulators.openai_server import FAULTS, Call, ModelServer, Plain, Step, calls, fault, text
from ml_intern.configs.settings import Settings
from ml_intern.graph import events as ev
from ml_intern.llm.ask import MAX_REPLY, Asking, ask
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.errors import (
    ContextOverflowError,
    ModelAuthError,
    ModelError,
    ModelNotFoundError,
    ModelUnreachableError,
)
from ml_intern.llm.factory import Model, make_model
from ml_intern.llm.reply import Reply

BASH: dict[str, Any] = {
    "type": "function",
    "function": {"name": "bash", "description": "Run.", "parameters": {"type": "object"}},
}
HOSTILE = "a [DONE] b \x85 c \u2028 d \u2029 e 🤗 f data: [DONE]\n\ndata: {} \\u2028 \\[DONE]"


@dataclass(frozen=True)
class Failed:
    """The call fails with this error."""

    kind: type[ModelError]
    says: str
    retryable: bool = False


@dataclass(frozen=True)
class Got:
    """The call gives this reply; of a call, the id, the name and the raw arguments count."""

    said: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    finish: str = "stop"


Outcome = Failed | Got


def retry(says: str) -> Failed:
    return Failed(ModelError, says, retryable=True)


def bash(arguments: str, id: str = "call_1", name: str = "bash") -> Got:
    return Got(calls=((id, name, arguments),), finish="tool_calls")


PROSE = "The learning rate was too high, so I lowered it and started again."
COMMAND = '{"command": "python train.py --epochs 3 --out model"}'
BROKE_OFF = retry("peer closed connection")
LOST = retry("the connection was lost")
ENDED = retry("the answer ended early")
SILENT = (retry("nothing came"), retry("timed out"))
ENDLESS = Failed(ModelError, "stopped at 9,000 characters")

OUTCOMES: dict[str, Outcome | tuple[Outcome, Outcome]] = {
    "400": Failed(ModelError, "Invalid value for 'temperature'"),
    "401": Failed(ModelAuthError, "the key was refused"),
    "402": Failed(ModelAuthError, "no credit left"),
    "403": Failed(ModelAuthError, "may not use this model"),
    "404": Failed(ModelNotFoundError, "no such model"),
    "429": retry("Rate limit reached"),
    "429_quota": retry("Check your plan"),
    "500": retry("The server had an error"),
    "503": retry("overloaded"),
    "context_length": Failed(ContextOverflowError, "longer than the model's window"),
    "not_json": Failed(ModelNotFoundError, "answers with a web page"),
    "refuse": retry("disconnected without sending a response"),
    "close": BROKE_OFF,
    "close_at_once": BROKE_OFF,
    "close_in_arguments": BROKE_OFF,
    "reset": LOST,
    "reset_in_arguments": LOST,
    "eof": ENDED,
    "eof_at_once": ENDED,
    "eof_in_arguments": ENDED,
    "eof_before_finish": ENDED,
    "error_event": (retry("The server had an error"), ENDED),
    "stall": SILENT,
    "stall_at_once": SILENT,
    "broken_arguments": bash('{"command": "ls'),
    # langchain reads a whole answer's arguments; what is no object becomes an empty one.
    "array_arguments": (bash('["ls"]'), bash("{}")),
    "null_arguments": (bash("null"), bash("{}")),
    "empty_arguments": bash(""),
    "huge_arguments": (ENDLESS, bash('{"command": "echo ' + "x" * 1_000_000 + '"}')),
    "missing_id": (bash('{"command": "ls"}', id=""), bash('{"command": "ls"}', id="some")),
    "empty_id": bash('{"command": "ls"}', id=""),
    "duplicate_ids": Got(
        calls=(
            ("call_x", "bash", '{"command": "ls"}'),
            ("call_x", "bash", '{"command": "pwd"}'),
        ),
        finish="tool_calls",
    ),
    "no_index": Got(
        calls=(("call_1", "bash", COMMAND), ("call_2", "bash", '{"command": "ls"}')),
        finish="tool_calls",
    ),
    "unknown_tool": bash('{"speed": 9}', name="launch_rocket"),
    "empty_name": bash('{"command": "ls"}', name=""),
    "empty": Got(),
    "null": Got(),
    "only_reasoning": Got(),
    "length": Got(PROSE, finish="length"),
    "length_in_arguments": replace(bash('{"command": "python tra'), finish="length"),
    "content_filter": Got("I cannot", finish="content_filter"),
    "unsendable_text": Got("A NUL \x00 and half a pair \ud83d in one answer."),
    "endless": (ENDLESS, Got(PROSE + " ")),
}


@asynccontextmanager
async def model_at(url: str, retries: int = 0, **settings: Any) -> AsyncIterator[Model]:
    endpoint = Endpoint(name="vllm/x", model="openai/x", api_base=url, api_key="k")
    options = Settings(model_name="vllm/x", max_retries=retries, **settings)
    model = make_model(endpoint, options, [BASH])
    try:
        yield model
    finally:
        await model.close()


async def asked(step: Step, *, stream: bool, seen: list[ev.Event] | None = None) -> Reply:
    """The reply to one request. A second one would find the script over, and fail the test."""
    emit = seen.append if seen is not None else lambda _event: None
    with ModelServer([step]) as server:
        async with model_at(server.base_url, request_timeout=1) as model:
            return await ask(model, [HumanMessage("Go")], emit, Asking(stream=stream))


def got(reply: Reply) -> Got:
    found = tuple((call.id, call.name, call.arguments) for call in reply.calls)
    return Got(reply.text, found, reply.finish)


def test_every_fault_is_in_the_table() -> None:
    assert OUTCOMES.keys() == FAULTS.keys()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", OUTCOMES)
async def test_faults(name: str, stream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real cap takes half a minute to reach in small pieces.
    monkeypatch.setattr("ml_intern.llm.ask.MAX_REPLY", 9000)
    outcome = OUTCOMES[name]
    expected = outcome[not stream] if isinstance(outcome, tuple) else outcome
    if isinstance(expected, Got):
        found = got(await asked(FAULTS[name], stream=stream))
        if name == "missing_id" and not stream:
            assert found.calls[0][0]  # made up
            found = Got(calls=(("some", *found.calls[0][1:]),), finish=found.finish)
        assert found == expected
        return
    with pytest.raises(ModelError) as caught:
        await asked(FAULTS[name], stream=stream)
    assert type(caught.value) is expected.kind
    assert caught.value.retryable is expected.retryable
    assert expected.says in str(caught.value)
    if expected is not ENDLESS:
        assert str(caught.value).startswith("vllm/x: ")


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", ["429", "500", "503"])
async def test_what_the_provider_asks_for_is_known(name: str, stream: bool) -> None:
    with pytest.raises(ModelError) as caught:
        await asked(fault(name, retry_after="7"), stream=stream)
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_no_server(stream: bool) -> None:
    with ModelServer([]) as gone:
        url = gone.base_url
    async with model_at(url) as model:
        with pytest.raises(ModelUnreachableError, match="nothing answers at"):
            await ask(model, [HumanMessage("Go")], lambda _: None, Asking(stream=stream))


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("piece", [0, 1, 1000])
async def test_hostile_text_is_exact(piece: int, stream: bool) -> None:
    """The server sends every event in two writes, split inside a character where it can."""
    arguments = f'{{"command": "grep \'[DONE]\' \x85\u2028\u2029🤗 \\"{"é" * 50}\\""}}'
    step = calls(Call("bash", arguments), content=HOSTILE, piece=piece)
    seen: list[ev.Event] = []
    reply = await asked(step, stream=stream, seen=seen)
    assert (reply.text, reply.finish) == (HOSTILE, "tool_calls")
    assert [json.loads(call.arguments) for call in reply.calls] == [json.loads(arguments)]
    shown = [e.content for e in seen if isinstance(e, ev.AssistantChunk | ev.AssistantMessage)]
    assert "".join(shown) == HOSTILE


@pytest.mark.parametrize("name", ["eof", "eof_in_arguments", "close", "reset", "stall"])
async def test_a_broken_stream_is_asked_for_again_with_the_same_history(name: str) -> None:
    """Trap 7 and W17: what was shown is marked as partial, and is not part of the reply."""
    seen: list[ev.Event] = []
    with ModelServer([fault(name), text("whole")]) as server:
        async with model_at(server.base_url, retries=1, request_timeout=1) as model:
            reply = await ask(model, [HumanMessage("Go")], seen.append, Asking(stream=True))
        first, second = server.bodies
    assert (reply.text, reply.calls) == ("whole", [])
    assert first == second
    ends = [e.partial for e in seen if isinstance(e, ev.AssistantStreamEnd)]
    assert ends == ([False] if name == "eof_in_arguments" else [True, False])


def event(chunk: str) -> bytes:
    return f'data: {{"choices": [{{"index": 0, {chunk}}}]}}\n\n'.encode()


HALLO = event('"delta": {"content": "Hallo"}, "finish_reason": null')
STOP = event('"delta": {}, "finish_reason": "stop"')
KIND = "text/event-stream"


@pytest.mark.parametrize(
    "body",
    [
        HALLO + STOP + b"data: [DONE]\n\n",
        HALLO + STOP + b"data:[DONE]\n\n",
        HALLO + STOP,
        (HALLO + STOP).replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n",
        (HALLO + STOP).replace(b"\n", b"\r") + b"data: [DONE]\r\r",
        b": keep [DONE] alive\n\n" + HALLO + STOP + b"data: [DONE]",
        # Some servers never give a reason; the end mark is one.
        HALLO + b"data:[DONE]\n\n",
    ],
    ids=["usual", "no blank", "no mark", "CRLF", "CR", "comment", "no reason"],
)
async def test_ends_of_a_stream(body: bytes) -> None:
    reply = await asked(Step(instead=Plain(200, body, KIND)), stream=True)
    assert (reply.text, reply.finish) == ("Hallo", "stop")


async def test_a_hundred_equal_chunks_are_not_an_endless_stream() -> None:
    """A ruler, a table's line, zeros in base64: litellm would end the answer."""
    ruler = "=" * 80 * 150
    assert (await asked(text(ruler, piece=80), stream=True)).text == ruler


async def test_endless_reasoning_is_stopped() -> None:
    step = Step(content="", reasoning="hmm " * (MAX_REPLY // 4 + 1000), piece=1000)
    with pytest.raises(ModelError, match="does not end"):
        await asked(step, stream=True)


async def stopped(server: ModelServer, seconds: float = 2.0) -> str:
    """How the only request ended, once it has."""
    until = time.monotonic() + seconds
    while server.requests[0].outcome == "open" and time.monotonic() < until:
        await asyncio.sleep(0.01)
    return server.requests[0].outcome


@pytest.mark.parametrize(
    "step",
    [
        fault("stall"),
        fault("stall_at_once"),
        text("slow " * 99, chunk_delay=0.05),
        text("x", delay=60),
    ],
    ids=["stall", "stall at once", "slow", "no header"],
)
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_cancelling_is_immediate_and_ends_the_request(step: Step, stream: bool) -> None:
    if not stream and step.chunk_delay:
        pytest.skip("a whole answer has no chunks")
    with ModelServer([step]) as server:
        async with model_at(server.base_url) as model:
            call = ask(model, [HumanMessage("Go")], lambda _: None, Asking(stream=stream))
            task = asyncio.create_task(call)
            async with asyncio.timeout(10):
                while not server.requests:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < 0.2
            assert await stopped(server) == "left"


async def test_what_is_stopped_at_the_cap_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_intern.llm.ask.MAX_REPLY", 50)
    with ModelServer([text("slow " * 99, chunk_delay=0.05)]) as server:
        async with model_at(server.base_url) as model:
            with pytest.raises(ModelError, match="stopped at 50 characters"):
                await ask(model, [HumanMessage("Go")], lambda _: None, Asking(stream=True))
            assert await stopped(server) == "left"


async def test_a_closed_model_can_be_called_again() -> None:
    with ModelServer([text("one"), text("two")]) as server:
        async with model_at(server.base_url) as model:
            for said in ("one", "two"):
                reply = await ask(model, [HumanMessage("Go")], lambda _: None, Asking(stream=True))
                assert reply.text == said
                await model.close()


async def test_none_of_litellms_own_clients_is_used() -> None:
    """They are cached by event loop, and only litellm itself can close them."""
    litellm: Any = importlib.import_module("litellm")
    litellm.in_memory_llm_clients_cache.flush_cache()
    await asked(text("Hi"), stream=True)
    await asked(text("Hi"), stream=False)
    assert litellm.in_memory_llm_clients_cache.cache_dict == {}


@pytest.mark.parametrize("name", ["500", "close", "eof", "stall", "refuse"])
async def test_nothing_is_printed(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    for stream in (True, False):
        with pytest.raises(ModelError):
            await asked(FAULTS[name], stream=stream)
        await asyncio.sleep(0.05)
    assert capfd.readouterr() == ("", "")
