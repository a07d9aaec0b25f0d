"""The session as the outside sees it: what the model was sent last, and what was being done."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from crash.edges import Passed
from crash.story import done
from crash.strike import Story

BEGINS = "INSERT INTO journal (session, call) "
ENDS = "INSERT INTO journal (session, call, done"
"""How the statements begin that note an intent and a result."""


@dataclass(frozen=True, slots=True)
class Result:
    """A call in the history, with what the model is told of it."""

    tool: str
    key: str
    call_id: str
    text: str

    @property
    def ok(self) -> bool:
        return self.text == done(self.tool, self.key)

    @property
    def unknown(self) -> bool:
        """The two ways the product has of saying so: of a call, and of one given up."""
        return self.text.startswith(("Outcome unknown", "No result: the turn was interrupted"))

    @property
    def not_run(self) -> bool:
        return self.text.startswith("Not run")


def sent_last(story: Story) -> list[dict[str, Any]]:
    """The messages of the last request: what is left of the session."""
    messages: list[dict[str, Any]] = story.bodies[-1]["messages"] if story.bodies else []
    return messages


def results(story: Story) -> list[Result]:
    """The calls of our tools in it."""
    messages = sent_last(story)
    texts = {m["tool_call_id"]: m["content"] for m in messages if m["role"] == "tool"}
    calls = [call for message in messages for call in message.get("tool_calls") or []]
    keyed = [(call, json.loads(call["function"]["arguments"]).get("key")) for call in calls]
    return [
        Result(call["function"]["name"], key, call["id"], texts.get(call["id"], ""))
        for call, key in keyed
        if key
    ]


def in_doubt(trace: list[Passed], call_id: str) -> bool:
    """Whether a process had noted that it begins a call, and not yet how it ended."""
    begun = settled = False
    ending = False
    for detail in (p.detail for p in trace if p.edge.kind == "after statement"):
        ours = call_id in detail
        begun = begun or (ours and detail.startswith(BEGINS))
        ending = ending or (ours and detail.startswith(ENDS))
        settled = settled or (ending and detail.lower().startswith("commit"))
    return begun and not settled


def noted(trace: list[Passed]) -> dict[str, int]:
    """How often intent and result were noted: what `in_doubt` goes by must be there to be seen."""
    details = [p.detail for p in trace if p.edge.kind == "after statement"]
    return {what: sum(d.startswith(what) for d in details) for what in (BEGINS, ENDS)}
