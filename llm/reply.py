"""A model's reply, put together from its chunks without interpreting the arguments.

langchain's own merge parses half-sent JSON leniently and trips over fragments without an index;
a call must be run as sent or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata, add_ai_message_chunks

_REASONING = "reasoning_content"
KEPT_EXTRAS = ("thinking_blocks", _REASONING, "reasoning_items")
"""Provider data that must go back with the message on the next call."""


@dataclass(slots=True)
class RawCall:
    """A tool call as the model sent it."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One finished answer of the model."""

    text: str
    calls: list[RawCall] = field(default_factory=list)
    finish: str = ""
    """The provider's finish reason, "" if it gave none."""
    usage: UsageMetadata | None = None
    extras: dict[str, Any] = field(default_factory=dict)
    lost: int = 0
    """Attempts before this one that broke when the answer had begun: they may have been billed."""


@dataclass(slots=True)
class _Pieces:
    """A call whose arguments are still coming: joined once, as there may be very many."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


def assemble(chunks: Iterable[AIMessageChunk]) -> Reply:
    """The reply that `chunks` make up."""
    text: list[str] = []
    thought: list[str] = []
    calls: list[_Pieces] = []
    known: dict[object, _Pieces] = {}
    extras: list[AIMessageChunk] = []
    finish, usage = "", None
    for chunk in chunks:
        text.append(text_of(chunk))
        for fragment in chunk.tool_call_chunks:
            _add(calls, known, dict(fragment))
        finish = chunk.response_metadata.get("finish_reason") or finish
        usage = chunk.usage_metadata or usage
        kept = _kept(chunk)
        thought.append(kept.pop(_REASONING, None) or "")
        if kept:
            extras.append(AIMessageChunk(content="", additional_kwargs=kept))
    return Reply(
        text="".join(text),
        calls=[RawCall(call.id, call.name, "".join(call.arguments)) for call in calls],
        finish=finish,
        usage=usage,
        extras=_joined(extras, "".join(thought)),
    )


def _joined(extras: list[AIMessageChunk], thought: str) -> dict[str, Any]:
    joined = dict(add_ai_message_chunks(*extras).additional_kwargs) if extras else {}
    return {**joined, _REASONING: thought} if thought else joined


def from_message(message: AIMessage) -> Reply:
    """The reply a call without streaming gave."""
    calls = [RawCall(c["id"] or "", c["name"], json.dumps(c["args"])) for c in message.tool_calls]
    calls += [
        RawCall(c["id"] or "", c["name"] or "", c["args"] or "") for c in message.invalid_tool_calls
    ]
    return Reply(
        text=text_of(message),
        calls=calls,
        finish=message.response_metadata.get("finish_reason") or "",
        usage=message.usage_metadata,
        extras=_kept(message),
    )


def text_of(message: AIMessage) -> str:
    """The text of a message whose content may be a list of blocks."""
    return message.content if isinstance(message.content, str) else str(message.text)


def _kept(message: AIMessage) -> dict[str, Any]:
    return {k: v for k, v in message.additional_kwargs.items() if k in KEPT_EXTRAS}


def _add(calls: list[_Pieces], known: dict[object, _Pieces], fragment: dict[str, Any]) -> None:
    """Join a fragment to its call: by index, else by id, else to the last one.

    `known` holds, by index and by id, the call that the next such fragment continues.
    """
    index, call_id = fragment.get("index"), fragment.get("id") or None
    key: object = call_id if index is None else index
    call = known.get(key) if key is not None else next(reversed(calls), None)
    if call and call_id and call.id not in ("", call_id):
        # Some servers number every call 0: a new id starts a new call.
        call = known.get(call_id)
    if call is None:
        calls.append(call := _Pieces())
    known[key] = known[call_id] = call
    call.id = call.id or call_id or ""
    call.name = call.name or fragment.get("name") or ""
    call.arguments.append(fragment.get("args") or "")
