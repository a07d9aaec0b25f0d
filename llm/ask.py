"""One model call: streamed, and tried again when that can help."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from langchain_core.messages import AIMessageChunk, BaseMessage
from langgraph.constants import TAG_NOSTREAM

from ml_intern.graph.context import Effort
from ml_intern.graph.events import (
    AssistantChunk,
    AssistantMessage,
    AssistantStreamEnd,
    Event,
    Notice,
    Retry,
)
from ml_intern.llm.errors import ModelError, ModelUnreachableError, translate
from ml_intern.llm.factory import Chat, Model
from ml_intern.llm.reply import Reply, assemble, from_message, text_of

Emit = Callable[[Event], None]

MAX_REPLY = 1_000_000
"""Characters of text, reasoning and arguments after which a reply is taken for endless."""

_UNREACHABLE_RETRIES = 2
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How one call is made."""

    stream: bool = True
    effort: Effort | None = None
    """How hard the model should think; None leaves it to the provider."""
    max_output: int | None = None
    """Tokens the answer may have, thinking included; None leaves it to the provider."""
    session: str = ""
    """Names the session, for providers that keep its cache apart."""


async def ask(model: Model, messages: Sequence[BaseMessage], emit: Emit, how: Asking) -> Reply:
    """The model's reply to `messages`, its text emitted on the way.

    Raises:
        ModelError: it failed for good, or as often as `model.retries` allows.
    """
    for attempt in range(model.retries + 1):
        try:
            return await _once(model, messages, emit, stream=how.stream)
        except ModelError as error:
            if not error.retryable or attempt >= _budget(error, model):
                raise
            wait = wait_before(attempt + 1, error.retry_after, random.random())
            emit(Notice(message=f"{error} Trying again in {wait:.1f} s."))
        await asyncio.sleep(wait)
    raise AssertionError("unreachable")


def _budget(error: ModelError, model: Model) -> int:
    """Retries an error is worth. A server that is not there seldom comes back within a minute."""
    unreachable = isinstance(error, ModelUnreachableError)
    return min(model.retries, _UNREACHABLE_RETRIES) if unreachable else model.retries


def wait_before(attempt: int, retry_after: float | None, chance: float) -> float:
    """Seconds before the `attempt`-th retry: what the provider asked for, else full jitter.

    The jitter is AWS's "full jitter": uniform below an exponentially growing bound, with a floor of
    half of it. Either way at most a minute. `chance` is in [0, 1).
    """
    if retry_after is not None:
        return min(retry_after, _LONGEST_WAIT)
    bound = min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT)
    return float(bound * (0.5 + chance / 2))


async def summarise(
    model: Model, messages: Sequence[BaseMessage], emit: Emit, how: Asking
) -> Reply:
    """A reply without tools that the user does not see as it comes."""
    quiet = replace(model, chat=model.plain.with_config(tags=[TAG_NOSTREAM]))
    return await ask(
        quiet, messages, lambda e: emit(e) if isinstance(e, Notice | Retry) else None, how
    )


async def _once(
    model: Model, messages: Sequence[BaseMessage], emit: Emit, *, stream: bool
) -> Reply:
    try:
        if stream:
            return await _streamed(model.chat, messages, emit)
        return await _whole(model.chat, messages, emit)
    except (ModelError, asyncio.CancelledError):
        raise
    except Exception as error:
        raise translate(error, model.name, model.where) from error


async def _streamed(chat: Chat, messages: Sequence[BaseMessage], emit: Emit) -> Reply:
    chunks: list[AIMessageChunk] = []
    shown, size = False, 0
    try:
        async for chunk in chat.astream(messages):
            assert isinstance(chunk, AIMessageChunk)
            chunks.append(chunk)
            size += _size(chunk)
            _check_end(size)
            if text := text_of(chunk):
                shown = True
                emit(AssistantChunk(content=text))
    except BaseException:
        if shown:
            emit(AssistantStreamEnd(partial=True))
        raise
    if shown:
        emit(AssistantStreamEnd())
    return assemble(chunks)


async def _whole(chat: Chat, messages: Sequence[BaseMessage], emit: Emit) -> Reply:
    reply = from_message(await chat.ainvoke(messages))
    if reply.text:
        emit(AssistantMessage(content=reply.text))
    return reply


def _check_end(size: int) -> None:
    if size > MAX_REPLY:
        raise ModelError(
            f"The model's answer does not end: it was stopped at {MAX_REPLY:,} characters."
        )


def _size(chunk: AIMessageChunk) -> int:
    thought = chunk.additional_kwargs.get("reasoning_content") or ""
    arguments = sum(len(call["args"] or "") for call in chunk.tool_call_chunks)
    return len(text_of(chunk)) + len(thought) + arguments
