"""A message as text: for people and models to read, to be searched, and to be stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    ToolCall,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)

from ml_intern.configs.text import clean

HUMAN = '{"type": "human"%'
"""What the JSON of a message in the user's place is LIKE."""
_OWN = "recall"


def plain(message: AnyMessage) -> str:
    """What a message says: its text and its calls, their arguments as they are, not as JSON."""
    return _plain(message, message.tool_calls if isinstance(message, AIMessage) else [])


def searched(message: AnyMessage) -> str:
    """What of a message is searched, in one case; nothing of `recall`, which would find itself."""
    if isinstance(message, ToolMessage):
        name = message.name or ""
        return "" if name == _OWN else _folded(f"{name}\n{message.text}")
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    return _folded(_plain(message, [call for call in calls if call["name"] != _OWN]))


def to_json(message: AnyMessage) -> str:
    """The whole message."""
    (value,) = messages_to_dict([message])
    return clean(json.dumps(value, ensure_ascii=False, default=str))[0]


def from_json(text: str) -> AnyMessage:
    """The message again; nothing but messages can come of it.

    Raises:
        Exception: it is none. What is raised depends on the damage.
    """
    (message,) = messages_from_dict([json.loads(text)])
    return message  # type: ignore[return-value]


def _plain(message: AnyMessage, calls: Sequence[ToolCall]) -> str:
    return "\n".join([str(message.text), *(line for call in calls for line in _call(call))]).strip()


def _call(call: ToolCall) -> Iterator[str]:
    yield f"[calls {call['name']}]"
    for name, value in call["args"].items():
        yield f"{name}: {_argument(value)}"


def _argument(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _folded(text: str) -> str:
    return clean(text)[0].casefold()
