"""From what a model sent to an `AIMessage` every provider takes back, each defect named."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from langchain_core.messages import ToolCall

from ml_intern.configs.text import LARGEST, MAX_DEPTH, SMALLEST, clean_json, storable

MAX_CALLS = 64
MAX_ARGUMENTS = 2_000_000
"""Characters of arguments one call may have."""

_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_TOO_MANY = f"Not run: more than {MAX_CALLS} calls in one message. Send fewer at a time."


class Sent(Protocol):
    """A tool call as it came."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def arguments(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Parsed:
    """The calls to store, and for some of them (by id) why they cannot be run."""

    calls: list[ToolCall]
    errors: dict[str, str]


def parse_calls(sent: Iterable[Sent], known_ids: Iterable[str], suffix: str = "") -> Parsed:
    """Parse strictly; a call that cannot be run keeps its place with empty arguments.

    Missing ids, and ids the history already has, are replaced: some servers number every turn from
    zero.
    """
    ids, calls, errors = set(known_ids), list[ToolCall](), dict[str, str]()
    for number, call in enumerate(sent):
        call_id = _fresh(f"{call.id}{suffix}", ids)
        ids.add(call_id)
        args, error = ({}, _TOO_MANY) if number >= MAX_CALLS else _arguments(call.arguments)
        if error:
            errors[call_id] = error
        name = _NAME.sub("_", call.name)[:64] or "unnamed"
        calls.append(ToolCall(name=name, args=args, id=call_id, type="tool_call"))
    return Parsed(calls, errors)


def _fresh(call_id: str, taken: set[str]) -> str:
    base = _NAME.sub("_", call_id)[:40] or "call"
    candidate, number = base, 1
    while candidate in taken or (number == 1 and base == "call"):
        number += 1
        candidate = f"{base}_{len(taken) + number}"
    return candidate


def _arguments(text: str) -> tuple[dict[str, Any], str]:
    """The arguments, or {} and what is wrong with them."""
    if len(text) > MAX_ARGUMENTS:
        return {}, f"Not run: {len(text):,} characters of arguments; {MAX_ARGUMENTS:,} is the most."
    try:
        # Empty arguments are how some models call a tool that takes none.
        value = json.loads(text.strip() or "{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return {}, (
            f"Not run: the arguments are not valid JSON ({error}). You sent: {_excerpt(text)} "
            "Send the call again with one complete JSON object; split long content."
        )
    if not isinstance(value, dict):
        kind = type(value).__name__
        sent = f"You sent: {_excerpt(text)}"
        return {}, f"Not run: the arguments must be a JSON object, not {kind}. {sent}"
    if problem := unstorable(value):
        return {}, f"Not run: the arguments hold {problem}. Send the call again without it."
    return value, ""


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _excerpt(text: str) -> str:
    shown: str = clean_json(text)
    return shown if len(shown) <= 200 else f"{shown[:120]} … {shown[-60:]}"


def unstorable(value: object) -> str:
    """What in `value` a checkpoint or a provider would choke on; "" if nothing."""
    stack = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, str) and not storable(item):
            return "a NUL character or a lone surrogate"
        if isinstance(item, int) and not SMALLEST <= item <= LARGEST:
            return "a number beyond 64 bits"
        if isinstance(item, float) and not math.isfinite(item):
            return "a number that is not finite"
        if depth > MAX_DEPTH:
            return f"more than {MAX_DEPTH} levels of nesting"
        if isinstance(item, dict):
            stack.extend((part, depth + 1) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            stack.extend((part, depth + 1) for part in item)
    return ""
