"""The lines a scripted model speaks: what it answers, how it sends it, and what goes wrong.

A `Step` answers one request. `text` and `calls` write the usual ones, `fault` those of `FAULTS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Body = dict[str, Any]
"""A request's JSON."""

NEXT = "<next>"
"""The id of a call that the server numbers: call_1, call_2, …"""

How = Literal["stall", "close", "reset", "eof", "error", "refuse"]
"""
- stall: nothing more is sent, the connection stays open;
- close: the connection ends (FIN) in the middle of the body;
- reset: the same with a TCP reset;
- eof: the body ends as if complete, without finish_reason and `[DONE]`;
- error: an error event in the stream, then the end;
- refuse: the connection ends before any header.
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call. Arguments given as a string are sent as they are, however broken."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    id: str | None = NEXT
    """None leaves the field out."""

    @property
    def raw_arguments(self) -> str:
        if isinstance(self.arguments, str):
            return self.arguments
        return json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where and how an answer breaks off."""

    how: How
    after: int | None = None
    """Stream events sent before it; the first only carries the role. None: all but the finish."""


@dataclass(frozen=True, slots=True)
class Plain:
    """An HTTP response sent in place of a completion."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The answer to one request."""

    content: str | None = ""
    calls: tuple[Call, ...] = ()
    reasoning: str = ""
    finish: str = ""
    """The finish_reason; empty for the one that fits."""
    usage: tuple[int, ...] | None = None
    """Tokens: prompt, completion, cached, reasoning. None: estimated; (): none is reported."""
    delay: float = 0
    """Seconds before the headers."""
    chunk_delay: float = 0
    """Seconds between stream events."""
    cut: Cut | None = None
    indexed: bool = True
    """False: fragments of tool calls carry no index, as some providers send them."""
    piece: int = 0
    """Characters in a stream event; 0: a tenth of the whole, but from 4 to 1000."""
    repeat: int = 1
    """How often the stream says the content."""
    blanks: int = 0
    """Stream events without anything in them, before the content."""
    instead: Plain | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    expect: Callable[[Body], object] | None = None
    """A check of the request: it may assert, or return False."""

    @property
    def finish_reason(self) -> str:
        return self.finish or ("tool_calls" if self.calls else "stop")


Line = Step | Callable[[Body], Step]
Script = Iterable[Line] | Callable[[], Iterator[Line]]


def text(content: str, **options: Any) -> Step:
    """An answer in words."""
    return Step(content=content, **options)


def calls(*wanted: Call, content: str | None = None, **options: Any) -> Step:
    """An answer that calls tools."""
    return Step(content=content, calls=wanted, **options)


def fault(name: str, *, retry_after: str | None = None, **options: Any) -> Step:
    """A named fault, with some of the step's fields changed."""
    if retry_after is not None:
        options["headers"] = {"Retry-After": retry_after}
    return replace(FAULTS[name], **options)


def refusal(status: int, kind: str, code: str | None, message: str, **more: Any) -> Step:
    """An error as OpenAI words it."""
    return Step(instead=Plain(status, error_body(kind, code, message, **more)))


def error_body(kind: str, code: str | None, message: str, **more: Any) -> bytes:
    error = {"message": message, "type": kind, "param": None, "code": code, **more}
    return json.dumps({"error": error}).encode()


def error_event(kind: str, code: str | None, message: str) -> Step:
    """A stream that says something and then reports an error."""
    delta = b'data: {"choices":[{"index":0,"delta":{"content":"Well"},"finish_reason":null}]}\n\n'
    body = delta + b"data: " + error_body(kind, code, message) + b"\n\n"
    return Step(instead=Plain(200, body, "text/event-stream"))


def read_step(spec: Mapping[str, Any]) -> Step:
    """A step from JSON: {"text": …}, {"calls": [{"name": …, "arguments": …}]}, {"fault": …}."""
    options = dict(spec)
    if "cut" in options:
        options["cut"] = Cut(**options["cut"])
    if "usage" in options:
        options["usage"] = tuple(options["usage"])
    if "fault" in options:
        return fault(options.pop("fault"), **options)
    if "calls" in options:
        return calls(*(Call(**call) for call in options.pop("calls")), **options)
    return text(options.pop("text"), **options)


_PROSE = "The learning rate was too high, so I lowered it and started again."
_COMMAND = Call("bash", {"command": "python train.py --epochs 3 --out model"})

