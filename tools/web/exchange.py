"""One question to a service: attempts, waits, redirects, limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING

import httpx

from ml_intern.llm.background import in_daemon
from ml_intern.tools.web.errors import StrayError, WebError
from ml_intern.tools.web.kept import Page
from ml_intern.tools.web.origins import origin_of

if TYPE_CHECKING:
    from ml_intern.tools.web.client import Request

_AGENT = {"User-Agent": "ml-intern"}
_AGAIN = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = 5
_PAUSE = 0.5
"""Seconds before the second attempt; doubled for each that follows."""
_LONGEST = 10.0
"""Seconds above which a wait that a service asks for is the model's business, not ours."""


_MAKING = Lock()


def _client() -> httpx.Client:
    """Shared by the threads; made once, for loading the certificates takes 20 ms."""
    # The cache alone lets several first callers make one each, and nobody closes the others.
    with _MAKING:
        return _made()


@lru_cache(maxsize=1)
def _made() -> httpx.Client:
    return httpx.Client(headers=_AGENT, follow_redirects=False)


class Exchange:
    """Asks until there is an answer, or no hope of one."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._until = time.monotonic() + request.seconds

    async def run(self) -> Page:
        """The answer.

        Raises:
            WebError: there is none.
        """
        for attempt in range(self._request.attempts):
            try:
                return await in_daemon(self._ask)
            except _AgainError as error:
                wait = error.wait if error.wait is not None else _PAUSE * 2**attempt
                last = attempt + 1 == self._request.attempts
                if last or wait > min(_LONGEST, self._until - time.monotonic()):
                    raise WebError(str(error), error.status, error.code) from None
            await asyncio.sleep(wait)
        raise AssertionError("a request has at least one attempt")

    def _ask(self) -> Page:
        """One attempt. Blocks."""
        try:
            return self._follow()
        except httpx.InvalidURL:
            raise WebError(f"{self._request.url} is, or leads to, no address.") from None

    def _follow(self) -> Page:
        """The answer at the end of the redirects."""
        url, credentials = httpx.URL(self._request.url), self._request.credentials
        for _ in range(_REDIRECTS):
            found = self._explained(url, partial(self._step, url, credentials))
            if isinstance(found, Page):
                return found
            target = url.join(found)
            if origin_of(str(target)) != origin_of(str(url)):
                credentials = {}
                self._require_allowed(target)
            url = target
        raise WebError(f"{url.host} redirects without end.")

    def _require_allowed(self, target: httpx.URL) -> None:
        allowed = self._request.origins
        if allowed and origin_of(str(target)) not in allowed:
            raise StrayError(f"{self._request.url} redirects to {target.host}, which is not asked.")

    def _explained(self, url: httpx.URL, step: Callable[[], Page | str]) -> Page | str:
        try:
            return step()
        except httpx.TimeoutException:
            raise _AgainError(f"{url.host} did not answer in time.") from None
        except (httpx.HTTPError, OSError) as error:
            said = str(error) or type(error).__name__
            raise _AgainError(f"{url.host} could not be reached ({said}).") from None

    def _step(self, url: httpx.URL, credentials: Mapping[str, str]) -> Page | str:
        """The answer, or where the service sends us."""
        asked = self._request
        left = max(0.1, self._until - time.monotonic())
        with _client().stream(
            "GET" if asked.body is None else "POST",
            url,
            # An empty set of parameters would drop those that the address has.
            params=asked.params or None if str(url) == asked.url else None,
            json=asked.body,
            headers={**asked.headers, **credentials},
            timeout=left,
        ) as response:
            if response.is_redirect:
                return response.headers["location"]
            body = self._read(response)
        if response.is_success:
            kind = response.headers.get("content-type", "")
            return Page(str(response.url), body, kind)
        raise refused(response, _without(credentials.values(), body))

    def _read(self, response: httpx.Response) -> str:
        whole = bytearray()
        for piece in response.iter_bytes():
            whole += piece
            if len(whole) > self._request.most:
                raise WebError(
                    f"{response.url} is larger than {self._request.most // 1_000_000} MB: not read."
                )
            if time.monotonic() > self._until:
                raise _AgainError(f"{response.url.host} did not answer in time.")
        return _text(bytes(whole), response.charset_encoding)


class _AgainError(WebError):
    """Another attempt may do better, after `wait` seconds if the service said so."""

    def __init__(
        self, message: str, status: int | None = None, code: str = "", wait: float | None = None
    ) -> None:
        super().__init__(message, status, code)
        self.wait = wait


def _without(credentials: Iterable[str], text: str) -> str:
    """`text` of a service that repeats what it was asked with."""
    for secret in (word for value in credentials for word in (value, value.rpartition(" ")[2])):
        text = text.replace(secret or "\0", "[credential]")
    return text


def refused(response: httpx.Response, body: str) -> WebError:
    """What an answer that is none of use means."""
    status, host = response.status_code, response.url.host
    code = response.headers.get("x-error-code", "")[:100]
    if status == 429:
        wait = _seconds(response.headers.get("retry-after"))
        when = f" Try again in {wait:.0f} s." if wait else " Try again later."
        return _AgainError(f"{host} is asked too often (429).{when}", status, code, wait)
    said = " ".join(body.split())[:200]
    message = f"{host} answered {status} to {response.url.path}: {said or response.reason_phrase}"
    # A service that names the defect has looked into it: it will find the same again.
    again = status in _AGAIN and not (status == 500 and code)
    return _AgainError(message, status, code) if again else WebError(message, status, code)


def _text(body: bytes, charset: str | None) -> str:
    try:
        return body.decode(charset or "utf-8", errors="replace")
    except (LookupError, ValueError):  # no such charset, or none of text
        return body.decode("utf-8", errors="replace")


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header or ""))
    except ValueError:
        return None
