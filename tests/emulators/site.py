"""A service on a loopback port: routes, faults on demand, and a ledger of what it was asked."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from typing_extensions import override

from emulators.loopback import Emulator, Exchange, Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, as it is in the ledger."""

    method: str
    path: str
    """Without the query; percent signs decoded."""
    query: Mapping[str, str]
    """Of a parameter that is repeated, the last."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""
    parts: Mapping[str, str] = field(default_factory=dict)
    """What stood in the route's braces."""
    pairs: Sequence[tuple[str, str]] = ()
    """The query with what is repeated in it."""

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def token(self) -> str:
        """The bearer token; "" for none."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, whole or broken."""

    status: int = 200
    body: Any = None
    """Bytes and text are sent as they are, anything else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before it."""
    cut: bool = False
    """Whether the connection breaks halfway through the body."""


Handler = Callable[[Ask], Any]
"""A `Reply`, or the body of one."""


class Site(Emulator):
    """Answers by its routes, the first that fits; 404 for the rest."""

    def __init__(self) -> None:
        self.ledger: list[Ask] = []
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self._faults: list[tuple[re.Pattern[str], Reply]] = []
        self._lock = threading.Lock()
        self._listener = Listener(partial(_SiteExchange, self), 0)

    @property
    def url(self) -> str:
        """Its origin, without a slash at the end."""
        return f"http://127.0.0.1:{self._listener.port}"

    @property
    def lines(self) -> list[str]:
        return [ask.line for ask in self.ledger]

    def on(self, line: str, handler: Any) -> None:
        """Answer `GET /a/{name}/b/{rest+}`: `{name}` is one part of a path, `{rest+}` several.

        `handler` takes an `Ask`, or is the answer itself.
        """
        method, _, path = line.partition(" ")
        pattern = re.sub(r"\\{(\w+)(\\\+)?\\}", _group, re.escape(path))
        answer = handler if callable(handler) else (lambda _: handler)
        self._routes.append((method, re.compile(pattern), answer))

    def fail(self, pattern: str, reply: Reply, times: int = 1) -> None:
        """Answer the next `times` requests whose line has `pattern` with `reply` instead."""
        self._faults += [(re.compile(pattern), reply)] * times

    def answer(self, ask: Ask) -> Reply:
        """The reply to a request, which goes into the ledger."""
        with self._lock:
            self.ledger.append(ask)
            for index, (pattern, reply) in enumerate(self._faults):
                if pattern.search(ask.line):
                    del self._faults[index]
                    return reply
        for method, path, handler in self._routes:
            if method == ask.method and (match := path.fullmatch(ask.path)):
                found = handler(_with_parts(ask, match.groupdict()))
                return found if isinstance(found, Reply) else Reply(body=found)
        return Reply(status=404, body={"error": f"nothing at {ask.line}"})


def _group(match: re.Match[str]) -> str:
    return f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})"


def _with_parts(ask: Ask, parts: Mapping[str, str]) -> Ask:
    return replace(ask, parts=parts)


class _SiteExchange(Exchange):
    def __init__(self, site: Site, *connection: Any) -> None:
        self.site = site
        super().__init__(*connection)

    def _handle(self) -> None:
        address = urlsplit(self.path)
        pairs = parse_qsl(address.query, keep_blank_values=True)
        reply = self.site.answer(
            Ask(
                method=self.command,
                path=unquote(address.path),
                query=dict(pairs),
                pairs=pairs,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.read_body(),
            )
        )
        self.pause(reply.delay, self.site._listener.closing)
        data, kind = _encoded(reply.body)
        headers = {"Content-Type": kind, "Content-Length": str(len(data)), **reply.headers}
        self._send_head(reply.status, headers)
        if reply.cut:
            self.wfile.write(data[: len(data) // 2])
            self.close()
        elif self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _handle

    @override
    def read_body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            return super().read_body()
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole


def _encoded(body: Any) -> tuple[bytes, str]:
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/html; charset=utf-8"
    return json.dumps(body).encode(), "application/json"
