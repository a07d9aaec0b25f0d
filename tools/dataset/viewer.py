"""The Hub's dataset viewer: JSON by GET, a few requests at once, copies kept for an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ml_intern.tools.services import Services
from ml_intern.tools.web.client import Request
from ml_intern.tools.web.errors import WebError
from ml_intern.tools.web.origins import origin_of

AT_ONCE = 4
"""Requests under way at once."""
HOUR = 3600.0
_UNFINISHED = 1.0
"""Seconds for which an answer that is still being worked on is as good as a new one."""


class Viewer:
    """The viewer, asked about one dataset with the user's token."""

    def __init__(self, services: Services, dataset: str) -> None:
        self.dataset = dataset
        self._services = services
        self._base = services.settings.dataset_viewer_url.rstrip("/")
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def ask(self, path: str, lifetime: float = HOUR, **params: str) -> Mapping[str, Any]:
        """The answer to `/path`; `lifetime` in seconds, 0 to keep no copy.

        Raises:
            WebError: there is none; `trouble.why` tells what it means.
        """
        answer = await self._json(path, lifetime, params)
        if lifetime and answer.get("pending"):
            # An hour-old "still computing" would be wrong most of the time.
            return await self._json(path, _UNFINISHED, params)
        return answer

    async def tried(
        self, path: str, lifetime: float = HOUR, **params: str
    ) -> Mapping[str, Any] | WebError:
        """As `ask`; the refusal is returned."""
        try:
            return await self.ask(path, lifetime, **params)
        except WebError as error:
            return error

    async def _json(
        self, path: str, lifetime: float, params: Mapping[str, str]
    ) -> Mapping[str, Any]:
        token = self._services.hub.token
        request = Request(
            url=f"{self._base}/{path}",
            params={"dataset": self.dataset, **params},
            credentials={"Authorization": f"Bearer {token}"} if token else {},
            origins=(origin_of(self._base),),
            lifetime=lifetime,
            attempts=2,
        )
        async with self._slots:
            answer = await self._services.web.json(request)
        if not isinstance(answer, dict):
            raise WebError(f"The dataset viewer answered /{path} with something unexpected.")
        return answer
