"""Conversations in the cells of a column, in whatever form they are written down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ml_intern.tools.dataset.feature import Feature, observed

_KEYS = (
    ("role", "content"), ("from", "value"), ("role", "value"), ("from", "content"),
    ("role", "text"), ("from", "text"), ("speaker", "text"), ("role", "message"),
)  # fmt: skip
"""Names of the two fields of a message, the standard ones first."""
ROLES = {
    "human": "user", "prompter": "user", "usr": "user", "client": "user",
    "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "model": "assistant",
    "ai": "assistant", "bing": "assistant", "bard": "assistant", "agent": "assistant",
    "function_call": "assistant", "developer": "system",
    "function": "tool", "observation": "tool", "tool_response": "tool",
    "function_response": "tool", "ipython": "tool",
}  # fmt: skip
"""What chat templates call the roles of other conventions."""
STANDARD = frozenset({"system", "user", "assistant", "tool", "developer"})
_LOOKED_AT = 20
"""Cells that tell whether texts hold conversations in JSON."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message."""

    role: str
    """As chat templates call it; as it stands there if that is unknown."""
    text: str
    calls: bool = False
    """Whether it calls a tool."""
    plain: bool = True
    """Whether its content is text, not parts or nothing."""

    @property
    def empty(self) -> bool:
        """Whether it says and does nothing."""
        return self.plain and not self.text.strip() and not self.calls


@dataclass(frozen=True, slots=True)
class Chat:
    """How a column writes conversations down."""

    form: Literal["list", "columns", "json", "one"] = "list"
    """A list of messages, a struct of lists, such a list as JSON, or a single message."""
    role: str = "role"
    content: str = "content"
    roles: Mapping[str, str] = field(default_factory=dict)
    """Standard name by the other one, for the roles that were seen."""

    @property
    def standard(self) -> bool:
        """Whether a chat template takes it as it is."""
        return (self.form, self.role, self.content) == ("list", "role", "content") and (
            not self.roles
        )


def chat_of(feature: Feature, values: Sequence[object]) -> Chat | None:
    """How the column writes conversations down; None if it holds something else.

    Args:
        feature: The type the column is said to have.
        values: Some of its cells.
    """
    found = [value for value in values if value is not None][:_LOOKED_AT]
    if feature.text:
        return _chat_in_texts(found, values)
    kind = observed(found) if feature.vague else feature
    fields = kind.fields or (kind.item.fields if kind.item else {})
    keys = next((pair for pair in _KEYS if set(pair) <= fields.keys()), None)
    if keys is None:
        return None
    if kind.kind == "list":
        return _with_roles(Chat("list", *keys), values)
    lists = all(fields[key].kind == "list" for key in keys)
    return _with_roles(Chat("columns" if lists else "one", *keys), values)


def _chat_in_texts(found: Sequence[object], values: Sequence[object]) -> Chat | None:
    if not found or not all(isinstance(v, str) and v.lstrip()[:1] == "[" for v in found):
        return None
    lists = [_loaded(value) for value in found]
    if not all(isinstance(value, list) and value for value in lists):
        return None
    inner = chat_of(observed(lists), lists)
    return _with_roles(Chat("json", inner.role, inner.content), values) if inner else None


def _loaded(value: object) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None


def _with_roles(chat: Chat, values: Sequence[object]) -> Chat:
    found = [m.get(chat.role) for value in values for m in messages_of(value, chat) or ()]
    names = sorted({name for name in found if isinstance(name, str)})
    other = {name: _role(name) for name in names if name != _role(name) and name != "developer"}
    return Chat(chat.form, chat.role, chat.content, other)


def _role(name: str) -> str:
    folded = name.strip().lower()
    return folded if folded in STANDARD else ROLES.get(folded, name)


def messages_of(value: object, chat: Chat) -> list[Mapping[str, Any]] | None:
    """The messages in a cell; None if there is no conversation in it."""
    if chat.form == "json":
        value = _loaded(value)
    if chat.form == "one":
        value = [value]
    if isinstance(value, dict):
        value = _rows_of(value, chat)
    return [m for m in value if isinstance(m, dict)] if isinstance(value, list) else None


def _rows_of(value: Mapping[str, Any], chat: Chat) -> list[dict[str, Any]]:
    columns = {k: v for k, v in value.items() if isinstance(v, list)}
    count = max((len(column) for column in columns.values()), default=0)
    if chat.role not in columns:
        return []
    return [{k: v[i] for k, v in columns.items() if i < len(v)} for i in range(count)]


def turns_of(value: object, chat: Chat) -> list[Turn] | None:
    """The turns in a cell; None if there is no conversation in it."""
    messages = messages_of(value, chat)
    return None if messages is None else [_turn(message, chat) for message in messages]


def _turn(message: Mapping[str, Any], chat: Chat) -> Turn:
    said, content = message.get(chat.role), message.get(chat.content)
    name = said if isinstance(said, str) else f"({type(said).__name__})"
    calls = bool(message.get("tool_calls")) or name == "function_call"
    if isinstance(content, list):
        return Turn(_role(name), _texts_of(content), calls, plain=not content)
    text = content if isinstance(content, str) else "" if content is None else str(content)
    return Turn(_role(name), text, calls)


def _texts_of(parts: Sequence[object]) -> str:
    """The texts among the parts of a message with images and the like."""
    found = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return "\n".join(text for text in found if isinstance(text, str))


def broken(turns: Sequence[Turn]) -> bool:
    """Whether roles follow each other in an order that chat templates refuse.

    After the system's, user and assistant take turns; a tool answers a call of the assistant, who
    goes on after it. An answer alone is in order.
    """
    if [turn.role for turn in turns] == ["assistant"]:
        return False
    before = "system"
    allowed = {
        "system": {"user"}, "user": {"assistant"}, "assistant": {"user"},
        "call": {"tool"}, "tool": {"tool", "assistant", "user"},
    }  # fmt: skip
    for number, turn in enumerate(turns):
        role = "system" if turn.role == "developer" else turn.role
        if role == "system" and number == 0:
            continue
        if role not in allowed[before]:
            return True
        before = "call" if turn.calls and role == "assistant" else role
    return False
