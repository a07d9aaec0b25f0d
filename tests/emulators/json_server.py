"""A server that answers in JSON, on a loopback port; a subclass says what."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import partial
from typing import Any

from emulators.loopback import Emulator, Exchange, Listener

NOT_FOUND = (404, {"error": "not found"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One line of the ledger."""

    line: str
    """Method and path."""
    key: str | None
    body: Any


class JsonServer(Emulator):
    """Keeps a ledger of what it was asked."""

    def __init__(self) -> None:
        self.ledger: list[Asked] = []
        self.delay = 0.0
        """Seconds before each answer."""
        self.location: str | None = None
        """Where every request is redirected to."""
        self._listener = Listener(partial(_JsonExchange, self), 0)
        self.closing: threading.Event = self._listener.closing

    def answer(self, line: str, body: Any) -> tuple[int, Any]:
        """Status and JSON; bytes are sent as they are."""
        raise NotImplementedError

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    @property
    def base_url(self) -> str:
        return f"{self.root}/v1"

    @property
    def lines(self) -> list[str]:
        return [asked.line for asked in self.ledger]


class _JsonExchange(Exchange):
    def __init__(self, server: JsonServer, *connection: Any) -> None:
        self.of = server
        super().__init__(*connection)

    def do_POST(self) -> None:
        raw = self.read_body()
        body = json.loads(raw) if raw else None
        line = f"{self.command} {self.path}"
        self.of.ledger.append(Asked(line=line, key=self.headers.get("Authorization"), body=body))
        self.pause(self.of.delay, self.of.closing)
        if self.of.location:
            self.send_whole(307, "text/plain", b"", {"Location": self.of.location})
            return
        status, answer = self.of.answer(line, body)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_whole(status, "application/json", data, {})

    do_GET = do_POST
