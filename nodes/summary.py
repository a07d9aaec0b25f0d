"""The summary of a history: asked of a model, within the budget; "" where none could be had."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from langchain_core.messages import AnyMessage, HumanMessage

from ml_intern.configs.errors import ConfigError, MlInternError
from ml_intern.configs.prompts import render
from ml_intern.configs.text import clean
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Notice
from ml_intern.llm.ask import Asking, summarise
from ml_intern.llm.errors import ContextOverflowError, ModelError
from ml_intern.llm.factory import Model
from ml_intern.llm.tokens import count_text
from ml_intern.llm.usage import add_lost, add_usage, usage_event
from ml_intern.nodes.budget import allowance, budget_of, hold
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
    failure: MlInternError | None = None
    """Why there is none, if another attempt might give one."""


async def summary_of(
    gone: Sequence[AnyMessage],
    model: Model,
    options: RunOptions,
    deps: Deps,
    usage: Usage,
    emit: Emit,
) -> Summary:
    """A summary of the messages by the model for it, the one in use, or one that takes over.

    The failure of the last one, if every one of them failed for another reason than the length.
    """
    if not gone:
        return Summary("", usage)
    summary = Summary("", usage)
    async for writer in _writers(model, options, deps, emit):
        try:
            summary = await _written(gone, writer, options, deps, summary.usage, emit)
        except ContextOverflowError as error:
            emit(Notice(message=f"{error} Going on without a summary."))
            return Summary("", summary.usage)
        except ConfigError as error:
            summary = Summary("", summary.usage, error)
        if summary.failure is None:
            break
        emit(Notice(message=f"No summary: {summary.failure}"))
    return summary


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
    gone: Sequence[AnyMessage],
    writer: Model,
    options: RunOptions,
    deps: Deps,
    usage: Usage,
    emit: Emit,
) -> Summary:
    """The summary by one model, asked with less each time that it was too much."""
    budget = budget_of(options, deps)
    for share in _REQUEST_SHARES:
        request = await asyncio.to_thread(_request, gone, int(writer.window * share))
        size = await asyncio.to_thread(count_text, request)
        allowed = allowance(writer, size, usage, budget)
        if allowed.refused:
            emit(Notice(message="The budget does not pay for a summary; going on without one."))
            return Summary("", usage)
        asking = Asking(max_output=allowed.max_output, losses=allowed.losses)
        await hold(usage, allowed, deps)
        try:
            reply = await summarise(writer, [HumanMessage(request)], emit, asking)
        except ContextOverflowError:
            if share == _REQUEST_SHARES[-1]:
                raise
            continue
        except ModelError as error:
            return Summary("", add_lost(usage, error.lost, allowed.bound), error)
        event = usage_event(writer, reply, "compaction")
        emit(event)
        total = add_usage(usage, event, lost=reply.lost, bound=allowed.bound)
        return Summary(clean(reply.text)[0].strip(), total)
    raise AssertionError("unreachable")


def _request(gone: Sequence[AnyMessage], tokens: int) -> str:
    return f"{transcript(gone, tokens, count_text)}\n\n---\n\n{render('compaction')}"
