"""How hard a model should think: the highest level it accepts, learned from its refusals.

No call is made to find out. The wish is sent; if the provider refuses it, the next lower level is,
at last none. What was learned is remembered, for the process and on disk for a month.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from ml_intern.graph.context import Effort
from ml_intern.llm.errors import ModelError, ModelRefusedError
from ml_intern.llm.kept import keep

LEVELS = ("max", "xhigh", "high", "medium", "low", "minimal")
"""The highest first."""
MONTH = 30 * 24 * 3600.0

_OFF = "none"
"""What `off` is called on the wire."""
_ABOUT = ("effort", "reasoning", "thinking", "output_config")
_AS_SENT = frozenset(
    {"cerebras", "fireworks_ai", "groq", "huggingface", "mistral", "openai", "openrouter",
     "together_ai", "xai"}
)  # fmt: skip
"""Providers that take OpenAI's `reasoning_effort`. litellm has a mapping for the others; for these
it drops what its table does not know, without a word."""


def steps(wish: Effort | None, known: str | None = None) -> list[str]:
    """What to send, one after the other until it is accepted; "" sends nothing.

    `known` is where an earlier call ended.
    """
    if wish is None:
        return [""]
    ladder = [_OFF, ""] if wish == "off" else [*LEVELS[LEVELS.index(wish) :], ""]
    return ladder[ladder.index(known) :] if known in ladder else ladder


def parameters(provider: str, level: str) -> dict[str, Any]:
    """The call's parameters for a level."""
    if not level:
        return {}
    sent = {"reasoning_effort": level}
    return {"extra_body": sent} if provider in _AS_SENT else sent


def may_be_about_effort(error: ModelError) -> bool:
    """Whether a lower level might help: the request was refused, and not for something else."""
    if not isinstance(error, ModelRefusedError):
        return False
    return error.param is None or any(word in error.param.lower() for word in _ABOUT)


def told(model: str, wish: Effort, level: str) -> str:
    """What the user is told when less was accepted."""
    if level:
        return f"{model} takes effort {level} at most."
    if wish == "off":
        return f"{model} cannot be told to think less."
    return f"{model} cannot be told how hard to think."


@dataclass(slots=True)
class Learned:
    """What one model accepted in place of a wish."""

    model: str = ""
    path: Path | None = None
    """The file that keeps it for all models."""
    levels: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    """Wishes for which the user knows."""

    @classmethod
    def load(cls, model: str, folder: Path | None) -> Learned:
        """What is known of `model`. Blocks."""
        if folder is None:
            return cls(model)
        path = folder / "effort.json"
        entries = _read(path).get(model, {})
        return cls(model, path, {wish: entry["level"] for wish, entry in entries.items()})

    def learn(self, wish: Effort, level: str) -> None:
        """Remember it. A folder that cannot be written to costs a refused request some day.

        Blocks.
        """
        self.levels[wish] = level
        if self.path is None:
            return
        with suppress(OSError):
            known = _read(self.path)
            known.setdefault(self.model, {})[wish] = {"level": level, "at": time.time()}
            keep(self.path, known)


Entries = dict[str, dict[str, dict[str, Any]]]
"""By model and wish: the level, and when it was learned."""


def _read(path: Path) -> Entries:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    models = stored.items() if isinstance(stored, dict) else ()
    return {model: _sound(entries) for model, entries in models if isinstance(entries, dict)}


def _sound(entries: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    oldest, now = time.time() - MONTH, time.time()
    return {
        wish: entry
        for wish, entry in entries.items()
        if wish in get_args(Effort)
        and isinstance(entry, dict)
        and entry.get("level") in (*LEVELS, "")
        and isinstance(entry.get("at"), int | float)
        and oldest < entry["at"] <= now
    }
