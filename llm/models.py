"""Models by id: looked up, found fit for the work or refused, made once, kept."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ml_intern.configs.errors import ConfigError
from ml_intern.configs.load import LOCAL_SERVERS
from ml_intern.configs.settings import Settings
from ml_intern.llm import catalog, local, router
from ml_intern.llm.background import in_daemon
from ml_intern.llm.endpoint import Endpoint, resolve
from ml_intern.llm.factory import Model, make_model
from ml_intern.llm.facts import Facts, Price
from ml_intern.llm.tokens import count_text

ModelSource = Callable[[str | None], Awaitable[Model]]
"""The model of an id, None for the configured one; the same object for the same id."""

_RESERVE = 2000
"""Tokens that a conversation needs at the least, beside what goes with every request."""


class Models:
    """A `ModelSource`: models made when first asked for, off the event loop, and kept."""

    def __init__(
        self,
        settings: Settings,
        keys: Mapping[str, str],
        tools: Sequence[dict[str, Any]],
        *,
        prompt: Callable[[], str],
        cache: Path | None = None,
    ) -> None:
        """`tools` are schemas; `prompt` gives the system prompt, to know what is left beside it.

        Without `cache` the router is asked at each start.
        """
        self._settings = settings
        self._keys = keys
        self._tools = tools
        self._prompt = prompt
        self._cache = cache
        self._made: dict[str, asyncio.Task[Model]] = {}

    async def __call__(self, name: str | None) -> Model:
        """The model of an id.

        Raises:
            MlInternError: the id is wrong, its provider's key is missing, or it cannot do the work.
        """
        wanted = name or self._settings.model_name
        task = self._made.get(wanted)
        if task is None or (task.done() and not _succeeded(task)):
            task = self._made[wanted] = asyncio.create_task(self._make(wanted))
        # Whoever stops waiting does not stop it for others.
        return await asyncio.shield(task)

    async def _make(self, name: str) -> Model:
        endpoint = resolve(name, self._settings, self._keys)
        asked, overhead = await asyncio.gather(self._ask(endpoint), in_daemon(self._prepare))
        make = partial(self._finish, endpoint, asked, overhead)
        return await in_daemon(make)

    def _prepare(self) -> int:
        """Import litellm, which takes seconds; the tokens that go with every request."""
        importlib.import_module("ml_intern.llm.chat")
        return count_text(self._prompt()) + count_text(json.dumps(self._tools))

    async def _ask(self, endpoint: Endpoint) -> Facts:
        """What the endpoint itself says of the model."""
        if _is_local(endpoint.name):
            return await local.facts(endpoint, self._settings)
        if endpoint.name.startswith(router.PREFIX):
            return await router.facts(endpoint, self._cache)
        return Facts()

    def _finish(self, endpoint: Endpoint, asked: Facts, overhead: int) -> Model:
        name, settings = endpoint.name, self._settings
        known = set_by_hand(name, settings).or_else(asked)
        # What is sold under a local model's name is another one.
        if not _is_local(name):
            catalog.check(name)
            known = known.or_else(catalog.facts(name))
        check_window(name, known.window or catalog.UNKNOWN_WINDOW, settings.compact_at, overhead)
        return make_model(endpoint, settings, self._tools, known, self._cache)

    async def close(self) -> None:
        """Close every connection, those of litellm's own clients too."""
        tasks = list(self._made.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        made = [task.result() for task in tasks if _succeeded(task)]
        for model in made:
            await model.close()
        # Without a model litellm may still be in the middle of its import.
        if made and (litellm := sys.modules.get("litellm")):
            await litellm.close_litellm_async_clients()


def set_by_hand(name: str, settings: Settings) -> Facts:
    """What the user's settings say about a model."""
    price = settings.prices.get(name)
    others = {*settings.fallback_models, settings.compaction_model} - {settings.model_name}
    return Facts(
        window=None if name in others else settings.context_window,
        price=Price(**price.model_dump()) if price else None,
    )


def check_window(name: str, window: int, compact_at: float, overhead: int) -> None:
    """Let through a model that has room for a conversation.

    Raises:
        ConfigError: it has none; the message has the figures.
    """
    limit = int(window * compact_at)
    if overhead + _RESERVE <= limit:
        return
    larger = local.LARGER.get(name.partition("/")[0], "Choose a model with a larger one")
    raise ConfigError(
        f"{name} has a window of {window:,} tokens, of which {limit:,} are used "
        f"(compact_at). The instructions and tools take {overhead:,}, and a conversation needs "
        f"{_RESERVE:,}. {larger}; or set context_window, if the window is not known right."
    )


def _is_local(name: str) -> bool:
    return name.partition("/")[0] in LOCAL_SERVERS


def _succeeded(task: asyncio.Task[Model]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
