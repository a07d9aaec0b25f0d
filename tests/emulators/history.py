"""What a strict provider refuses in a list of messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
SURROGATE = re.compile(r"[\ud800-\udfff]")
ROLES = ("system", "user", "assistant", "tool")
FIELDS = {
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls", "reasoning_content", "refusal"},
    "tool": {"role", "content", "name", "tool_call_id"},
}


def history_violations(messages: object) -> list[str]:
    """Everything wrong with a list of messages in OpenAI's format."""
    if not isinstance(messages, list) or not messages:
        return ["messages is not a non-empty list"]
    found = list(unsendable(messages, "messages"))
    for place, message in enumerate(messages):
        found += [f"messages[{place}]: {what}" for what in _message_violations(place, message)]
    return found + list(_pairing_violations(messages))


def _message_violations(place: int, message: object) -> Iterator[str]:
    role = role_of(message)
    if not isinstance(message, dict) or role not in ROLES:
        yield f"unknown role {role!r}"
        return
    yield from (f"unknown field {name!r}" for name in message if name not in FIELDS[role])
    if role == "system" and place > 0:
        yield "a system message that is not the first message"
    if "name" in message and not is_name(message["name"]):
        yield f"bad name {message['name']!r}"
    if role == "assistant":
        yield from _assistant_violations(message)
    elif role == "tool":
        yield from _tool_message_violations(message)
    else:
        yield from _content_violations(message.get("content"), blank=False)


def _assistant_violations(message: dict[str, Any]) -> Iterator[str]:
    content, calls = message.get("content"), message.get("tool_calls")
    if calls is None:
        yield from _content_violations(content, blank=False)
        return
    if content is not None:
        yield from _content_violations(content, blank=True)
    if not isinstance(calls, list) or not calls:
        yield "tool_calls is not a non-empty list"
        return
    for place, call in enumerate(calls):
        yield from (f"tool_calls[{place}]: {what}" for what in _call_violations(call))


def _tool_message_violations(message: dict[str, Any]) -> Iterator[str]:
    yield from _content_violations(message.get("content"), blank=True)
    if not _is_text(message.get("tool_call_id")):
        yield "tool_call_id is not a non-empty string"


def _content_violations(content: object, *, blank: bool) -> Iterator[str]:
    """A string or a list of text parts; where `blank` is false, something must be in it."""
    if isinstance(content, str):
        if not blank and not content.strip():
            yield "empty content"
    elif isinstance(content, list) and content:
        yield from (
            f"content[{n}] is not a text part"
            for n, part in enumerate(content)
            if not _is_part(part)
        )
    else:
        yield f"content is neither text nor a list of text parts: {content!r:.40}"


def _is_part(part: object) -> bool:
    return (
        isinstance(part, dict)
        and set(part) == {"type", "text"}
        and part["type"] == "text"
        and isinstance(part["text"], str)
        and bool(part["text"].strip())
    )


def _call_violations(call: object) -> Iterator[str]:
    if not isinstance(call, dict) or set(call) != {"id", "type", "function"}:
        yield "its fields are not id, type and function"
        return
    function = call["function"]
    if not _is_text(call["id"]):
        yield "id is not a non-empty string"
    if call["type"] != "function":
        yield f"unknown type {call['type']!r}"
    if not isinstance(function, dict) or set(function) != {"name", "arguments"}:
        yield "the function's fields are not name and arguments"
        return
    if not is_name(function["name"]):
        yield f"bad function name {function['name']!r:.80}"
    if not _is_json_object(function["arguments"]):
        yield f"arguments are not a JSON object in a string: {function['arguments']!r:.80}"


def _pairing_violations(messages: list[Any]) -> Iterator[str]:
    """Every call is answered once, directly after its message, and no id comes back later."""
    seen: set[str] = set()
    waiting: list[str] = []
    for place, message in enumerate(messages):
        if role_of(message) == "tool":
            answered = message.get("tool_call_id")
            if answered in waiting:
                waiting.remove(answered)
            else:
                yield f"messages[{place}]: answers {answered!r}, which is not waiting for an answer"
            continue
        yield from (f"messages[{place}]: call {left!r} before it has no answer" for left in waiting)
        waiting = _call_ids(message)
        yield from (f"messages[{place}]: id {one!r} is used again" for one in _again(waiting, seen))
        seen.update(waiting)
    yield from (f"messages: call {left!r} has no answer" for left in waiting)


def _call_ids(message: object) -> list[str]:
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    entries = calls if isinstance(calls, list) else []
    return [call["id"] for call in entries if isinstance(call, dict) and _is_text(call.get("id"))]


def _again(ids: list[str], seen: set[str]) -> list[str]:
    return [one for place, one in enumerate(ids) if one in seen or one in ids[:place]]


def unsendable(value: object, place: str) -> Iterator[str]:
    """Text that no strict parser accepts: NUL, and halves of surrogate pairs."""
    if isinstance(value, str):
        if "\x00" in value:
            yield f"{place}: a NUL character"
        if SURROGATE.search(value):
            yield f"{place}: a lone surrogate"
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from unsendable(name, f"{place}: a field's name")
            yield from unsendable(item, f"{place}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from unsendable(item, f"{place}[{number}]")


def role_of(message: object) -> str:
    role = message.get("role") if isinstance(message, dict) else None
    return role if isinstance(role, str) else ""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def is_name(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _is_json_object(value: object) -> bool:
    try:
        return isinstance(value, str) and isinstance(strict_json(value), dict)
    except ValueError:
        return False


def strict_json(text: str | bytes) -> Any:
    """JSON as the standard has it: Python alone also reads NaN and Infinity."""
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
