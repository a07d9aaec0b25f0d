"""A question in JSON over HTTP, to which no answer is an answer, too.

Asked in a daemon thread: looking up a name can take longer than any time-out of httpx, and the
process may end before it is done.
"""

from __future__ import annotations

import asyncio
import json
import time
from functools import partial
from typing import Any

import httpx

from ml_intern.llm.background import in_daemon

_MOST = 16_000_000
"""Bytes of an answer that are read."""


async def fetch(
    url: str, *, seconds: float, key: str | None = None, body: dict[str, Any] | None = None
) -> Any:  # noqa: ANN401 - JSON
    """What `url` answers to GET, or to POST if there is a body; None if nothing of use in time.

    Redirects are not followed, so `key` goes nowhere else.
    """
    ask = partial(_ask, url, seconds, key, body)
    try:
        async with asyncio.timeout(seconds):
            return await in_daemon(ask)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, RecursionError, ImportError):
        return None  # an import fails where a proxy is one that httpx is not equipped for


def _ask(url: str, seconds: float, key: str | None, body: dict[str, Any] | None) -> Any:  # noqa: ANN401
    until = time.monotonic() + seconds
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    method = "GET" if body is None else "POST"
    with (
        httpx.Client(timeout=seconds, headers=headers) as client,
        client.stream(method, url, json=body) as response,
    ):
        response.raise_for_status()
        whole = bytearray()
        for piece in response.iter_bytes():
            whole += piece
            if len(whole) > _MOST or time.monotonic() > until:
                return None
    return json.loads(whole)
