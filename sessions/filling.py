"""How full the model's window is, and what can never be in it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ml_intern.llm.tokens import count_text
from ml_intern.nodes.fallback import as_learned
from ml_intern.nodes.sizes import limit_of, request_size
from ml_intern.sessions.attachment import Attachment

_UNCOUNTED = 20_000
"""Characters up to which a message fits everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """The next request against the window it has to fit into, in tokens."""

    model: str
    tokens: int
    window: int
    limit: int
    """Above it, the history is compacted before the request."""
    messages: int


async def measure(at: Attachment) -> Filling:
    """Count the next request.

    Raises:
        MlInternError: the model cannot be had, so its window is not known.
    """
    state = await at.state()
    model = as_learned(await at.deps.model(at.options.model), state)
    messages = state.get("messages", [])
    return Filling(
        model=model.name,
        tokens=await request_size(messages, at.deps),
        window=model.window,
        limit=limit_of(model, at.deps),
        messages=len(messages),
    )


async def too_long(at: Attachment, text: str) -> str:
    """Why a message cannot be sent at all; "" for nearly all of them, which are not counted."""
    if len(text) < _UNCOUNTED:
        return ""
    model = await at.deps.model(at.options.model)
    size, limit = await asyncio.to_thread(count_text, text), limit_of(model, at.deps)
    if size <= limit:
        return ""
    return (
        f"The message has about {size:,} tokens; {model.name} takes {limit:,}. Nothing was sent. "
        "Put the text into a file and name the file instead."
    )