FAULTS: dict[str, Step] = {
    # Refusals
    "400": refusal(400, "invalid_request_error", None, "Invalid value for 'temperature'."),
    "401": refusal(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "402": refusal(402, "insufficient_quota", None, "You have exceeded your included credits."),
    "403": refusal(403, "permission_error", None, "You have no access to this model."),
    "404": refusal(404, "invalid_request_error", "model_not_found", "The model does not exist."),
    "429": refusal(429, "requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    "429_quota": refusal(429, "insufficient_quota", "insufficient_quota", "Check your plan."),
    "500": refusal(500, "server_error", None, "The server had an error."),
    "503": refusal(503, "server_error", None, "The engine is overloaded."),
    "529": refusal(529, "overloaded_error", None, "Overloaded."),
    "400_effort": refusal(
        400,
        "invalid_request_error",
        "unsupported_value",
        "Unsupported value: 'reasoning_effort' does not support 'high' with this model.",
        param="reasoning_effort",
    ),
    "400_rate_limit_words": refusal(400, "x", None, "No 'rate_limit' here: 429 is not a tier."),
    "413": refusal(413, "request_too_large", None, "Request exceeds the maximum size."),
    "context_code": refusal(400, "x", "context_length_exceeded", "Zu lang."),
    "context_llamacpp": refusal(
        400, "exceed_context_size_error", None, "Too much.", n_prompt_tokens=9001, n_ctx=8192
    ),
    "context_length": refusal(
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 8192 tokens. However, your messages resulted in "
        "9001 tokens. Please reduce the length of the messages.",
    ),
    "error_answer": Step(instead=Plain(200, error_body("insufficient_quota", None, "Pay first."))),
    "not_json": Step(instead=Plain(200, b"<html><h1>Sign in</h1></html>", "text/html")),
    # Broken transfers
    "refuse": Step(cut=Cut("refuse")),
    "close": text(_PROSE, cut=Cut("close", after=5)),
    "close_at_once": text(_PROSE, cut=Cut("close", after=0)),
    "close_in_arguments": calls(_COMMAND, cut=Cut("close", after=5)),
    "reset": text(_PROSE, cut=Cut("reset", after=5)),
    "reset_in_arguments": calls(_COMMAND, cut=Cut("reset", after=5)),
    "eof": text(_PROSE, cut=Cut("eof", after=5)),
    "eof_at_once": text(_PROSE, cut=Cut("eof", after=0)),
    "eof_in_arguments": calls(_COMMAND, cut=Cut("eof", after=5)),
    "eof_before_finish": calls(_COMMAND, cut=Cut("eof")),
    "error_event": text(_PROSE, cut=Cut("error", after=5)),
    "overloaded_event": error_event("overloaded_error", None, "Overloaded."),
    "quota_event": error_event("insufficient_quota", "insufficient_quota", "Pay first."),
    "stall": text(_PROSE, cut=Cut("stall", after=5)),
    "stall_at_once": text(_PROSE, cut=Cut("stall", after=0)),
    # Answers that break the protocol
    "broken_arguments": calls(Call("bash", '{"command": "ls')),
    "array_arguments": calls(Call("bash", '["ls"]')),
    "empty_arguments": calls(Call("bash", "")),
    "null_arguments": calls(Call("bash", "null")),
    "huge_arguments": calls(Call("bash", {"command": "echo " + "x" * 1_000_000})),
    "missing_id": calls(Call("bash", {"command": "ls"}, id=None)),
    "empty_id": calls(Call("bash", {"command": "ls"}, id="")),
    "duplicate_ids": calls(*(Call("bash", {"command": c}, id="call_x") for c in ("ls", "pwd"))),
    "no_index": calls(_COMMAND, Call("bash", {"command": "ls"}), indexed=False),
    "unknown_tool": calls(Call("launch_rocket", {"speed": 9})),
    "empty_name": calls(Call("", {"command": "ls"})),
    "empty": text(""),
    "null": Step(content=None),
    "only_reasoning": Step(content=None, reasoning="I should answer, but I do not."),
    "length": text(_PROSE, finish="length"),
    "length_in_arguments": calls(Call("bash", '{"command": "python tra'), finish="length"),
    "content_filter": text("I cannot", finish="content_filter"),
    "unsendable_text": text("A NUL \x00 and half a pair \ud83d in one answer."),
    # Bounded, so that a client that never gives up still ends.
    "empty_chunks": text(_PROSE, blanks=20_000),
    "many_calls": calls(*(Call("bash", "{}") for _ in range(1200))),
    "endless": text(_PROSE + " ", repeat=20_000),
}
