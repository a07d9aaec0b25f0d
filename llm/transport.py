"""HTTP under litellm's own handler, without what that handler loses or does twice.

litellm 1.105 drops a stream event whose text holds `[DONE]` or a character that Unicode counts as
the end of a line (a call with `grep '[DONE]'` arrives without its arguments), and sends a POST
again by itself after a connection error. Pinned by `tests/emulators/test_litellm.py`: what is fixed
there may go here. It also loses the fields of an error that comes with status 200, or trips over
them.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from ml_intern.llm.errors import ErrorAnswerError, NoStreamError, WebPageError
from ml_intern.llm.guard import MOST_HOPS, bounded, onward

_DONE = re.compile(rb"\s*data:\s*\[DONE\]\s*")
_LINE_ENDS = re.compile(rb"[\x0b\x0c\x1c-\x1e]|\xc2\x85|\xe2\x80[\xa8\xa9]")
_ERROR = b'"error"'
_MARK = b"\xef\xbb\xbf"
"""A byte order mark, which may stand before a stream and is none of its first event."""
_DECODED = ("content-encoding", "content-length")


def exact(lines: bytes) -> bytes:
    """Lines of a stream as the same JSON, what litellm trips over escaped."""
    escaped = _LINE_ENDS.sub(lambda match: b"\\u%04x" % ord(match[0].decode()), lines)
    if b"[DONE]" not in escaped:
        return escaped
    return b"".join(
        line if _DONE.fullmatch(line) else line.replace(b"[DONE]", b"\\u005bDONE]")
        for line in escaped.splitlines(keepends=True)
    )


def reported(event: bytes) -> dict[str, Any] | None:
    """The error that an answer consists of, or an event of one; None if it is none.

    A call's arguments that hold the word do so escaped, so that hardly anything is parsed for this.
    """
    if _ERROR not in event:
        return None
    try:
        body = json.loads(event.strip().removeprefix(b"data:"))
    except (ValueError, RecursionError):
        return None
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) and error else None


def _checked(lines: bytes) -> Iterator[bytes]:
    """The lines.

    Raises:
        ErrorAnswerError: after those before it, for one that reports an error.
    """
    if _ERROR not in lines:
        yield exact(lines)
        return
    for line in lines.splitlines(keepends=True):
        if error := reported(line):
            raise ErrorAnswerError(error)
        yield exact(line)


class ExactStream(httpx.AsyncByteStream):
    """A response's event stream in whole lines, uncompressed."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        begun: list[bytes] = []  # of a line that is not complete; a list, as it may be very long
        mark = _MARK
        try:
            async for data in self._response.aiter_bytes():
                end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
                begun.append(data[:end] if end else data)
                if end:
                    for lines in _checked(b"".join(begun).removeprefix(mark)):
                        yield lines
                    begun, mark = [data[end:]], b""
        except httpx.TransportError as error:
            raise _final(error) from error
        for lines in _checked(b"".join(begun)):
            yield lines

    async def aclose(self) -> None:
        """Close the connection under it."""
        await self._response.aclose()


class ExactClient(httpx.AsyncClient):
    """httpx's client: proxies and certificates are found where every program looks for them."""

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        **options: Any,  # noqa: ANN401 - httpx's
    ) -> httpx.Response:
        """Send the request, once; an event stream comes back exact.

        Raises:
            WebPageError: the answer is one for people.
            ErrorAnswerError: it is an error, whatever its status says.
            NoStreamError: it is whole, and a stream was asked for.
            MovedError: the address leads to another server.
        """
        try:
            response = await self._reach(request, stream, options)
            if response.status_code >= 400:
                return await bounded(response)
        except httpx.TransportError as error:
            raise _final(error) from error
        kind = response.headers.get("content-type", "")
        if response.status_code == 200 and kind.startswith("text/html"):
            await response.aclose()
            raise WebPageError
        if stream and kind.startswith("text/event-stream"):
            return _exactly(response)
        whole = response.status_code == 200 and kind.startswith("application/json")
        if whole and (said := reported(await response.aread())):
            raise ErrorAnswerError(said)
        if whole and stream and _is_whole(response.content):
            raise NoStreamError
        return response

    async def _reach(
        self, request: httpx.Request, stream: bool, options: dict[str, Any]
    ) -> httpx.Response:
        """The answer, where the way to it does not leave the server that was meant."""
        options = {**options, "follow_redirects": False}
        for _ in range(MOST_HOPS):
            response = await super().send(request, stream=stream, **options)
            following = onward(response) if response.has_redirect_location else None
            if following is None:
                return response
            await response.aclose()
            request = following
        raise httpx.TooManyRedirects("the address is redirected again and again", request=request)


def _is_whole(body: bytes) -> bool:
    """Whether this is a completion of OpenAI's or a message of Anthropic's, in one piece."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and ("choices" in answer or answer.get("type") == "message")


def _exactly(response: httpx.Response) -> httpx.Response:
    headers = [item for item in response.headers.multi_items() if item[0] not in _DECODED]
    return httpx.Response(
        response.status_code,
        headers=headers,
        stream=ExactStream(response),
        request=response.request,
        extensions=response.extensions,
    )


def _final(error: httpx.TransportError) -> httpx.TransportError:
    """The error in words, and as one after which litellm does not send the request again."""
    if isinstance(error, httpx.TimeoutException):
        return type(error)(str(error) or "nothing came for as long as request_timeout allows")
    retried = isinstance(error, httpx.RemoteProtocolError | httpx.ConnectError)
    kind = httpx.ReadError if retried else type(error)
    return kind(str(error) or "the connection was lost")
