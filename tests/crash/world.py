"""The world that the victim's tools act on: an append-only ledger and a folder of files.

It knows nothing of the agent's database, so it can tell what the agent only believes.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Effect:
    """One line of the ledger."""

    tool: str
    key: str
    """What the call means; a repeated effect repeats it."""
    token: str
    """The product's idempotency key of the call."""


class World:
    """Effects that happened, each durable before the tool returns."""

    def __init__(self, root: Path) -> None:
        self._ledger = root / "ledger.jsonl"
        self._files = root / "world"

    def append(self, effect: Effect) -> None:
        """One append of one line: whole or not there, however the process dies."""
        line = json.dumps(asdict(effect)) + "\n"
        file = os.open(self._ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
            os.fsync(file)
        finally:
            os.close(file)

    def put(self, key: str) -> None:
        """The same file with the same content, however often."""
        self._files.mkdir(exist_ok=True)
        (self._files / key).write_text(content(key))

    def holds(self, key: str) -> bool:
        """Whether the file is as `put` leaves it."""
        path = self._files / key
        return path.exists() and path.read_text() == content(key)

    def effects(self) -> list[Effect]:
        """Everything that happened, in order."""
        if not self._ledger.exists():
            return []
        return [Effect(**json.loads(line)) for line in self._ledger.read_text().splitlines()]

    def count(self, key: str) -> int:
        """How often the effect of a key happened."""
        return sum(effect.key == key for effect in self.effects())


def content(key: str) -> str:
    """What an idempotent call writes."""
    return f"the file of {key}\n"
