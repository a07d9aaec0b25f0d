"""What keeps the user's key where it belongs: no redirect takes it elsewhere, no error shows it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from typing import cast

import httpx

from ml_intern.llm.errors import MovedError

MOST_HOPS = 5
MOST_SAID = 64_000
"""Bytes of an error that are read: litellm searches each for many sentences."""

_KEYS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
_SHORTEST = 8
"""Characters below which a key is none: servers that need none are sent a word."""
_PORTS = {"http": 80, "https": 443}
_DECODED = ("content-encoding", "content-length", "transfer-encoding")


def onward(response: httpx.Response) -> httpx.Request | None:
    """The request that a redirect asks for; None if it is no redirect.

    httpx takes only `Authorization` from one that goes to another server: a key in another header
    and the whole conversation would go with it.

    Raises:
        MovedError: it leads to another server, or would lose what was to be sent.
    """
    following = response.next_request
    if following is None:
        return None
    if following.method != response.request.method or not _same(response.url, following.url):
        raise MovedError(str(following.url.copy_with(username=None, password=None, query=None)))
    return following


def _same(before: httpx.URL, after: httpx.URL) -> bool:
    """Whether it is the same server, or the same with encryption."""
    if before.host != after.host:
        return False
    upgraded = (_origin(before), _origin(after)) == (("http", 80), ("https", 443))
    return upgraded or _origin(before) == _origin(after)


def _origin(url: httpx.URL) -> tuple[str, int | None]:
    return url.scheme, url.port or _PORTS.get(url.scheme)


async def bounded(response: httpx.Response) -> httpx.Response:
    """An error, as much of it as anybody reads, without the key that some repeat in it."""
    said = b""
    if response.is_stream_consumed:
        said = response.content[:MOST_SAID]
    else:
        # Of one that breaks off, too, the status tells what to do.
        with suppress(httpx.HTTPError):
            said = await _beginning(response)
    for key in _sent(response.request):
        said = said.replace(key, b"(the key)")
    return httpx.Response(
        response.status_code,
        headers=[item for item in response.headers.multi_items() if item[0] not in _DECODED],
        content=said[:MOST_SAID],
        request=response.request,
    )


async def _beginning(response: httpx.Response) -> bytes:
    said = b""
    try:
        async with aclosing(cast("AsyncGenerator[bytes]", response.aiter_bytes())) as pieces:
            async for piece in pieces:
                said += piece
                if len(said) > MOST_SAID:
                    break
    finally:
        await response.aclose()
    return said


def _sent(request: httpx.Request) -> Iterator[bytes]:
    for name in _KEYS:
        key = request.headers.get(name, "").removeprefix("Bearer ")
        if len(key) >= _SHORTEST:
            yield key.encode()
