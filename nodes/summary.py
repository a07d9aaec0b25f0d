"""The summary of a history: asked of a model, within the budget; "" where none could be had."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from langchain_core.messages import AnyMessage, HumanMessage

from ml_intern.configs.errors import MlInternError
from ml_intern.configs.prompts import render
from ml_intern.configs.text import clean
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Notice
from ml_intern.llm.ask import Asking, summarise
from ml_intern.llm.errors import ContextOverflowError, ModelError
from ml_intern.llm.factory import Model
from ml_intern.llm.tokens import count_text
from ml_intern.llm.usage import add_lost, add_usage, usage_event
from ml_intern.nodes.budget import allowance, budget_of, spent
from ml_intern.nodes.deps import Deps, Emit
from ml_intern.nodes.fallback import following
from ml_intern.nodes.policies.compaction import transcript

_REQUEST_SHARES = (0.7, 0.35, 0.15)
"""Shares of the window the request may take; a smaller one after each overflow."""

Usage = Mapping[str, float]


class Summary(NamedTuple):
    """What came of asking."""

    text: str
    usage: Usage
    """The session's, with all that was asked."""


async def summary_of(
    gone: Sequence[AnyMessage],
    model: Model,
    options: RunOptions,
    deps: Deps,
    usage: Usage,
    emit: Emit,
) -> Summary:
    """A summary of the messages by the model for it, the one in use, or one that takes over.

    Raises:
        ModelError: every one of them failed, for another reason than the length.
    """
    if not gone:
        return Summary("", usage)
    failure: ModelError | None = None
    async for writer in _writers(model, options, deps, emit):
        try:
            return await _written(gone, writer, usage, budget_of(options, deps), emit)
        except ContextOverflowError as error:
            emit(Notice(message=f"{error} Going on without a summary."))
            return Summary("", usage)
        except ModelError as error:
            emit(Notice(message=f"No summary: {error}"))
            failure, usage = error, add_lost(usage, error.lost, 0.0)
    assert failure is not None
    raise failure


async def _writers(
    model: Model, options: RunOptions, deps: Deps, emit: Emit
) -> AsyncIterator[Model]:
    if name := deps.settings.compaction_model:
        try:
            yield await deps.model(name)
        except MlInternError as error:
            emit(Notice(message=f"The compaction model cannot be used: {error}"))
    last: Model | None = model
    while last:
        yield last
        last = await following(last, options, deps, emit)


async def _written(
    gone: Sequence[AnyMessage], writer: Model, usage: Usage, budget: float | None, emit: Emit
) -> Summary:
    """The summary by one model, asked with less each time that it was too much."""
    for share in _REQUEST_SHARES:
        request = await asyncio.to_thread(_request, gone, int(writer.window * share))
        size = await asyncio.to_thread(count_text, request)
        allowed = allowance(writer, size, budget - spent(usage)) if budget else None
        if allowed and allowed.refused:
            emit(Notice(message="The budget does not pay for a summary; going on without one."))
            return Summary("", usage)
        asking = Asking(max_output=allowed.max_output if allowed else None)
        try:
            reply = await summarise(writer, [HumanMessage(request)], emit, asking)
        except ContextOverflowError:
            if share == _REQUEST_SHARES[-1]:
                raise
            continue
        event = usage_event(writer, reply, "compaction")
        emit(event)
        bound = allowed.bound if allowed else 0.0
        total = add_usage(usage, event, lost=reply.lost, bound=bound)
        return Summary(clean(reply.text)[0].strip(), total)
    raise AssertionError("unreachable")


def _request(gone: Sequence[AnyMessage], tokens: int) -> str:
    return f"{transcript(gone, tokens, count_text)}\n\n---\n\n{render('compaction')}"
