"""Is the model going in circles? Only the tail of the history counts, results included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage, ToolCall, ToolMessage

from ml_intern.nodes.policies.marks import is_users, mark_of

REPEATS = 3
"""Identical calls with identical results in a row after which the next one is not run."""
CYCLES = range(2, 6)
"""Lengths of a cycle of calls that may not be gone through a third time."""
MAX_STRIKES = 3
"""Times in a row a model may repeat itself in spite of being told, before the turn ends."""

MAX_MISTAKES = 5
"""Replies in a row with nothing but calls that cannot be run, before the turn ends."""

_TAIL = 2 * max(CYCLES)


class Signature(NamedTuple):
    """What makes two calls the same; arguments canonical."""

    name: str
    args: str
    result: str


def repetition(messages: Sequence[AnyMessage], call: ToolCall) -> str:
    """Why running `call` would only go round again, in words for the model; "" if it would not."""
    done = _signatures(messages)
    key = (call["name"], _canonical(call["args"]))
    if len(done) >= REPEATS and len(set(done[-REPEATS:])) == 1 and done[-1][:2] == key:
        return f"the last {REPEATS} calls were this same call and gave this same result"
    for length in CYCLES:
        last, before = done[-length:], done[-2 * length : -length]
        if len(before) == length and last == before and last[0][:2] == key and len(set(last)) > 1:
            names = " → ".join(signature.name for signature in last)
            return f"the last {2 * length} calls were the same cycle of {length} twice ({names})"
    return ""


def mistakes(messages: Sequence[AnyMessage]) -> int:
    """Replies in a row, newest first, of whose calls not one could be run as it was sent."""
    refused: dict[str, bool] = {}
    count = 0
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            refused[message.tool_call_id] = mark_of(message) == "refused"
        elif isinstance(message, AIMessage) and message.tool_calls:
            results = [refused[c["id"] or ""] for c in message.tool_calls if c["id"] in refused]
            if results and not all(results):
                break
            count += bool(results)
        elif is_users(message):
            break
    return count


def _signatures(messages: Sequence[AnyMessage]) -> list[Signature]:
    """The newest finished calls of this turn, oldest first; calls we refused to repeat left out."""
    results: dict[str, ToolMessage] = {}
    found: list[Signature] = []
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            results[message.tool_call_id] = message
        elif isinstance(message, AIMessage):
            found.extend(_finished(message, results))
        if is_users(message) or len(found) >= _TAIL:
            break
    return found[:_TAIL][::-1]


def _finished(reply: AIMessage, results: dict[str, ToolMessage]) -> list[Signature]:
    signatures = []
    for call in reversed(reply.tool_calls):
        result = results.get(call["id"] or "")
        if result is not None and mark_of(result) not in ("doom", "refused"):
            signature = Signature(call["name"], _canonical(call["args"]), str(result.content))
            signatures.append(signature)
    return signatures


def _canonical(value: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
