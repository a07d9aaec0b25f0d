"""Is the model going in circles? Only the tail of the history counts, results included."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage, ToolCall, ToolMessage

from ml_intern.nodes.policies.marks import is_users, mark_of
from ml_intern.nodes.policies.volatile import steady

REPEATS = 3
"""Identical calls with identical results in a row after which the next one is not run."""
CYCLES = range(2, 6)
"""Lengths of a cycle of calls that may not be gone through a third time."""
MAX_STRIKES = 3
"""Replies that repeat a call, with nothing else done in between, after which the turn ends."""

SAME_MISTAKE = 3
"""Replies in a row with one and the same mistake, before the turn ends."""
MAX_MISTAKES = 5
"""Replies in a row with nothing but calls that cannot be run, before the turn ends."""
MAX_DENIED = 10
"""Replies in a row with nothing but calls that are denied, before the turn ends."""

_NUMBER = re.compile(r"\d[\d,.]*")

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


def strikes(messages: Sequence[AnyMessage]) -> int:
    """Replies with a repeated call since a call last ran, newest first."""
    answered: set[str] = set()
    count = 0
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            if mark_of(message) not in ("doom", "refused"):
                break
            if mark_of(message) == "doom":
                answered.add(message.tool_call_id)
        elif isinstance(message, AIMessage):
            count += any(call["id"] in answered for call in message.tool_calls)
        elif is_users(message):
            break
    return count


def hopeless(messages: Sequence[AnyMessage]) -> str:
    """Why a model that keeps sending calls which cannot be run is given up; "" if it is not."""
    rows = _mistakes(messages)
    if len(rows) >= SAME_MISTAKE and (same := frozenset.intersection(*rows[:SAME_MISTAKE])):
        tool, what = min(same)
        return f"The model made the same mistake {SAME_MISTAKE} times in a row ({tool}: {what})."
    if len(rows) >= MAX_MISTAKES:
        return "The model keeps sending calls that cannot be run."
    if len(list(takewhile(_all_denied, _answered(messages)))) >= MAX_DENIED:
        return f"The model was denied everything it tried {MAX_DENIED} times in a row."
    return ""


def _all_denied(answers: Sequence[ToolMessage]) -> bool:
    return all(mark_of(answer) in ("denied", "refused", "doom") for answer in answers)


def _mistakes(messages: Sequence[AnyMessage]) -> list[frozenset[tuple[str, str]]]:
    """What was wrong with each of the newest replies that could not be run at all."""
    rows: list[frozenset[tuple[str, str]]] = []
    for answers in _answered(messages):
        if any(mark_of(answer) != "refused" for answer in answers):
            break
        rows.append(frozenset((str(a.name), _kind(str(a.text))) for a in answers))
    return rows


def _answered(messages: Sequence[AnyMessage]) -> Iterator[list[ToolMessage]]:
    """The results of each of the turn's newest replies, as long as none is open."""
    results: dict[str, ToolMessage] = {}
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            results[message.tool_call_id] = message
        elif isinstance(message, AIMessage) and message.tool_calls:
            answers = [results[c["id"] or ""] for c in message.tool_calls if c["id"] in results]
            if len(answers) != len(message.tool_calls):
                return
            yield answers
        elif is_users(message):
            return


def _kind(refusal: str) -> str:
    """What is wrong, without what was sent and where in it."""
    said = refusal.removeprefix("Not run: ").split(" You sent: ")[0].split(" (")[0]
    return _NUMBER.sub("#", said)[:100].rstrip(" .")


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
            said = steady(str(result.content))
            signature = Signature(call["name"], _canonical(call["args"]), said)
            signatures.append(signature)
    return signatures


def _canonical(value: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
