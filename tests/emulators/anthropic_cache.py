"""The prompt cache of Anthropic's API, as its documentation describes it.

A request is a row of blocks: tools, then the system prompt, then the messages. At each block marked
with `cache_control` the row up to it is written. A request reads the longest row that was written
before and ends at a mark of its own, or at most 20 blocks before one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

LOOK_BACK = 20


@dataclass(slots=True)
class Usage:
    """Tokens of one request, each counted in one place only."""

    fresh: int
    written: int
    read: int

    @property
    def wire(self) -> dict[str, int]:
        return {
            "input_tokens": self.fresh,
            "cache_creation_input_tokens": self.written,
            "cache_read_input_tokens": self.read,
        }


@dataclass(slots=True)
class Cache:
    """Rows that were written; nothing expires within a test."""

    rows: set[str] = field(default_factory=set)

    def take(self, body: dict[str, Any]) -> Usage:
        """Read and write what the request's marks say."""
        rows, sizes, marks = _row(body)
        reach = {n for mark in marks for n in range(max(0, mark - LOOK_BACK), mark + 1)}
        hits = [n for n in reach if rows[n] in self.rows]
        read = sum(sizes[: max(hits) + 1]) if hits else 0
        cached = sum(sizes[: marks[-1] + 1]) if marks else 0
        self.rows.update(rows[mark] for mark in marks)
        return Usage(sum(sizes) - max(cached, read), max(0, cached - read), read)


def _row(body: dict[str, Any]) -> tuple[list[str], list[int], list[int]]:
    """The digest of the row up to each block, the blocks' tokens, and where the marks are."""
    digest, rows, sizes, marks = hashlib.sha256(), [], [], []
    for place, (frame, block) in enumerate(blocks(body)):
        plain = {key: value for key, value in block.items() if key != "cache_control"}
        text = json.dumps([frame, plain], sort_keys=True)
        digest.update(text.encode())
        rows.append(digest.hexdigest())
        sizes.append(len(text) // 4 + 1)
        if "cache_control" in block:
            marks.append(place)
    return rows, sizes, marks


def blocks(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every block of a request with the place it belongs to."""
    found = [("tool", tool) for tool in body.get("tools", [])]
    found += [("system", block) for block in content_of(body.get("system", []))]
    for number, message in enumerate(body["messages"]):
        frame = f"{number} {message['role']}"
        found += [(frame, block) for block in content_of(message["content"])]
    return found


def content_of(content: Any) -> list[dict[str, Any]]:
    """A string is one text block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
