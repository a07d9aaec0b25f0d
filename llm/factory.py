"""The model behind an endpoint. Importing litellm takes seconds: it happens when called."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from ml_intern.configs.errors import did_you_mean
from ml_intern.configs.settings import Settings
from ml_intern.llm import caching, catalog
from ml_intern.llm.catalog import UNKNOWN_WINDOW
from ml_intern.llm.effort import Learned
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.errors import ModelNotFoundError
from ml_intern.llm.facts import Facts, Price

_NOTHING = Facts()
Chat = Runnable[LanguageModelInput, AIMessage]


async def nothing() -> None:
    """What most models have to close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model ready to be called."""

    name: str
    where: str
    """The endpoint, for messages."""
    chat: Chat
    """With the tools bound."""
    plain: Chat
    """Without tools, for summaries."""
    window: int
    """Tokens of input it takes."""
    provider: str = ""
    """litellm's name for who speaks its protocol: `openai` for most."""
    price: Price | None = None
    """None: nobody knows what a call costs."""
    max_output: int | None = None
    """Tokens an answer may have, where that is known."""
    retries: int = 0
    """How often a failed call is tried again."""
    retry_seconds: float = 300.0
    """How long all the waits before retries of one call may be together."""
    request_timeout: float = 600.0
    """Seconds to wait for the beginning of an answer, or for all of one that is not streamed."""
    idle_timeout: float = 180.0
    """Seconds without anything new after which a stream that had begun is given up."""
    breakpoints: bool = False
    """Whether the provider caches only up to the places that are marked."""
    cache_key: bool = False
    """Whether the provider takes a key that brings a session's calls to one cache."""
    efforts: Learned = field(default_factory=Learned)
    """What it accepts where it was asked to think harder."""
    close: Callable[[], Awaitable[None]] = nothing
    """Closes its connections."""


def make_model(
    endpoint: Endpoint,
    settings: Settings,
    tools: Sequence[dict[str, Any]],
    known: Facts = _NOTHING,
    cache: Path | None = None,
) -> Model:
    """The model at `endpoint` with `tools` bound; it never retries by itself.

    What is learned of it is kept in the folder `cache`. Blocks for seconds when litellm is not
    imported yet.

    Raises:
        ModelNotFoundError: litellm knows no such provider.
    """
    from ml_intern.llm import chat

    _check_provider(endpoint, chat.PROVIDERS)
    base, client = chat.make_chat(endpoint, settings)
    return Model(
        name=endpoint.name,
        where=endpoint.api_base or f"the provider {endpoint.model.split('/', 1)[0]}",
        chat=base.bind_tools(list(tools)),
        plain=base,
        window=known.window or UNKNOWN_WINDOW,
        provider=endpoint.model.partition("/")[0],
        price=known.price,
        max_output=known.max_output,
        retries=settings.max_retries,
        retry_seconds=settings.retry_seconds,
        request_timeout=settings.request_timeout,
        idle_timeout=settings.idle_timeout,
        breakpoints=caching.takes_breakpoints(endpoint.model),
        cache_key=caching.takes_key(endpoint.name, catalog.entry(endpoint.name)),
        efforts=Learned.load(endpoint.name, cache),
        close=client.close if client else nothing,
    )


def _check_provider(endpoint: Endpoint, known: list[str]) -> None:
    provider = endpoint.model.split("/", 1)[0]
    if provider not in known:
        near = difflib.get_close_matches(provider, [*known, "vllm", "llamacpp"], n=3)
        raise ModelNotFoundError(
            f"{endpoint.name}: no provider is called '{provider}'.{did_you_mean(near)} "
            f"A model of the Hugging Face Hub is called huggingface/{endpoint.name}."
        )
