"""HTTP under litellm's own handler, without what that handler loses or does twice.

litellm 1.105 drops a stream event whose text holds `[DONE]` or a raw U+0085, U+2028 or U+2029 (a
call with `grep '[DONE]'` arrives without its arguments), and sends a POST again by itself after a
connection error. Pinned by `tests/emulators/test_litellm.py`: what is fixed there may go here.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx

_DONE = b"data: [DONE]"
_LINE_ENDS = re.compile(rb"\xc2\x85|\xe2\x80[\xa8\xa9]")


def exact(line: bytes) -> bytes:
    """A line of a stream as the same JSON, the characters that litellm trips over escaped."""
    if line.strip() == _DONE:
        return line
    escaped = _LINE_ENDS.sub(lambda match: b"\\u%04x" % ord(match[0].decode()), line)
    return escaped.replace(b"[DONE]", b"\\u005bDONE]")


class ExactStream(httpx.AsyncByteStream):
    """Event-stream bytes, whole line by whole line."""

    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        begun: list[bytes] = []  # of a line that is not complete; a list, as it may be very long
        try:
            async for data in self._inner:
                *ends, rest = data.split(b"\n")
                for end in ends:
                    yield exact(b"".join([*begun, end])) + b"\n"
                    begun.clear()
                begun.append(rest)
        except httpx.RemoteProtocolError as error:
            raise httpx.ReadError(str(error)) from error
        yield exact(b"".join(begun))

    async def aclose(self) -> None:
        """Close the connection under it."""
        await self._inner.aclose()


class ExactTransport(httpx.AsyncHTTPTransport):
    """httpx's transport; a connection error reaches us instead of being tried again unseen."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; an event stream comes back exact."""
        # A compressed stream could not be read line by line here.
        request.headers["accept-encoding"] = "identity"
        try:
            response = await super().handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ConnectError) as error:
            raise httpx.ReadError(str(error)) from error
        kind = response.headers.get("content-type", "")
        if kind.startswith("text/event-stream") and "content-encoding" not in response.headers:
            assert isinstance(response.stream, httpx.AsyncByteStream)
            response.stream = ExactStream(response.stream)
        return response
