"""One client's connection to the scripted model: what it asks, and how a step is performed."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, Protocol

from emulators.loopback import Exchange
from emulators.script import Body, Cut, Step
from emulators.wire import BROKEN, completion, events, split


@dataclass(slots=True)
class Request:
    """One line of the ledger."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: Body
    raw: bytes = b""
    """The body as it came."""
    at: float = field(default_factory=time.time)
    outcome: Literal["open", "sent", "cut", "left"] = "open"
    """left: the client went away before the end. Settled when the server's block is left."""


class Model(Protocol):
    """Whoever decides what is answered."""

    closing: threading.Event

    def answer(self, request: Request, raw: bytes) -> tuple[int, Step]: ...


class ModelExchange(Exchange):
    """Performs the steps that a model takes in answer to what one connection asks."""

    def __init__(self, model: Model, *connection: Any) -> None:
        self.model = model
        super().__init__(*connection)

    def do_POST(self) -> None:
        raw = self.read_body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, {}, raw)
        number, step = self.model.answer(request, raw)
        try:
            self._perform(step, request.body, number)
            request.outcome = "cut" if step.cut else "sent"
        except ConnectionError:
            request.outcome = "left"
            self.close_connection = True

    do_GET = do_POST

    def _perform(self, step: Step, body: Body, number: int) -> None:
        self.pause(step.delay, self.model.closing)
        if step.cut and step.cut.how == "refuse":
            self.close()
        elif step.instead:
            plain = step.instead
            self.send_whole(plain.status, plain.content_type, plain.body, step.headers)
        elif body.get("stream"):
            self._stream(step, body, number)
        else:
            self._send_completion(step, completion(step, body, number))

    def _stream(self, step: Step, body: Body, number: int) -> None:
        self.send_chunked_head("text/event-stream; charset=utf-8", step.headers)
        for frame in islice(events(step, body, number), step.cut.after if step.cut else None):
            for part in split(frame):
                self.send_chunk(part)
            self.pause(step.chunk_delay, self.model.closing)
        self._end(step.cut)

    def _send_completion(self, step: Step, whole: bytes) -> None:
        self.send_chunked_head("application/json", step.headers)
        self.send_chunk(whole[: len(whole) // 2])
        if not step.cut:
            self.send_chunk(whole[len(whole) // 2 :])
        self._end(step.cut)

    def _end(self, cut: Cut | None) -> None:
        match cut.how if cut else "eof":
            case "stall":
                self.close_connection = True
                self.pause(math.inf, self.model.closing)
            case "close":
                self.close()
            case "reset":
                self.reset()
            case "error":
                self.send_chunk(BROKEN)
                self.send_last_chunk()
            case _:
                self.send_last_chunk()
