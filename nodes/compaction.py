"""`compaction`: shorten a history that would not fit. Most often it does nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AnyMessage, HumanMessage, RemoveMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.runtime import Runtime

from ml_intern.configs.prompts import render
from ml_intern.configs.text import clean
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Compacted, Usage
from ml_intern.graph.state import AgentState
from ml_intern.llm.ask import Asking, summarise
from ml_intern.llm.errors import ModelError
from ml_intern.llm.factory import Model
from ml_intern.llm.tokens import context_size, count_messages, count_text
from ml_intern.llm.usage import add_usage, usage_event
from ml_intern.nodes.deps import Deps, Emit, emitter, options_of
from ml_intern.nodes.policies.compaction import TAIL_SHARE, rebuilt, tail_start, transcript

_REQUEST_SHARE = 0.7
"""Share of the window that the request for a summary may take."""


async def compact(
    state: AgentState, runtime: Runtime[RunOptions], *, deps: Deps
) -> Mapping[str, Any]:
    """Replace the history by its first user message, a summary and its tail, if it is too long.

    Raises:
        ModelError: no summary could be had, or what is left is still too long.
    """
    messages, emit = state.get("messages", []), emitter(runtime)
    model = await deps.model(options_of(runtime).model)
    old = await asyncio.to_thread(_size, messages, deps)
    limit = int(model.window * deps.settings.compact_at)
    wanted = state.get("compact") and len(messages) > 1
    if old <= limit and not wanted:
        return {"compact": False}
    kept, spent = await _shorten(messages, model, emit)
    new = await asyncio.to_thread(_size, kept, deps)
    if new > limit or (new >= old and old > limit):
        raise ModelError(
            f"The conversation takes {old:,} tokens and could not be shortened below {limit:,} for "
            f"the window of {model.name}. Start anew with /new, or take a model with a larger one."
        )
    emit(Compacted(old_tokens=old, new_tokens=new))
    return {
        "messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *kept],
        "compact": False,
        "usage": add_usage(state.get("usage", {}), spent),
    }


async def _shorten(
    messages: list[AnyMessage], model: Model, emit: Emit
) -> tuple[list[AnyMessage], Usage]:
    budget = int(model.window * TAIL_SHARE)
    sizes = await asyncio.to_thread(lambda: [count_messages([m]) for m in messages])
    start = tail_start(messages, sizes, budget)
    room = int(model.window * _REQUEST_SHARE)
    old = await asyncio.to_thread(transcript, messages[:start], room, count_text)
    request = f"{old}\n\n---\n\n{await asyncio.to_thread(render, 'compaction')}"
    reply = await summarise(model, [HumanMessage(request)], emit, Asking())
    spent = usage_event(model, reply, "compaction")
    emit(spent)
    summary = clean(reply.text)[0].strip() or "(The model gave no summary.)"
    return rebuilt(messages, start, summary, cap=budget), spent


def _size(messages: list[AnyMessage], deps: Deps) -> int:
    """Tokens of the next request. Blocks: the first count loads tiktoken's encoding."""
    overhead = count_text(deps.system_prompt) + count_text(deps.schemas)
    return context_size(messages, overhead)
