"""Every provider that is said to be exact is: text, tool calls, and whether the answer ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from emulators.loopback import Exchange, Listener
from ml_intern.configs.settings import Settings
from ml_intern.llm.ask import Asking, ask
from ml_intern.llm.endpoint import PROVIDER_KEYS, Endpoint
from ml_intern.llm.errors import ModelError
from ml_intern.llm.factory import make_model
from ml_intern.llm.reply import Reply

HOSTILE = "a [DONE] b \x85 c \u2028 d \u2029 e 🤗"
ARGUMENTS = {"command": f"grep '{HOSTILE}' log"}
EXACT = sorted(PROVIDER_KEYS.keys() - {"gemini", "cohere"})
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "bash", "description": "Run.", "parameters": {"type": "object"}},
}


def event(**fields: Any) -> bytes:
    kind = f"event: {fields['type']}\n" if "type" in fields else ""
    return f"{kind}data: {json.dumps(fields, ensure_ascii=False)}\n\n".encode()


def openai_events() -> Iterator[bytes]:
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    call = {"id": "call_1", "type": "function", "function": {"name": "bash", "arguments": ""}}
    part = {"index": 0, "function": {"arguments": json.dumps(ARGUMENTS, ensure_ascii=False)}}
    for delta in (
        {"role": "assistant", "content": HOSTILE},
        {"tool_calls": [{"index": 0, **call}]},
        {"tool_calls": [part]},
    ):
        yield event(**base, choices=[{"index": 0, "delta": delta, "finish_reason": None}])
    yield event(**base, choices=[{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])
    yield b"data: [DONE]\n\n"


def anthropic_events() -> Iterator[bytes]:
    usage = {"input_tokens": 3, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
    yield event(type="message_start", message={**message, "stop_reason": None, "usage": usage})
    text = {"type": "text", "text": ""}
    yield event(type="content_block_start", index=0, content_block=text)
    said = {"type": "text_delta", "text": HOSTILE}
    yield event(type="content_block_delta", index=0, delta=said)
    yield event(type="content_block_stop", index=0)
    call = {"type": "tool_use", "id": "call_1", "name": "bash", "input": {}}
    yield event(type="content_block_start", index=1, content_block=call)
    part = {"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS, ensure_ascii=False)}
    yield event(type="content_block_delta", index=1, delta=part)
    yield event(type="content_block_stop", index=1)
    yield event(type="message_delta", delta={"stop_reason": "tool_use"}, usage=usage)
    yield event(type="message_stop")


def openai_answer() -> bytes:
    function = {"name": "bash", "arguments": json.dumps(ARGUMENTS, ensure_ascii=False)}
    call = {"id": "call_1", "type": "function", "function": function}
    message = {"role": "assistant", "content": HOSTILE, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": usage}
    whole["service_tier"] = "default"  # litellm wants it of Groq
    return json.dumps({**whole, "choices": [choice]}, ensure_ascii=False).encode()


def anthropic_answer() -> bytes:
    call = {"type": "tool_use", "id": "call_1", "name": "bash", "input": ARGUMENTS}
    content = [{"type": "text", "text": HOSTILE}, call]
    whole = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": content}
    usage = {"input_tokens": 3, "output_tokens": 1}
    ending = {"stop_reason": "tool_use", "stop_sequence": None, "usage": usage}
    return json.dumps({**whole, **ending}, ensure_ascii=False).encode()


class Provider(Exchange):
    """Answers every request with the same events, or with one JSON object."""

    def __init__(self, events: list[bytes], asked: list[str], *args: Any) -> None:
        self.events, self.asked = events, asked
        super().__init__(*args)

    def do_POST(self) -> None:
        self.read_body()
        self.asked.append(self.path)
        kind = "application/json" if self.events[0].startswith(b"{") else "text/event-stream"
        self.send_chunked_head(kind, {})
        for one in self.events:
            self.send_chunk(one)
        self.send_last_chunk()


async def answer(provider: str, events: list[bytes], *, stream: bool = True) -> Reply:
    asked: list[str] = []
    listener = Listener(partial(Provider, events, asked), 0)
    listener.start()
    url, name = f"http://127.0.0.1:{listener.port}", f"{provider}/m"
    endpoint = Endpoint(name=name, model=name, api_base=url, api_key="k")
    model = make_model(endpoint, Settings(model_name=name, max_retries=0), [TOOL])
    try:
        return await ask(model, [HumanMessage("Go")], lambda _: None, Asking(stream=stream))
    finally:
        await model.close()
        listener.stop()
        assert (listener.failures, len(asked)) == ([], 1)


def events_of(provider: str) -> list[bytes]:
    return [*(anthropic_events() if provider == "anthropic" else openai_events())]


def test_all_that_are_named_are_tested() -> None:
    from ml_intern.llm import chat

    assert sorted(chat.EXACT) == EXACT


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("provider", EXACT)
async def test_nothing_is_lost(provider: str, stream: bool) -> None:
    whole = anthropic_answer() if provider == "anthropic" else openai_answer()
    reply = await answer(provider, events_of(provider) if stream else [whole], stream=stream)
    assert (reply.text, reply.finish) == (HOSTILE, "tool_calls")
    [call] = reply.calls
    assert (call.id, call.name, json.loads(call.arguments)) == ("call_1", "bash", ARGUMENTS)


@pytest.mark.parametrize("provider", EXACT)
async def test_an_early_end_is_noticed(provider: str) -> None:
    with pytest.raises(ModelError, match="ended early") as caught:
        await answer(provider, events_of(provider)[:-2])
    assert caught.value.retryable
