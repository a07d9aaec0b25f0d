"""What of a conversation is archived: its history says which batches, and both make the whole.

So the archive goes with the history wherever undo, redo and forks take that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from langchain_core.messages import AIMessage, AnyMessage

from ml_intern.nodes.policies.marks import mark_of

_KEY = "ml_intern_archived"


def archived_batches(messages: Iterable[AnyMessage]) -> list[str]:
    """The batches that belong to the history, oldest first.

    Each list goes on from the one before it, so the longest is the newest.
    """
    return max((_noted(message) for message in messages), key=len, default=[])


def archived_marking(batches: Sequence[str]) -> dict[str, list[str]]:
    """What the `additional_kwargs` of the message that stands for the batches get."""
    return {_KEY: list(batches)} if batches else {}


def batch_of(messages: Sequence[AnyMessage]) -> str:
    """The name of a batch: the same for the same messages as they are, and for no others.

    One made of ids alone would not do: what was shortened before is taken out under the same id.
    """
    digest = sha256()
    for message in messages:
        calls = message.tool_calls if isinstance(message, AIMessage) else []
        digest.update(json.dumps([message.id, message.content, calls], default=str).encode())
    return digest.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Order:
    """The ids of a whole conversation, oldest first."""

    before: list[str]
    """Up to where the summary stands in the live history."""
    after: list[str]


def ordered(archived: Sequence[str], messages: Sequence[AnyMessage]) -> Order:
    """The order of a conversation of these archived ids and this live history.

    A message that was shortened first and taken out later stands twice in the archive: the second
    time at its place among the others.
    """
    summary = newest_summary(messages)
    place = 0 if summary is None else messages.index(summary)
    head, tail = _ids(messages[:place]), _ids(messages[place:])
    live = {*head, *tail}
    gone = reversed(list(dict.fromkeys(id_ for id_ in reversed(archived) if id_ not in live)))
    return Order([*head, *gone], tail)


def newest_summary(messages: Sequence[AnyMessage]) -> AnyMessage | None:
    """What stands for all that was taken out; None if nothing was."""
    return next((m for m in reversed(messages) if mark_of(m) == "summary"), None)


def originals(
    archived: Iterable[AnyMessage], messages: Sequence[AnyMessage]
) -> dict[str, AnyMessage]:
    """Every message by its id, as it was before anything was shortened."""
    found: dict[str, AnyMessage] = {}
    for message in (*archived, *messages):
        found.setdefault(message.id or "", message)
    return found


def _ids(messages: Iterable[AnyMessage]) -> list[str]:
    return [message.id or "" for message in messages if mark_of(message) != "summary"]


def _noted(message: AnyMessage) -> list[str]:
    found = message.additional_kwargs.get(_KEY)
    return [batch for batch in found if isinstance(batch, str)] if isinstance(found, list) else []
