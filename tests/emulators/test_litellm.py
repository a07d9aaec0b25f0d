"""What the model server's answers and faults become on their way through LiteLLM.

These pin facts about litellm 1.105 that `llm/` is built on. A strict xfail marks a defect of
litellm's: when an upgrade mends it, the test says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage

from emulators.openai_server import Call, ModelServer, Step, calls, fault, text
from emulators.script import refusal

if TYPE_CHECKING:
    from langchain_litellm import ChatLiteLLM

# litellm silences these itself when it is imported; pytest forgets that with every test.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:Accessing the 'model_(computed_)?fields' attribute:DeprecationWarning:litellm"
    ),
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning"),
]
OWN_HANDLER = "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER"
QUESTION: list[BaseMessage] = [HumanMessage("Go")]


@dataclass(frozen=True)
class Route:
    """A way through litellm: the OpenAI SDK's client, or litellm's own HTTP handler."""

    name: str
    model: str = "openai/test"
    sdk: bool = False

    def chat(self, server: ModelServer, **options: Any) -> ChatLiteLLM:
        from langchain_litellm import ChatLiteLLM

        once: dict[str, Any] = {"max_retries": 1, "model_kwargs": {"max_retries": 0}}
        options |= {"api_base": server.base_url, "api_key": "k"} | once
        return ChatLiteLLM(model=self.model, **options)

    async def stream(self, *script: Step, **options: Any) -> list[AIMessageChunk]:
        with ModelServer(script) as server:
            return [chunk async for chunk in self.chat(server, **options).astream(QUESTION)]

    async def whole(self, *script: Step, **options: Any) -> AIMessage:
        with ModelServer(script) as server:
            return await self.chat(server, **options).ainvoke(QUESTION)


SDK = Route("sdk", sdk=True)
OWN = Route("own handler")
VLLM = Route("vllm", "hosted_vllm/test")
ROUTES = [SDK, OWN, VLLM]


@pytest.fixture(scope="module", autouse=True)
def _local_prices() -> Iterator[None]:
    """Importing litellm fetches a price list unless told otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        yield


@pytest.fixture(params=ROUTES, ids=lambda route: route.name)
async def route(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Route]:
    """Clients are cached per event loop and must be closed in it: later, they are a warning."""
    litellm: Any = importlib.import_module("litellm")
    chosen: Route = request.param
    monkeypatch.setattr(litellm, "suppress_debug_info", True)
    monkeypatch.delenv(OWN_HANDLER, raising=False)
    if chosen is OWN:
        monkeypatch.setenv(OWN_HANDLER, "true")
    yield chosen
    await litellm.close_litellm_async_clients()
    litellm.in_memory_llm_clients_cache.flush_cache()


