"""What a strict provider would refuse in a history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    ToolMessage,
    convert_to_openai_messages,
)

from ml_intern.configs.text import clean_json


def violations(history: Sequence[AnyMessage]) -> list[str]:
    """Sentences that name what is wrong; none for what would be taken."""
    return list(_violations(history))


def _violations(history: Sequence[AnyMessage]) -> Iterator[str]:
    if history and not isinstance(history[0], HumanMessage):
        yield f"its history begins with a message of type {history[0].type}"
    seen: set[str] = set()
    for place, message in enumerate(history):
        if isinstance(message, AIMessage):
            calls = [call["id"] or "" for call in message.tool_calls]
            if "" in calls or seen & {*calls} or len(calls) != len({*calls}):
                yield f"message {place + 1} has calls without an id of their own"
            seen.update(calls)
            if _answered(history, place) != calls:
                yield f"message {place + 1} has calls without exactly one result"
    converted = convert_to_openai_messages(list(history))
    if clean_json(converted) != converted:
        yield "its history holds characters that cannot be sent"


def _answered(history: Sequence[AnyMessage], place: int) -> list[str]:
    found = []
    for message in history[place + 1 :]:
        if not isinstance(message, ToolMessage):
            break
        found.append(message.tool_call_id)
    return found
