"""One request to the model, its text shown as it comes, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AIMessageChunk, BaseMessage

from ml_intern.graph.events import AssistantChunk, AssistantMessage, AssistantStreamEnd, Event
from ml_intern.llm.errors import ModelError
from ml_intern.llm.factory import Model
from ml_intern.llm.reply import Reply, assemble, from_message, text_of
from ml_intern.llm.translate import translate

Emit = Callable[[Event], None]

MAX_REPLY = 1_000_000
"""Characters of text, reasoning and arguments after which a reply is taken for endless."""
MAX_CALLS = 1_000
"""Fragments that begin a tool call, after which a reply is taken for endless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked."""

    model: Model
    messages: Sequence[BaseMessage]
    emit: Emit
    stream: bool
    parameters: dict[str, Any]


@dataclass(slots=True)
class _Progress:
    """How far the answer has come."""

    begun: bool = False
    """Some chunk came: what follows may be billed."""
    heard: bool = False
    """One with something in it came: the provider is not queueing any more."""
    shown: bool = False
    size: int = 0
    calls: int = 0

    def take(self, chunk: AIMessageChunk) -> None:
        """Count a chunk; an empty one too, or a stream of them would not end.

        Raises:
            ModelError: the reply is too long.
        """
        new = _size(chunk)
        self.begun, self.heard = True, self.heard or new > 0
        self.size += max(1, new)
        self.calls += sum(bool(part["name"]) for part in chunk.tool_call_chunks)
        if self.size > MAX_REPLY:
            raise ModelError(
                f"The model's answer does not end: it was stopped at {MAX_REPLY:,} characters."
            )
        if self.calls > MAX_CALLS:
            raise ModelError(
                f"The model's answer does not end: it was stopped at {MAX_CALLS:,} tool calls."
            )


async def attempt(call: Call) -> Reply | ModelError:
    """The reply, or why there is none; its `lost` is 1 if the answer had begun."""
    progress = _Progress()
    try:
        return await (_streamed if call.stream else _whole)(call, progress)
    except ModelError as error:
        failed = error
    except Exception as error:  # noqa: BLE001 - translated, not swallowed
        failed = translate(error, call.model.name, call.model.where)
    failed.lost = int(progress.begun)
    return failed


async def _streamed(call: Call, progress: _Progress) -> Reply:
    chunks: list[AIMessageChunk] = []
    try:
        await _listen(call, progress, chunks)
    except BaseException:
        if progress.shown:
            call.emit(AssistantStreamEnd(partial=True))
        raise
    if progress.shown:
        call.emit(AssistantStreamEnd())
    return assemble(chunks)


async def _listen(call: Call, progress: _Progress, chunks: list[AIMessageChunk]) -> None:
    """Collect the chunks.

    Raises:
        ModelError: none came for too long, or they do not end.
    """
    model, loop = call.model, asyncio.get_running_loop()
    answer = call.model.chat.astream(call.messages, **call.parameters)
    timer = asyncio.timeout(model.request_timeout)
    try:
        async with timer, aclosing(cast("AsyncGenerator[AIMessageChunk]", answer)) as stream:
            async for chunk in stream:
                chunks.append(chunk)
                progress.take(chunk)
                if progress.heard:
                    timer.reschedule(loop.time() + model.idle_timeout)
                if text := text_of(chunk):
                    progress.shown = True
                    call.emit(AssistantChunk(content=text))
    except TimeoutError as error:
        if not timer.expired():
            raise
        waited = model.idle_timeout if progress.heard else model.request_timeout
        raise _silent(model, waited) from error


async def _whole(call: Call, progress: _Progress) -> Reply:
    timer = asyncio.timeout(call.model.request_timeout)
    try:
        async with timer:
            message = await call.model.chat.ainvoke(call.messages, **call.parameters)
    except TimeoutError as error:
        if not timer.expired():
            raise
        raise _silent(call.model, call.model.request_timeout) from error
    reply = from_message(message)
    if reply.text:
        call.emit(AssistantMessage(content=reply.text))
    return reply


def _silent(model: Model, seconds: float) -> ModelError:
    return ModelError(f"{model.name}: the model went silent for {seconds:g} s.", retryable=True)


def _size(chunk: AIMessageChunk) -> int:
    """Characters of text, reasoning and calls. Empty pieces of them are nothing new."""
    thought = chunk.additional_kwargs.get("reasoning_content") or ""
    arguments = sum(len(call["args"] or "") for call in chunk.tool_call_chunks)
    return len(text_of(chunk)) + len(thought) + arguments
