"""A model played from a script, over Anthropic's Messages API on a loopback port.

It takes the steps of `emulators.script`, refuses what the API refuses, and counts tokens with a
prompt cache. Leaving the block fails if the script was not used up or was overrun, or if a request
was invalid that the script did not mean to be.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from emulators.anthropic_cache import Cache, Usage
from emulators.anthropic_strict import signature, violations
from emulators.loopback import Emulator, Exchange, Listener
from emulators.script import NEXT, Body, Plain, Step

ENDS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}


def refusal(status: int, kind: str, message: str = "No.", **headers: str) -> Step:
    """An error as Anthropic words it."""
    return Step(instead=Plain(status, error_body(kind, message)), headers=headers)


def error_body(kind: str, message: str) -> bytes:
    error = {"type": kind, "message": message}
    return json.dumps({"type": "error", "error": error, "request_id": "req_1"}).encode()


class AnthropicServer(Emulator):
    """Plays the script to whoever asks, in the order in which requests arrive."""

    def __init__(self, script: Sequence[Step]) -> None:
        self._script = deque(script)
        self._cache = Cache()
        self._lock = threading.Lock()
        self._listener = Listener(partial(_Exchange, self), 0)
        self.closing = self._listener.closing
        self.bodies: list[Body] = []
        self.usages: list[Usage] = []
        """Of each answer that was not a refusal."""
        self.refused: list[str] = []
        self._calls = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    def problems(self) -> list[str]:
        unused = [f"{len(self._script)} steps were not used"] if self._script else []
        return [*self.refused, *super().problems(), *unused]

    def answer(self, body: Body) -> tuple[Step, Usage]:
        with self._lock:
            self.bodies.append(body)
            if found := violations(body):
                self.refused += found
                return refusal(400, "invalid_request_error", "; ".join(found)), Usage(0, 0, 0)
            if not self._script:
                self.refused.append("the script is over")
                return refusal(400, "invalid_request_error", "The script is over."), Usage(0, 0, 0)
            step = self._script.popleft()
            if step.instead:
                return step, Usage(0, 0, 0)
            self.usages.append(self._cache.take(body))
            return step, self.usages[-1]

    def content(self, step: Step) -> list[Body]:
        """The blocks of the answer."""
        found: list[Body] = []
        if step.reasoning:
            signed = signature(step.reasoning)
            found.append({"type": "thinking", "thinking": step.reasoning, "signature": signed})
        if step.content:
            found.append({"type": "text", "text": step.content})
        for call in step.calls:
            self._calls += 1
            name = f"toolu_{self._calls}" if call.id == NEXT else call.id
            arguments = json.loads(call.raw_arguments)
            found.append({"type": "tool_use", "id": name, "name": call.name, "input": arguments})
        return found


class _Exchange(Exchange):
    def __init__(self, server: AnthropicServer, *connection: Any) -> None:
        self.model = server
        super().__init__(*connection)

    def do_POST(self) -> None:
        body = json.loads(self.read_body())
        step, usage = self.model.answer(body)
        if step.instead:
            plain = step.instead
            self.send_whole(plain.status, plain.content_type, plain.body, step.headers)
        elif body.get("stream"):
            self._stream(step, body, usage)
        else:
            self._whole(step, body, usage)

    def _whole(self, step: Step, body: Body, usage: Usage) -> None:
        answer = _envelope(body) | {
            "content": self.model.content(step),
            "stop_reason": ENDS[step.finish_reason],
            "usage": usage.wire | {"output_tokens": 7},
        }
        self.send_whole(200, "application/json", json.dumps(answer).encode(), {})

    def _stream(self, step: Step, body: Body, usage: Usage) -> None:
        self.send_chunked_head("text/event-stream; charset=utf-8", {})
        started = _envelope(body) | {"content": [], "stop_reason": None}
        started["usage"] = usage.wire | {"output_tokens": 1}
        self._event("message_start", message=started)
        self._event("ping")
        for index, block in enumerate(self.model.content(step)):
            for kind, fields in _block_events(block):
                self._event(kind, index=index, **fields)
        if step.cut:
            self.send_chunk(b"event: error\ndata: " + error_body("overloaded_error", "Overloaded"))
            self.send_chunk(b"\n\n")
        else:
            delta = {"stop_reason": ENDS[step.finish_reason], "stop_sequence": None}
            self._event("message_delta", delta=delta, usage={"output_tokens": 7})
            self._event("message_stop")
        self.send_last_chunk()

    def _event(self, kind: str, **fields: Any) -> None:
        data = json.dumps({"type": kind, **fields})
        self.send_chunk(f"event: {kind}\ndata: {data}\n\n".encode())


def _envelope(body: Body) -> Body:
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"]}


def _block_events(block: Body) -> Iterator[tuple[str, Body]]:
    start: Body
    match block["type"]:
        case "text":
            start, deltas = {"text": ""}, [{"type": "text_delta", "text": block["text"]}]
        case "thinking":
            start = {"thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        case _:
            start = {"id": block["id"], "name": block["name"], "input": {}}
            text = json.dumps(block["input"])
            deltas = [
                {"type": "input_json_delta", "partial_json": part} for part in (text[:5], text[5:])
            ]
    yield "content_block_start", {"content_block": {"type": block["type"], **start}}
    yield from (("content_block_delta", {"delta": delta}) for delta in deltas)
    yield "content_block_stop", {}
