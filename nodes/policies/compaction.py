"""How a history that grew too long is made to fit: a ladder, from what costs least to what must do.

Large outputs become pointers to their files; older messages become a summary; the other outputs
become pointers; what is left is cut. No step separates a call from its result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from ml_intern.nodes.policies.clipping import Count, clip_middle, clip_strings, clip_to
from ml_intern.nodes.policies.marks import is_users, mark_of, marking

TAIL_SHARE = 0.3
"""Shares of the room for messages: the newest ones,"""
FIRST_SHARE = 0.1
"""the first message of the user's,"""
SAID_SHARE = 0.1
"""the other ones,"""
SUMMARY_SHARE = 0.15
"""the summary,"""
TARGET_SHARE = 0.7
"""and the most that all of it may take afterwards, so that it is not needed again at once."""

CLIPS = (4000, 1000, 250, 60)
"""Characters a message may have, tried from the left until all of them fit."""
LARGE = 1500
"""Characters from which on an output is worth a pointer."""
_SHOWN = 300
"""Characters of it that stay."""

_VERSIONS = 32
"""Of a history, outputs turned to pointers: each is counted, and there may be thousands."""
_SUMMARY_LEAST = 4000
"""Characters below which a summary is not cut."""

Spilled = Callable[[AnyMessage], str]
"""The path of the file that holds an output whole."""

_HEADER = "[The conversation so far was replaced by this, because it filled the context.{more}]"
_SEARCHED = " The messages themselves can still be searched: recall."


@dataclass(frozen=True, slots=True)
class Room:
    """Tokens that a request may take; `fixed` of them go with every request."""

    window: int
    limit: int
    """At which the history is compacted."""
    fixed: int

    @property
    def free(self) -> int:
        """For messages."""
        return max(0, self.limit - self.fixed)

    @property
    def target(self) -> int:
        """What a compacted request may take."""
        return self.fixed + int(self.free * TARGET_SHARE)


def tail_start(messages: Sequence[AnyMessage], sizes: Sequence[int], budget: int) -> int:
    """Where the kept tail begins: as early as `budget` tokens allow, never inside an exchange.

    A call and its results stay together. A boundary exists before every message that is not a
    tool result, so also when there is but one user message. The newest exchange is kept even when
    it is above the budget.
    """
    start, size = len(messages), 0
    for index in range(len(messages) - 1, 0, -1):
        size += sizes[index]
        if isinstance(messages[index], ToolMessage):
            continue
        if size > budget and start < len(messages):
            break
        start = index
        if size > budget:
            break
    return start


def pointed(messages: Sequence[AnyMessage], spilled: Spilled, end: int) -> list[AnyMessage]:
    """The messages, the large outputs before the index `end` replaced by pointers."""
    return [
        _pointer(m, spilled(m)) if index < end and is_large(m) else m
        for index, m in enumerate(messages)
    ]


def thinned(messages: Sequence[AnyMessage], spilled: Spilled) -> Iterator[list[AnyMessage]]:
    """Ever shorter versions: more large outputs pointers each time, the oldest first."""
    ends = [index + 1 for index, message in enumerate(messages) if is_large(message)]
    step = -(-len(ends) // _VERSIONS) or 1
    for number in range(0, len(ends), step):
        yield pointed(messages, spilled, ends[min(number + step, len(ends)) - 1])


def cut(messages: Sequence[AnyMessage]) -> Iterator[list[AnyMessage]]:
    """Ever shorter versions: texts clipped harder, then only beginning and last exchange.

    The longest text goes first and no further than needed: it may be what the user just sent.
    """
    for cap in _caps(max((len(str(message.text)) for message in messages), default=0)):
        yield [_clipped(message, cap) for message in messages]
    heads = [m for m in messages[:2] if is_users(m) or mark_of(m) == "summary"]
    start = max(len(heads), tail_start(messages, [1] * len(messages), 0))
    for cap in CLIPS:
        yield [_clipped(message, cap) for message in [*heads, *messages[start:]]]


def _caps(longest: int) -> Iterator[int]:
    while (longest := longest * 3 // 4) > CLIPS[0]:
        yield longest
    yield from CLIPS


def is_large(message: AnyMessage) -> bool:
    """Whether it is an output that is worth a pointer."""
    return isinstance(message, ToolMessage) and len(str(message.text)) > LARGE


def transcript(messages: Sequence[AnyMessage], budget: int, count: Count) -> str:
    """The messages as text of at most `budget` tokens, long ones clipped in the middle.

    An earlier summary stays as it is, as far as a third of the budget goes.
    """
    earlier = [_line(m, budget * 4) for m in messages if mark_of(m) == "summary"]
    begin = clip_to("\n\n".join(earlier), budget // 3, count)
    rest = [message for message in messages if mark_of(message) != "summary"]
    left = budget - count(begin)
    text = ""
    for cap in CLIPS:
        text = "\n\n".join(_line(message, cap) for message in rest)
        if count(text) <= left:
            break
    return "\n\n".join(part for part in (begin, clip_to(text, left, count)) if part)


def first_of(messages: Sequence[AnyMessage]) -> AnyMessage | None:
    """The first message of the user's: it stays a message of its own."""
    return next((message for message in messages if is_users(message)), None)


def clipped(message: AnyMessage, tokens: int, count: Count) -> AnyMessage:
    """The message in about `tokens`."""
    return message.model_copy(update={"content": clip_to(str(message.text), tokens, count)})


def replacement(text: str, pinned: Mapping[str, Any], *, archived: bool = True) -> HumanMessage:
    """What stands for the messages that were taken out."""
    kwargs = {**marking("summary"), **pinned}
    header = _HEADER.format(more=_SEARCHED if archived else "")
    return HumanMessage(f"{header}\n\n{text}", id=str(uuid4()), additional_kwargs=kwargs)


def slimmed(message: AnyMessage) -> AnyMessage:
    """Without the usage and the signatures, which were of a history that is gone."""
    if not isinstance(message, AIMessage):
        return message
    signed = ("thinking_blocks", "reasoning_items")
    kept = {k: v for k, v in message.additional_kwargs.items() if k not in signed}
    return message.model_copy(update={"usage_metadata": None, "additional_kwargs": kept})


def _pointer(message: AnyMessage, path: str) -> AnyMessage:
    text = str(message.text)
    gap = f"\n[… {len(text):,} characters in all; the whole output: {path} …]\n"
    shown = text[: _SHOWN // 3] + gap + text[-_SHOWN * 2 // 3 :]
    return message.model_copy(update={"content": shown})


def _clipped(message: AnyMessage, cap: int) -> AnyMessage:
    if mark_of(message) == "summary":
        cap = max(cap, _SUMMARY_LEAST)
    update: dict[str, object] = {"content": clip_middle(str(message.text), cap)}
    if isinstance(message, AIMessage):
        calls = [{**call, "args": clip_strings(call["args"], cap)} for call in message.tool_calls]
        update["tool_calls"] = calls
    return message.model_copy(update=update)


def _line(message: AnyMessage, cap: int) -> str:
    text = clip_middle(str(message.text), cap)
    if isinstance(message, ToolMessage):
        return f"RESULT of {message.name}: {text}"
    if isinstance(message, AIMessage):
        calls = [f"CALL {c['name']} {json.dumps(c['args'])}" for c in message.tool_calls]
        return "\n".join([f"ASSISTANT: {text}", *(clip_middle(call, cap) for call in calls)])
    return f"{'USER' if is_users(message) else 'SYSTEM'}: {text}"
