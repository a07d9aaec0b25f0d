"""A model played from a script, over OpenAI's chat completions protocol on a loopback port.

    with ModelServer([calls(Call("bash", {"command": "ls"})), text("Done.")]) as server:
        run_the_product(server.base_url)
    assert server.requests[1].body["messages"][-1]["role"] == "tool"

Leaving the block fails if the script was not used up or was overrun, or if a request was invalid.
A generator may be left unfinished. By hand: `python tests/emulators/openai_server.py --help`.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count, cycle
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from emulators.exchange import ModelExchange, Request
from emulators.history import strict_json
from emulators.loopback import Emulator, Listener
from emulators.script import (
    FAULTS,
    NEXT,
    Body,
    Call,
    Cut,
    Line,
    Plain,
    Script,
    Step,
    calls,
    fault,
    read_step,
    refusal,
    text,
)
from emulators.strict import violations

__all__ = [
    "FAULTS",
    "Call",
    "Cut",
    "ModelServer",
    "Plain",
    "Request",
    "Step",
    "calls",
    "fault",
    "text",
]

ENDPOINT = "/v1/chat/completions"
CHECK_FAILURES = (AssertionError, AttributeError, LookupError, TypeError, ValueError)


class ModelServer(Emulator):
    """Plays the script to whoever asks, in the order in which requests arrive."""

    def __init__(
        self,
        script: Script,
        *,
        api_key: str | None = None,
        models: Sequence[Body] | None = None,
        keep: int | None = None,
        port: int = 0,
    ) -> None:
        """Serve `models` at /v1/models if given; keep the last `keep` requests, or all."""
        self._lines: Iterator[Line] = iter(script() if callable(script) else script)
        self._must_finish = isinstance(script, Sequence)
        self._api_key = api_key
        self._models = models
        self._ids = (f"call_{number}" for number in count(1))
        self._ledger: deque[Request] = deque(maxlen=keep)
        self._violations: list[str] = []
        self._lock = threading.Lock()
        self._listener = Listener(partial(ModelExchange, self), port)
        self.closing = self._listener.closing
        self.answered = 0
        """Requests so far, kept or not."""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}/v1"

    @property
    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._ledger)

    @property
    def bodies(self) -> list[Body]:
        return [request.body for request in self.requests]

    def problems(self) -> list[str]:
        """What leaving the block would complain about."""
        with self._lock:
            left = list(self._lines) if self._must_finish else []
            self._lines = iter(left)
            unused = (
                [f"{len(left)} steps of the script were not used, next: {left[0]}"] if left else []
            )
            return [*self._violations, *super().problems(), *unused]

    def answer(self, request: Request, raw: bytes) -> tuple[int, Step]:
        """The number of this request, and the step that answers it."""
        with self._lock:
            self.answered += 1
            self._ledger.append(request)
            return self.answered, self._check(request, raw) or self._take(request.body)

    def _check(self, request: Request, raw: bytes) -> Step | None:
        if request.method == "GET" and request.path == "/v1/models" and self._models is not None:
            listing = {"object": "list", "data": list(self._models)}
            return Step(instead=Plain(200, json.dumps(listing).encode()))
        if (request.method, request.path) != ("POST", ENDPOINT):
            return self._refuse(404, [f"there is no {request.method} {request.path}"])
        if self._api_key and request.headers.get("authorization") != f"Bearer {self._api_key}":
            return self._refuse(401, ["the API key is missing or wrong"])
        try:
            request.body = strict_json(raw)
        except ValueError as error:
            return self._refuse(400, [f"the body is not JSON: {error}"])
        found = violations(request.body)
        return self._refuse(400, found) if found else None

    def _take(self, body: Body) -> Step:
        line = next(self._lines, None)
        if line is None:
            return self._refuse(400, ["the script is over"])
        try:
            step = line if isinstance(line, Step) else line(body)
            if step.expect and step.expect(body) is False:
                return self._refuse(400, [f"not the request expected by {step}"])
        except CHECK_FAILURES as error:
            return self._refuse(400, [f"not the request expected: {error!r}"])
        return replace(step, calls=tuple(self._numbered(call) for call in step.calls))

    def _numbered(self, call: Call) -> Call:
        return replace(call, id=next(self._ids)) if call.id == NEXT else call

    def _refuse(self, status: int, found: list[str]) -> Step:
        self._violations += [f"request {self.answered}: {what}" for what in found]
        return refusal(status, "invalid_request_error", None, "; ".join(found))


def main() -> None:
    """Play a script, a JSON list of steps, again and again until interrupted."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("script", type=Path, help='such as [{"text": "Hello"}, {"fault": "429"}]')
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--api-key")
    options = parser.parse_args()
    steps = [read_step(spec) for spec in json.loads(options.script.read_text(encoding="utf-8"))]
    server = ModelServer(lambda: cycle(steps), api_key=options.api_key, port=options.port)
    with server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write(f"{server.answered} requests\n")


if __name__ == "__main__":
    main()
