"""What `ask` makes of everything a provider may do wrong, through the real LiteLLM."""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from emulators.openai_server import FAULTS, Call, ModelServer, Plain, Step, calls, fault, text
from ml_intern.configs.settings import Settings
from ml_intern.graph import events as ev
from ml_intern.llm.ask import Asking, ask
from ml_intern.llm.attempt import MAX_REPLY
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.errors import (
    ContextOverflowError,
    ModelAuthError,
    ModelError,
    ModelNotFoundError,
    ModelQuotaError,
    ModelRefusedError,
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
    """The call fails with this error; `retried` twice before it does, or not at all."""

    kind: type[ModelError]
    says: str
    retried: bool = False
    elsewhere: bool = False
    """Whether another model might do."""


@dataclass(frozen=True)
class Got:
    """The call gives this reply; of a call, the id, the name and the raw arguments count."""

    said: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    finish: str = "stop"


Outcome = Failed | Got


def retry(says: str) -> Failed:
    return Failed(ModelError, says, retried=True, elsewhere=True)


def bash(arguments: str, id: str = "call_1", name: str = "bash") -> Got:
    return Got(calls=((id, name, arguments),), finish="tool_calls")


PROSE = "The learning rate was too high, so I lowered it and started again."
COMMAND = '{"command": "python train.py --epochs 3 --out model"}'
BROKE_OFF = retry("peer closed connection")
LOST = retry("the connection was lost")
ENDED = retry("the answer ended early")
SILENT = retry("went silent for 0.4 s")
UNPAID = Failed(ModelQuotaError, "no credit or quota left", elsewhere=True)
OVERFLOW = Failed(ContextOverflowError, "longer than the model's window")
ENDLESS = Failed(ModelError, "stopped at 9,000 characters")

OUTCOMES: dict[str, Outcome | tuple[Outcome, Outcome]] = {
    "400": Failed(ModelRefusedError, "Invalid value for 'temperature'"),
    "401": Failed(ModelAuthError, "the key was refused"),
    "402": UNPAID,
    "403": Failed(ModelAuthError, "may not use this model"),
    "404": Failed(ModelNotFoundError, "no such model"),
    "429": retry("Rate limit reached"),
    "429_quota": UNPAID,
    "500": retry("The server had an error"),
    "503": retry("overloaded"),
    "529": retry("Overloaded"),
    "400_effort": Failed(ModelRefusedError, "does not support 'high'"),
    "400_rate_limit_words": Failed(ModelRefusedError, "429 is not a tier"),
    "413": OVERFLOW,
    "context_code": OVERFLOW,
    "context_llamacpp": OVERFLOW,
    "context_length": OVERFLOW,
    "error_answer": UNPAID,
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
    "overloaded_event": (retry("Overloaded"), ENDED),
    "quota_event": (UNPAID, ENDED),
    "stall": SILENT,
    "stall_at_once": SILENT,
    "empty_chunks": (SILENT, Got(PROSE)),
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
    "many_calls": (
        Failed(ModelError, "stopped at 1,000 tool calls"),
        Got(calls=tuple((f"call_{n}", "bash", "{}") for n in range(1, 1201)), finish="tool_calls"),
    ),
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


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits before retries: not waited for, and with the middle of the jitter."""
    waited: list[float] = []

    async def at_once(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("ml_intern.llm.ask.sleep", at_once)
    monkeypatch.setattr("ml_intern.llm.ask.random", lambda: 0.5)
    return waited


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", OUTCOMES)
async def test_faults(
    name: str, stream: bool, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is retried, how often, after what waits, and what comes of it."""
    # The real cap takes half a minute to reach in small pieces.
    monkeypatch.setattr("ml_intern.llm.attempt.MAX_REPLY", 9000)
    outcome = OUTCOMES[name]
    expected = outcome[not stream] if isinstance(outcome, tuple) else outcome
    retried = isinstance(expected, Failed) and expected.retried
    seen: list[ev.Event] = []
    limits = {"request_timeout": 0.4 if expected is SILENT else 60, "idle_timeout": 0.4}
    with ModelServer([FAULTS[name]] * (3 if retried else 1)) as server:
        async with model_at(server.base_url, retries=2, **limits) as model:
            call = ask(model, [HumanMessage("Go")], seen.append, Asking(stream=stream))
            if isinstance(expected, Got):
                assert comparable(got(await call), name, stream) == expected
            else:
                await fails(call, expected)
    assert len(server.requests) == (3 if retried else 1)
    assert all(body == server.bodies[0] for body in server.bodies)
    retries = [e for e in seen if isinstance(e, ev.Retry)]
    assert waits == [e.wait_seconds for e in retries] == ([1.0, 2.0] if retried else [])
    assert [(e.model, e.attempt, e.retries) for e in retries] == [
        ("vllm/x", n, 2) for n in range(1, len(retries) + 1)
    ]
    ends = [e.partial for e in seen if isinstance(e, ev.AssistantStreamEnd)]
    assert all(partial == isinstance(expected, Failed) for partial in ends)


async def fails(call: Coroutine[Any, Any, Reply], expected: Failed) -> None:
    with pytest.raises(ModelError) as caught:
        await call
    error = caught.value
    assert (type(error), error.retryable) == (expected.kind, expected.retried)
    assert error.elsewhere is expected.elsewhere
    assert expected.says in str(error)
    if "does not end" not in str(error):
        assert str(error).startswith("vllm/x: ")


def comparable(found: Got, name: str, stream: bool) -> Got:
    """The reply; an id that litellm made up is `some`."""
    if name != "missing_id" or stream:
        return found
    assert found.calls[0][0]
    return replace(found, calls=(("some", *found.calls[0][1:]),))


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", ["429", "500", "503", "529"])
@pytest.mark.parametrize(
    ("asked", "waited"),
    [("7", 7.0), ("0.25", 0.25), ("90", 60.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
     ("soon", 1.0), ("nan", 1.0), ("-3", 1.0)],
)  # fmt: skip
async def test_the_wait_is_the_one_that_the_provider_asks_for(
    name: str, stream: bool, asked: str, waited: float, waits: list[float]
) -> None:
    with ModelServer([fault(name, retry_after=asked), text("Hi")]) as server:
        async with model_at(server.base_url, retries=2) as model:
            reply = await ask(model, [HumanMessage("Go")], lambda _: None, Asking(stream=stream))
    assert (reply.text, waits) == ("Hi", [waited])


async def test_a_date_is_waited_for(waits: list[float]) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    with ModelServer([fault("429", retry_after=then), text("Hi")]) as server:
        async with model_at(server.base_url, retries=1) as model:
            await ask(model, [HumanMessage("Go")], lambda _: None, Asking())
    assert 0 < waits[0] <= 30


async def test_milliseconds_go_before_seconds(waits: list[float]) -> None:
    headers = {"Retry-After": "9", "retry-after-ms": "1500"}
    with ModelServer([fault("429", headers=headers), text("Hi")]) as server:
        async with model_at(server.base_url, retries=1) as model:
            await ask(model, [HumanMessage("Go")], lambda _: None, Asking())
    assert waits == [1.5]


async def test_a_wait_that_is_too_long_ends_the_call_at_once(waits: list[float]) -> None:
    with ModelServer([fault("429", retry_after="3600")]) as server:
        async with model_at(server.base_url, retries=4) as model:
            with pytest.raises(ModelError, match=r"asks to wait 3,600 s, and 300 s are left"):
                await ask(model, [HumanMessage("Go")], lambda _: None, Asking())
    assert waits == []


@pytest.mark.parametrize(
    ("name", "lost"),
    [("close", 1), ("eof_in_arguments", 1), ("stall", 1), ("overloaded_event", 1),
     ("close_at_once", 0), ("refuse", 0), ("500", 0)],
)  # fmt: skip
async def test_attempts_that_may_have_been_billed_are_counted(
    name: str, lost: int, waits: list[float]
) -> None:
    limits = {"idle_timeout": 0.4}
    with ModelServer([FAULTS[name]] * 2 + [text("Hi")] + [FAULTS[name]] * 3) as server:
        async with model_at(server.base_url, retries=2, **limits) as model:
            reply = await ask(model, [HumanMessage("Go")], lambda _: None, Asking())
            with pytest.raises(ModelError) as caught:
                await ask(model, [HumanMessage("Go")], lambda _: None, Asking())
    assert (reply.text, reply.lost, caught.value.lost) == ("Hi", 2 * lost, 3 * lost)


async def test_the_window_that_the_provider_names_is_known() -> None:
    with pytest.raises(ContextOverflowError) as caught:
        await asked(FAULTS["context_llamacpp"], stream=True)
    assert caught.value.window == 8192


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
    monkeypatch.setattr("ml_intern.llm.attempt.MAX_REPLY", 50)
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


@pytest.mark.timeout(60)
async def test_garbage_in_place_of_arguments_does_not_hold_up_the_loop() -> None:
    """langchain tries every shorter text in turn: five minutes for this, if it is let."""
    garbage = "no JSON, only words. " * 20_000
    reply = await asked(calls(Call("bash", garbage)), stream=True)
    assert reply.calls[0].arguments == garbage
