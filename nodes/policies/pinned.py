"""What no summary may lose: kept word for word by code, and carried from compaction to compaction.

The user's words, the plan, the files that were changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage

from ml_intern.graph.state import PlanItem
from ml_intern.nodes.policies.clipping import Count, clip_to
from ml_intern.nodes.policies.marks import is_users, mark_of

_KEY = "ml_intern_pinned"
_FILES = 100
"""Changed files that are named; the newest."""
_LEAST = 20
"""Tokens below which a message of the user's is not clipped any further."""
_BOXES = {"completed": "x", "in_progress": ">", "pending": " "}


@dataclass(frozen=True, slots=True)
class Pinned:
    """Oldest first."""

    said: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def marking(self) -> dict[str, Any]:
        """The `additional_kwargs` of the message that carries it."""
        return {_KEY: {"said": list(self.said), "files": list(self.files)}}


def pinned(messages: Sequence[AnyMessage], editors: Collection[str]) -> Pinned:
    """What of these messages must be kept; `editors` are the tools that change files."""
    said: list[str] = []
    files: dict[str, None] = {}
    for message in messages:
        earlier = message.additional_kwargs.get(_KEY) if mark_of(message) == "summary" else None
        if earlier:
            said += earlier["said"]
            files |= dict.fromkeys(earlier["files"])
        elif is_users(message):
            said.append(str(message.text))
        elif isinstance(message, AIMessage):
            files |= dict.fromkeys(_changed(message, editors))
    return Pinned(tuple(said), tuple(files)[-_FILES:])


def _changed(message: AIMessage, editors: Collection[str]) -> list[str]:
    paths = (c["args"].get("path") for c in message.tool_calls if c["name"] in editors)
    return [path for path in paths if isinstance(path, str)]


def within(block: Pinned, tokens: int, count: Count) -> Pinned:
    """The same with the user's words in about `tokens`: long messages are clipped, none dropped."""
    said, each = block.said, tokens
    while sum(map(count, said)) > tokens and each > _LEAST:
        each //= 2
        said = tuple(clip_to(text, each, count) for text in block.said)
    return Pinned(said, block.files)


def pinned_text(block: Pinned, plan: Sequence[PlanItem]) -> str:
    """The block as the model reads it."""
    parts = []
    if block.said:
        said = "\n\n".join(f"> {text}" for text in block.said)
        parts.append(f"## What the user said, in their own words\n\n{said}")
    if plan:
        lines = "\n".join(f"[{_BOXES[item['status']]}] {item['content']}" for item in plan)
        parts.append(f"## The plan\n\n{lines}")
    if block.files:
        parts.append("## Files changed so far\n\n" + "\n".join(block.files))
    return "\n\n".join(parts)
