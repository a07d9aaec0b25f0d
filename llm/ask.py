"""One model call: sent as its provider needs it, and tried again when that can help."""

from __future__ import annotations

import asyncio
from asyncio import sleep
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import random
from typing import Any

from langchain_core.messages import BaseMessage
from langgraph.constants import TAG_NOSTREAM

from ml_intern.graph.context import Effort
from ml_intern.graph.events import Notice, Retry
from ml_intern.llm import caching, effort
from ml_intern.llm.attempt import Call, Emit, attempt
from ml_intern.llm.errors import ModelError
from ml_intern.llm.factory import Model
from ml_intern.llm.reply import Reply
from ml_intern.llm.retry import Budget

_ROOM = 20_000
"""Tokens above which thinking fits into every limit; below, a refusal may be about the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How one call is made."""

    stream: bool = True
    effort: Effort | None = None
    """How hard the model should think; None leaves it to the provider."""
    max_output: int | None = None
    """Tokens the answer may have, thinking included; None leaves it to the provider."""
    losses: int | None = None
    """Attempts that may break off, perhaps billed, with another one after them; None: any."""
    session: str = ""
    """Names the session, for providers that keep its cache apart."""


async def ask(model: Model, messages: Sequence[BaseMessage], emit: Emit, how: Asking) -> Reply:
    """The model's reply to `messages`, its text emitted on the way.

    Raises:
        ModelError: it failed for good, or as often as `model.retries` allows.
    """
    budget = Budget(model.retries, model.retry_seconds)
    cached = caching.parameters(
        messages, breakpoints=model.breakpoints, key=how.session if model.cache_key else None
    )
    call = Call(model=model, messages=messages, emit=emit, stream=how.stream, parameters=cached)
    outcome, level = await _at_accepted_effort(call, how, budget)
    if isinstance(outcome, ModelError):
        outcome.lost = budget.lost
        raise outcome
    if how.effort:
        await _learn(call, how, how.effort, level)
    return replace(outcome, lost=budget.lost)


async def summarise(
    model: Model, messages: Sequence[BaseMessage], emit: Emit, how: Asking
) -> Reply:
    """A reply without tools that the user does not see as it comes. Nothing of it is cached."""
    plain = model.plain.with_config(tags=[TAG_NOSTREAM])
    quiet = replace(model, chat=plain, breakpoints=False)
    return await ask(
        quiet, messages, lambda e: emit(e) if isinstance(e, Notice | Retry) else None, how
    )


async def _at_accepted_effort(
    call: Call, how: Asking, budget: Budget
) -> tuple[Reply | ModelError, str]:
    """The outcome at the highest level that is not refused. Steps down are not retries."""
    model = call.model
    known = model.efforts.levels.get(how.effort) if how.effort else None
    for level in effort.steps(how.effort, known):
        sent = {**call.parameters, **_parameters(model, how, level)}
        outcome = await _persistently(replace(call, parameters=sent), budget, how.losses)
        refused = isinstance(outcome, ModelError) and effort.may_be_about_effort(outcome)
        if not (level and refused):
            return outcome, level
    raise AssertionError("the last step sends nothing")


def _parameters(model: Model, how: Asking, level: str) -> dict[str, Any]:
    """What a call differs in from the next. `max_tokens`: litellm knows what each calls it.

    Anthropic wants a limit in every request, and litellm takes a low one where thinking is asked
    for, so there the model's own goes with it.
    """
    own = model.max_output if level and model.provider == "anthropic" else None
    limit = how.max_output or own
    sent = effort.parameters(model.provider, level)
    return {**sent, "max_tokens": limit} if limit else sent


async def _persistently(call: Call, budget: Budget, losses: int | None) -> Reply | ModelError:
    """The reply, or the failure with which the budget, or that of money, was used up."""
    while True:
        outcome = await attempt(call)
        if isinstance(outcome, Reply):
            return outcome
        budget.lost += outcome.lost
        if losses is not None and budget.lost > losses:
            return outcome
        wait = budget.next_wait(outcome, random())
        if wait is None:
            return outcome
        call.emit(_retry(call.model, outcome, budget, wait))
        await sleep(wait)


def _retry(model: Model, error: ModelError, budget: Budget, wait: float) -> Retry:
    return Retry(
        model=model.name,
        reason=str(error).removeprefix(f"{model.name}: "),
        attempt=budget.used,
        retries=budget.limit(error),
        wait_seconds=wait,
    )


async def _learn(call: Call, how: Asking, wish: Effort, level: str) -> None:
    """Remember a level that was accepted in place of the wish, and say so once."""
    learned, tight = call.model.efforts, how.max_output is not None and how.max_output < _ROOM
    if tight or level == effort.steps(wish)[0]:
        return
    if wish not in learned.told:
        learned.told.add(wish)
        call.emit(Notice(message=effort.told(call.model.name, wish, level)))
    if level != learned.levels.get(wish):
        await asyncio.to_thread(learned.learn, wish, level)
