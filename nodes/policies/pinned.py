"""What no summary may lose: kept word for word by code, and carried from compaction to compaction.

The user's words, the plan, the files that were changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage

from ml_intern.graph.state import PlanItem
from ml_intern.nodes.policies.clipping import Count, clip_middle, clip_to
from ml_intern.nodes.policies.marks import is_users, mark_of
from ml_intern.nodes.policies.queued import heard_within

_KEY = "ml_intern_pinned"
_FILES = 100
"""Changed files that are named; the newest."""
_ITEM = 300
"""Characters shown of a step of the plan."""
_LEAST = 20
"""Tokens below which a message of the user's is not clipped any further."""
_BOXES = {"completed": "x", "in_progress": ">", "pending": " "}


@dataclass(frozen=True, slots=True)
class Pinned:
    """Oldest first."""

    said: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    """Tools called since the user's newest message that began a turn."""
    omitted: int = 0
    """Older messages of the user's for which there was no room."""

    def marking(self) -> dict[str, Any]:
        """The `additional_kwargs` of the message that carries it."""
        kept = {"said": self.said, "files": self.files, "called": self.called}
        lists = {name: list(texts) for name, texts in kept.items()}
        return {_KEY: {**lists, "omitted": self.omitted}}


def pinned(messages: Sequence[AnyMessage], editors: Collection[str]) -> Pinned:
    """What of these messages must be kept; `editors` are the tools that change files."""
    said: list[str] = []
    files: dict[str, None] = {}
    called: dict[str, None] = {}
    omitted = 0
    for message in messages:
        if earlier := _carried(message):
            omitted += earlier.get("omitted", 0)
            said += earlier["said"]
            files |= dict.fromkeys(earlier["files"])
            called |= dict.fromkeys(called_before(message))
        elif is_users(message):
            said.append(str(message.text))
            if not heard_within(message):
                called.clear()
        elif isinstance(message, AIMessage):
            files |= dict.fromkeys(_changed(message, editors))
            called |= dict.fromkeys(call["name"] for call in message.tool_calls)
    return Pinned(tuple(said), tuple(files)[-_FILES:], tuple(called), omitted)


def called_before(message: AnyMessage) -> list[str]:
    """The tools called in the turn under way, if the message is the summary of its beginning."""
    return list((_carried(message) or {}).get("called", []))


def _carried(message: AnyMessage) -> dict[str, Any] | None:
    return message.additional_kwargs.get(_KEY) if mark_of(message) == "summary" else None


def _changed(message: AIMessage, editors: Collection[str]) -> list[str]:
    paths = (c["args"].get("path") for c in message.tool_calls if c["name"] in editors)
    return [path for path in paths if isinstance(path, str)]


def within(block: Pinned, tokens: int, count: Count) -> Pinned:
    """The same with the user's words in about `tokens`.

    Long ones are clipped, then the oldest left out; the newest stays.
    """
    said, each = block.said, tokens
    while sum(map(count, said)) > tokens and each > _LEAST:
        each //= 2
        said = tuple(clip_to(text, each, count) for text in block.said)
    sizes = [count(text) for text in said]
    first = 0
    while first < len(said) - 1 and sum(sizes[first:]) > tokens:
        first += 1
    return replace(block, said=said[first:], omitted=block.omitted + first)


def pinned_text(block: Pinned, plan: Sequence[PlanItem]) -> str:
    """The block as the model reads it."""
    parts = []
    if block.said:
        said = "\n\n".join(f"> {text}" for text in block.said)
        if block.omitted:
            said = f"({block.omitted} earlier messages are left out here.)\n\n{said}"
        parts.append(f"## What the user said, in their own words\n\n{said}")
    if plan:
        lines = "\n".join(
            f"[{_BOXES[item['status']]}] {clip_middle(item['content'], _ITEM)}" for item in plan
        )
        parts.append(f"## The plan\n\n{lines}")
    if block.files:
        parts.append("## Files changed so far\n\n" + "\n".join(block.files))
    return "\n\n".join(parts)
