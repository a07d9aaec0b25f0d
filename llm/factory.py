"""The model behind an endpoint. Importing litellm takes seconds: it happens when called."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import Runnable

from ml_intern.configs.settings import Settings
from ml_intern.llm.catalog import price, window
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.errors import ModelNotFoundError

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
    price: Callable[[UsageMetadata | None], float | None]
    """A call's cost in dollars, None if unknown."""
    retries: int = 0
    """How often a failed call is tried again."""
    close: Callable[[], Awaitable[None]] = nothing
    """Closes its connections."""


def make_model(endpoint: Endpoint, settings: Settings, tools: Sequence[dict[str, Any]]) -> Model:
    """The model at `endpoint` with `tools` bound; it never retries by itself.

    Blocks for seconds when litellm is not imported yet.

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
        window=settings.context_window or window(endpoint.name),
        price=lambda usage: price(endpoint.name, usage),
        retries=settings.max_retries,
        close=client.close if client else nothing,
    )


def _check_provider(endpoint: Endpoint, known: list[str]) -> None:
    provider = endpoint.model.split("/", 1)[0]
    if provider not in known:
        near = difflib.get_close_matches(provider, [*known, "vllm", "llamacpp"], n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ModelNotFoundError(f"{endpoint.name}: no provider is called '{provider}'.{hint}")