def joined(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    first, *rest = chunks
    whole = first
    for chunk in rest:
        whole = whole + chunk
    return whole


async def test_missing_usage_is_made_up_in_streams(route: Route) -> None:
    """A count by litellm's own tokenizer, which nothing marks as such; whole answers say zero."""
    answer = text("Hi there", usage=())
    streamed, whole = joined(await route.stream(answer)), await route.whole(answer)
    assert streamed.usage_metadata is not None
    assert streamed.usage_metadata["output_tokens"] > 0
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["total_tokens"] == 0


async def test_text(route: Route) -> None:
    answer = text("Größe ✓ 🚀 und mehr")
    assert joined(await route.stream(answer)).text == "Größe ✓ 🚀 und mehr"
    assert (await route.whole(answer)).text == "Größe ✓ 🚀 und mehr"


async def test_parallel_calls_in_fragments(route: Route) -> None:
    answer = calls(Call("bash", {"command": "ä" * 9}), Call("read", {"path": "x"}), content="So:")
    for message in (joined(await route.stream(answer)), await route.whole(answer)):
        assert message.text == "So:"
        assert [(call["id"], call["name"], call["args"]) for call in message.tool_calls] == [
            ("call_1", "bash", {"command": "ä" * 9}),
            ("call_2", "read", {"path": "x"}),
        ]


async def test_usage(route: Route) -> None:
    answer = text("Hi", usage=(12, 3, 4, 2))
    for message in (joined(await route.stream(answer)), await route.whole(answer)):
        usage: dict[str, Any] = dict(message.usage_metadata or {})
        assert (usage["input_tokens"], usage["output_tokens"]) == (12, 3)
        assert usage["input_token_details"]["cache_read"] == 4
        assert usage["output_token_details"]["reasoning"] == 2


async def test_reasoning(route: Route) -> None:
    answer = text("Hi", reasoning="It greets.")
    for message in (joined(await route.stream(answer)), await route.whole(answer)):
        assert message.additional_kwargs["reasoning_content"] == "It greets."


REFUSALS = {
    "400": ("BadRequestError", 400),
    "401": ("AuthenticationError", 401),
    "402": ("APIError", 402),
    "403": ("APIError", 403),
    "404": ("NotFoundError", 404),
    "429": ("RateLimitError", 429),
    "429_quota": ("RateLimitError", 429),
    "500": ("InternalServerError", 500),
    "503": ("ServiceUnavailableError", 503),
    "context_length": ("ContextWindowExceededError", 400),
}


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("streaming", [True, False])
async def test_refusals(route: Route, name: str, streaming: bool) -> None:
    """One request each: a hidden retry would find the script over."""
    ask = route.stream if streaming else route.whole
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the class is what is looked at
        await ask(fault(name, retry_after="7"))
    error: Any = caught.value
    assert (type(error).__name__, error.status_code) == REFUSALS[name]
    assert error.litellm_response_headers["retry-after"] == "7"


async def test_the_code_of_an_error_is_not_read(route: Route) -> None:
    """A context overflow is known by its words only; the code is in the original error."""
    from litellm.exceptions import BadRequestError

    with pytest.raises(BadRequestError) as caught:
        await route.whole(refusal(400, "x", "context_length_exceeded", "Too long."))
    assert type(caught.value) is BadRequestError
    assert "context_length_exceeded" in str(caught.value.__context__)
    assert (caught.value.body is not None) is route.sdk


@pytest.mark.parametrize(
    ("name", "said", "first"),
    [
        ("close", "The learning rate was to", False),
        ("close_at_once", "", True),
        ("close_in_arguments", "", False),
        ("reset", "The learning rate was to", False),
        ("reset_in_arguments", "", False),
        ("error_event", "The learning rate was to", False),
    ],
)
async def test_broken_streams(route: Route, name: str, said: str, first: bool) -> None:
    from litellm.exceptions import MidStreamFallbackError

    with pytest.raises(MidStreamFallbackError) as caught:
        await route.stream(fault(name))
    assert (caught.value.generated_content, caught.value.is_pre_first_chunk) == (said, first)


@pytest.mark.parametrize("name", ["refuse", "close", "reset"])
async def test_broken_answers(route: Route, name: str) -> None:
    from litellm.exceptions import InternalServerError

    with pytest.raises(InternalServerError):
        await route.whole(fault(name))


@pytest.mark.parametrize("name", ["stall", "stall_at_once"])
async def test_stalls(route: Route, name: str) -> None:
    from litellm.exceptions import MidStreamFallbackError, Timeout

    with pytest.raises(MidStreamFallbackError):
        await route.stream(fault(name), request_timeout=0.3)
    with pytest.raises(Timeout):
        await route.whole(fault(name), request_timeout=0.3)


@pytest.mark.parametrize(
    ("name", "said", "arguments"),
    [
        ("eof", "The learning rate was to", []),
        ("eof_at_once", "", []),
        ("eof_in_arguments", "", [{"command": "py"}]),
        ("not_json", "", []),
    ],
)
async def test_an_early_end_looks_normal(
    route: Route, name: str, said: str, arguments: list[Any]
) -> None:
    """Half a call even comes completed: nothing in the message tells that it was cut off."""
    message = joined(await route.stream(fault(name)))
    assert message.text == said
    assert message.response_metadata["finish_reason"] == "stop"
    assert [call["args"] for call in message.tool_calls] == arguments


@pytest.mark.parametrize(("step", "ended"), [(fault("eof"), None), (text("Hi"), "stop")])
async def test_litellm_knows_an_early_end(route: Route, step: Step, ended: str | None) -> None:
    import litellm

    with ModelServer([step]) as server:
        question = [{"role": "user", "content": "Go"}]
        where = {"api_base": server.base_url, "api_key": "k", "max_retries": 0}
        stream: Any = await litellm.acompletion(route.model, question, stream=True, **where)
        async for _ in stream:
            pass
    assert stream.received_finish_reason == ended


@pytest.mark.parametrize("lossy", ["[DONE]", "\u2028", "\u2029", "\x85"])
async def test_streams_are_exact(route: Route, lossy: str, request: pytest.FixtureRequest) -> None:
    """litellm's own handler takes [DONE] for the end and splits events at Unicode line ends."""
    if not route.sdk:
        request.applymarker(pytest.mark.xfail(reason="the event is dropped", strict=True))
    command = f"grep '{lossy}' log"
    answer = calls(Call("bash", {"command": command}), content=f"Look: {lossy}!", piece=100)
    message = joined(await route.stream(answer))
    assert message.text == f"Look: {lossy}!"
    assert message.tool_calls[0]["args"] == {"command": command}


@pytest.mark.parametrize(
    ("name", "streamed", "whole"),
    [
        ("broken_arguments", [{"command": "ls"}], []),
        ("array_arguments", [], [{}]),
        ("null_arguments", [], [{}]),
        ("empty_arguments", [{}], []),
        ("length_in_arguments", [{"command": "python tra"}], []),
    ],
)
async def test_malformed_arguments(
    route: Route, name: str, streamed: list[Any], whole: list[Any]
) -> None:
    """Streamed and whole answers are read differently, and both take some calls for sound."""
    answers = [joined(await route.stream(fault(name))), await route.whole(fault(name))]
    assert [[call["args"] for call in answer.tool_calls] for answer in answers] == [streamed, whole]


@pytest.mark.parametrize("delay", [0.0, 60.0])
async def test_cancelling_ends_the_request(route: Route, delay: float) -> None:
    with ModelServer([fault("stall", delay=delay)]) as server:
        chat = route.chat(server)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                async for _ in chat.astream(QUESTION):
                    pass
        await asyncio.sleep(0.2)
        assert [request.outcome for request in server.requests] == ["left"]
