"""HTTP for tools: bounded in time and size, retried, kept on disk, asked once.

A credential goes to the origin it was given for and to none that it redirects to.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_intern.llm.background import in_daemon
from ml_intern.tools.web.errors import WebError
from ml_intern.tools.web.kept import Kept, Page

if TYPE_CHECKING:
    from ml_intern.tools.web.exchange import Exchange

MOST = 20_000_000
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked, of whom, and on what terms."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    """JSON to be posted; None for GET."""
    credentials: Mapping[str, str] = field(default_factory=dict)
    """Headers that only the origin of `url` may see."""
    origins: Sequence[str] = ()
    """The only origins (`https://host:port`) a redirect may lead to; () for any."""
    lifetime: float = 0
    """Seconds for which a copy on disk is as good as the original; 0 for no copy."""
    seconds: float = 30
    """For all attempts together."""
    attempts: int = 3
    most: int = MOST
    headers: Mapping[str, str] = field(default_factory=dict)


class Web:
    """One client for all tools of the process; `cache` is a folder, or None to keep nothing."""

    def __init__(self, cache: Path | None) -> None:
        self._kept = Kept(cache / "web.sqlite") if cache else None
        self._running: dict[tuple[object, str], asyncio.Task[Page]] = {}

    async def page(self, request: Request) -> Page:
        """The answer as text, from disk if a fresh copy is there.

        An old copy is given (`age` tells) where the service does not answer.

        Raises:
            WebError: no answer, or none of use; the message names the host and the remedy.
        """
        name = identity(request)
        kept = await self._copy(name) if request.lifetime else None
        if kept and kept.age < request.lifetime:
            return kept
        try:
            return await self._once(name, request)
        except WebError as error:
            if kept and (error.status is None or error.status >= 429):
                return kept
            raise

    async def json(self, request: Request) -> Any:  # noqa: ANN401 - JSON
        """The answer as JSON.

        Raises:
            WebError: as for `page`, or it is not JSON.
        """
        page = await self.page(request)
        try:
            return await asyncio.to_thread(json.loads, page.text)
        except (ValueError, RecursionError):
            raise WebError(f"{page.url} answered with something that is not JSON.") from None

    async def _copy(self, name: str) -> Page | None:
        return await in_daemon(partial(self._kept.find, name)) if self._kept else None

    async def _once(self, name: str, request: Request) -> Page:
        """Asked by several at once, the service is asked once; nobody's leaving harms the rest."""
        key = (asyncio.get_running_loop(), name)
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._fetch(name, request))
            task.add_done_callback(partial(self._done, key))
        return await asyncio.shield(task)

    def _done(self, key: tuple[object, str], task: asyncio.Task[Page]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # looked at, for those who waited may all have left

    async def _fetch(self, name: str, request: Request) -> Page:
        exchange: type[Exchange] = (await in_daemon(_loaded)).Exchange
        page = await exchange(request).run()
        if request.lifetime and self._kept:
            await in_daemon(partial(self._kept.keep, name, page))
        return page


def _loaded() -> Any:  # noqa: ANN401 - a module
    """Importing httpx takes 0.1 s: not in the event loop."""
    return importlib.import_module("ml_intern.tools.web.exchange")


def identity(request: Request) -> str:
    """What tells answers apart: also who asked, for not all may see the same."""
    parts = (request.url, request.params, request.body, request.credentials, request.headers)
    return json.dumps([dict(p) if isinstance(p, Mapping) else p for p in parts], sort_keys=True)
