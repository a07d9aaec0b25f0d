"""Tokens of the next request, counted beside the event loop: the first count loads an encoding."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from langchain_core.messages import AnyMessage

from ml_intern.llm.factory import Model
from ml_intern.llm.tokens import MARGIN, context_size, count_text
from ml_intern.nodes.deps import Deps
from ml_intern.nodes.policies.compaction import Room

RESERVE = 4000
"""Tokens for messages without which there is nothing to be done."""


async def request_size(messages: Sequence[AnyMessage], deps: Deps) -> int:
    """Tokens of a request with these messages, system prompt and tools included."""
    return await asyncio.to_thread(lambda: context_size(messages, overhead(deps)))


def limit_of(model: Model, deps: Deps) -> int:
    """Tokens above which a request to the model is not made, but its history compacted."""
    return int(model.window * deps.settings.compact_at)


async def room_of(model: Model, deps: Deps) -> Room:
    """What a request to the model may take."""
    fixed = await asyncio.to_thread(overhead, deps)
    limit = limit_of(model, deps)
    return Room(window=model.window, limit=limit, fixed=int(fixed * MARGIN))


async def least_window(deps: Deps) -> int:
    """The smallest window that work is possible in: a smaller one is not believed."""
    fixed = await asyncio.to_thread(overhead, deps)
    return int((fixed * MARGIN + RESERVE) / deps.settings.compact_at)


def overhead(deps: Deps) -> int:
    """Tokens that go with every request. Blocks."""
    return count_text(deps.system_prompt) + count_text(deps.schemas)
