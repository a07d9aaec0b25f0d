"""A provider that counts and bills what it is sent, and never accepts more than its window."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import repeat

import tiktoken

from emulators.openai_server import Call, Step, calls, fault, text
from emulators.script import Body, Line

INPUT, OUTPUT = 3.0, 15.0
"""Dollars a million tokens."""


@lru_cache(maxsize=20_000)
def tokens(text: str) -> int:
    return len(tiktoken.get_encoding("o200k_base").encode_ordinary(text))


@dataclass
class Provider:
    """Answers with `steps` calls and a last word; everything without tools is a summary."""

    steps: int
    window: int
    said: str = ""
    sizes: list[int] = field(default_factory=list)
    summaries: int = 0
    refused: int = 0
    dollars: float = 0.0

    def lines(self) -> Iterator[Line]:
        return repeat(self.answer)

    def answer(self, body: Body) -> Step:
        size = sum(tokens(json.dumps(part)) for part in [*body["messages"], body.get("tools")])
        if size > self.window:
            self.refused += 1
            return fault("context_length")
        self.sizes.append(size)
        step = self._step(body)
        said = tokens(json.dumps([step.content, [call.raw_arguments for call in step.calls]]))
        self.dollars += (size * INPUT + said * OUTPUT) / 1e6
        return Step(content=step.content, calls=step.calls, usage=(size, said))

    def _step(self, body: Body) -> Step:
        if "tools" not in body:
            self.summaries += 1
            return text(f"SUMMARY {self.summaries}: " + "we looked at notes. " * 40)
        number = len(self.sizes) - self.summaries
        if number > self.steps:
            return text("Done.")
        return calls(
            Call("read", {"path": f"note{number % 7}.txt"}), content=f"{number} {self.said}"
        )
