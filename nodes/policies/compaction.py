"""What to keep of a history that grew too long, and what a summary is made from."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from ml_intern.nodes.policies.marks import is_users, marking

Count = Callable[[str], int]
"""Tokens of a text."""

TAIL_SHARE = 0.25
"""Share of the window that the newest messages may keep."""
CLIPS = (4000, 1000, 250, 60)
"""Characters a message may have in the transcript, tried from the left until it fits."""

_HEADER = (
    "[The conversation so far was replaced by this summary, because it filled the context.]\n\n"
)


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


def transcript(messages: Sequence[AnyMessage], budget: int, count: Count) -> str:
    """The messages as text of at most `budget` tokens, long ones clipped in the middle."""
    text = ""
    for cap in CLIPS:
        text = "\n\n".join(_line(message, cap) for message in messages)
        if count(text) <= budget:
            return text
    cap = budget  # a token has a character at least, most often; if not, halve until it fits
    while count(clipped := clip_middle(text, cap)) > budget and cap:
        cap //= 2
    return clipped


def rebuilt(messages: Sequence[AnyMessage], start: int, summary: str, cap: int) -> list[AnyMessage]:
    """First user message, summary, tail; no message longer than `cap` characters."""
    first = next((m for m in messages[:start] if is_users(m)), None)
    head: list[AnyMessage] = [first] if first else []
    head.append(HumanMessage(_HEADER + summary, additional_kwargs=marking("summary")))
    return [_slimmed(message, cap) for message in [*head, *messages[start:]]]


def clip_middle(text: str, cap: int) -> str:
    """At most about `cap` characters of `text`: its head and its tail."""
    if len(text) <= cap:
        return text
    half = cap // 2
    gap = f"\n[… {len(text) - 2 * half:,} characters left out …]\n"
    return text[:half] + gap + text[len(text) - half :]


def _line(message: AnyMessage, cap: int) -> str:
    text = clip_middle(str(message.text), cap)
    if isinstance(message, ToolMessage):
        return f"RESULT of {message.name}: {text}"
    if isinstance(message, AIMessage):
        calls = [f"CALL {c['name']} {json.dumps(c['args'])}" for c in message.tool_calls]
        return "\n".join([f"ASSISTANT: {text}", *(clip_middle(call, cap) for call in calls)])
    return f"{'USER' if is_users(message) else 'SYSTEM'}: {text}"


def _slimmed(message: AnyMessage, cap: int) -> AnyMessage:
    """Without the usage, which counted a history that is gone, and not longer than `cap`."""
    update: dict[str, object] = {"content": clip_middle(str(message.text), cap)}
    if isinstance(message, AIMessage):
        signed = ("thinking_blocks", "reasoning_items")
        kept = {k: v for k, v in message.additional_kwargs.items() if k not in signed}
        calls = [{**call, "args": _clipped(call["args"], cap)} for call in message.tool_calls]
        update |= {"usage_metadata": None, "additional_kwargs": kept, "tool_calls": calls}
    return message.model_copy(update=update)


def _clipped(value: Any, cap: int) -> Any:  # noqa: ANN401 - JSON
    """Arguments with no text in them longer than `cap`: a written file may fill the window."""
    if isinstance(value, dict):
        return {key: _clipped(item, cap) for key, item in value.items()}
    if isinstance(value, list):
        return [_clipped(item, cap) for item in value]
    return clip_middle(value, cap) if isinstance(value, str) else value
