"""The session that is swept: what the user says, and a model that is a function of the history.

Its call ids are new in every answer, as a provider's are: a model call made twice shows as an
effect that happened twice.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from emulators.script import Body, Call, Step, calls, text

Wanted = tuple[str, dict[str, Any]]


def done(tool: str, key: str) -> str:
    """What a call answers that had its effect."""
    return f"{tool} {key}: done"


def _plan(status: str) -> Wanted:
    return "plan_tool", {"todos": [{"id": "1", "content": "Do it", "status": status}]}


def _key(tool: str, key: str) -> Wanted:
    return tool, {"key": key}


@dataclass(frozen=True, slots=True)
class Turn:
    """A prompt, the messages of calls it leads to, and the answer."""

    prompt: str
    calls: tuple[tuple[Wanted, ...], ...]
    answer: str

    @property
    def keys(self) -> dict[str, str]:
        """The tool of every key in it."""
        wanted = [call for message in self.calls for call in message]
        return {args["key"]: tool for tool, args in wanted if "key" in args}


TURNS = (
    Turn(
        "the first task",
        (
            (
                _plan("in_progress"),
                _key("pure", "a"),
                _key("idempotent", "b"),
                _key("reconcilable", "c"),
                _key("opaque", "d"),
            ),
            (_key("opaque", "e"),),
            (_plan("completed"), _key("reconcilable", "f")),
        ),
        "The first answer.",
    ),
    Turn(
        "the next task",
        ((_key("opaque", "g"), _key("idempotent", "h")), (_key("reconcilable", "i"),)),
        "The next answer.",
    ),
    Turn("What was done?", (), "All of it."),
)
"""The last one only makes the history be sent: it is how a provider sees what was stored."""


def model(body: Body) -> Step:
    """What the model says to a request."""
    messages = body["messages"]
    said = [(place, turn) for turn in TURNS for place in _places(messages, turn.prompt)]
    place, turn = max(said, key=lambda pair: pair[0])
    made = sum(bool(message.get("tool_calls")) for message in messages[place:])
    if made >= len(turn.calls):
        return text(turn.answer)
    return calls(*(Call(name, args, id=_fresh()) for name, args in turn.calls[made]))


def _places(messages: list[dict[str, Any]], prompt: str) -> list[int]:
    return [
        place
        for place, message in enumerate(messages)
        if message["role"] == "user" and message["content"] == prompt
    ]


def _fresh() -> str:
    return f"call_{uuid.uuid4().hex[:24]}"
