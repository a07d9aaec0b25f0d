"""A step in the bytes of OpenAI's chat completions API."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import Any

from emulators.script import Body, Call, Step, error_body

CONTINUATION = re.compile(rb"[\x80-\xbf]")
DONE = b"data: [DONE]\n\n"
BROKEN = b"data: " + error_body("server_error", None, "The server had an error.") + b"\n\n"


def completion(step: Step, body: Body, number: int) -> bytes:
    """The whole answer in one JSON object."""
    message: Body = {"role": "assistant", "content": step.content, "refusal": None}
    if step.reasoning:
        message["reasoning_content"] = step.reasoning
    if step.calls:
        message["tool_calls"] = [_whole(call) for call in step.calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": step.finish_reason}
    answer = _envelope("chat.completion", body, number) | {"choices": [choice]}
    if usage := _usage(step, body):
        answer["usage"] = usage
    return _json(answer)


def events(step: Step, body: Body, number: int) -> Iterator[bytes]:
    """The answer as server-sent events; one that is cut short never comes to its finish."""
    envelope = _envelope("chat.completion.chunk", body, number)
    wants_usage = (body.get("stream_options") or {}).get("include_usage")
    if wants_usage:
        envelope["usage"] = None
    for delta in _deltas(step):
        yield _event(envelope | {"choices": [_choice(delta, None)]})
    if step.cut:
        return
    yield _event(envelope | {"choices": [_choice({}, step.finish_reason)]})
    if wants_usage and (usage := _usage(step, body)):
        yield _event(envelope | {"choices": [], "usage": usage})
    yield DONE


def split(frame: bytes) -> tuple[bytes, bytes]:
    """A frame in two, inside a character of several bytes where there is one."""
    found = CONTINUATION.search(frame)
    inside = found.start() if found else len(frame) // 2
    return frame[:inside], frame[inside:]


def _deltas(step: Step) -> Iterator[Body]:
    yield {"role": "assistant", "content": None if step.content is None else ""}
    yield from ({"content": ""} for _ in range(step.blanks))
    for piece in _pieces(step.reasoning, step.piece):
        yield {"reasoning_content": piece}
    for _ in range(step.repeat):
        for piece in _pieces(step.content or "", step.piece):
            yield {"content": piece}
    for fragment in _fragments(step):
        yield {"tool_calls": [fragment]}


def _fragments(step: Step) -> Iterator[Body]:
    """Parallel calls take turns; without an index only the order tells their fragments apart."""
    streams = [_call_fragments(place, call, step.piece) for place, call in enumerate(step.calls)]
    if step.indexed:
        turns = chain.from_iterable(zip_longest(*streams))
        return (fragment for fragment in turns if fragment is not None)
    return (_without_index(fragment) for fragment in chain.from_iterable(streams))


def _call_fragments(place: int, call: Call, size: int) -> Iterator[Body]:
    yield {"index": place} | _whole(call) | {"function": {"name": call.name, "arguments": ""}}
    for piece in _pieces(call.raw_arguments, size):
        yield {"index": place, "function": {"arguments": piece}}


def _without_index(fragment: Body) -> Body:
    return {name: value for name, value in fragment.items() if name != "index"}


def _whole(call: Call) -> Body:
    function = {"name": call.name, "arguments": call.raw_arguments}
    named = {} if call.id is None else {"id": call.id}
    return named | {"type": "function", "function": function}


def _pieces(whole: str, size: int) -> Iterator[str]:
    size = size or min(max(4, len(whole) // 10), 1000)
    return (whole[start : start + size] for start in range(0, len(whole), size))


def _usage(step: Step, body: Body) -> Body | None:
    """What the step says, else four bytes a token, so that a growing history looks like one."""
    if step.usage == ():
        return None
    said = step.usage or (len(_json(body)) // 4, len(_json([*_deltas(step)])) // 16)
    prompt, completed, cached, reasoned = (*said, 0, 0, 0)[:4]
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completed,
        "total_tokens": prompt + completed,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoned},
    }


def _envelope(kind: str, body: Body, number: int) -> Body:
    created = int(time.time())
    return {"id": f"chatcmpl-{number}", "object": kind, "created": created, "model": body["model"]}


def _choice(delta: Body, finish: str | None) -> Body:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _event(chunk: Body) -> bytes:
    return b"data: " + _json(chunk) + b"\n\n"


def _json(value: Any) -> bytes:
    """Raw UTF-8, as providers send it; half a surrogate pair has no bytes and is escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
