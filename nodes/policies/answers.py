"""The approval interrupt's question and the reading of its answer.

The shape is langchain's `HITLRequest`, which LangGraph Studio, agent-chat-ui and agent-inbox
render; agent-inbox reads `arguments` where the others read `args`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, NotRequired

from langchain_core.messages import ToolCall
from typing_extensions import TypedDict

from ml_intern.configs.text import clean_json


class EditedAction(TypedDict):
    """A call as a person wants it."""

    name: str
    args: dict[str, Any]


class Decision(TypedDict):
    """A person's word on one call."""

    type: Literal["approve", "edit", "reject", "respond"]
    edited_action: NotRequired[EditedAction]
    message: NotRequired[str]


class Decisions(TypedDict):
    """The answer: one decision a call, in the order they were asked."""

    decisions: list[Decision]


class Answer(NamedTuple):
    """What a decision comes to."""

    approved: bool
    args: dict[str, Any] | None = None
    """The person's arguments, if they changed them."""
    message: str = ""
    """Why not, in the person's words."""


class Asked(NamedTuple):
    """A call that needs a person."""

    call: ToolCall
    why: str
    rule: str = ""
    """The rule that would allow it."""
    preview: str = ""
    """What it would do, beyond what its arguments say."""


def request(calls: Sequence[Asked]) -> dict[str, Any]:
    """The interrupt's value."""
    decisions = ["approve", "edit", "reject"]
    return {
        "action_requests": [
            {
                "name": call["name"],
                "args": call["args"],
                "arguments": call["args"],
                "description": f"{call['name']} needs your approval: {why}.\n\n{preview}".rstrip(),
                "tool_call_id": call["id"],
                "reason": why,
                "rule": rule,
                "preview": preview,
            }
            for call, why, rule, preview in calls
        ],
        "review_configs": [
            {"action_name": call["name"], "allowed_decisions": decisions} for call, *_ in calls
        ],
    }


def read_answers(answer: Decisions, calls: Sequence[ToolCall]) -> list[Answer]:
    """One answer a call. A decision that is missing, or that changes the tool, is a no.

    More decisions than calls were made for another question: none of them counts.
    """
    if len(answer["decisions"]) > len(calls):
        return [Answer(False, message="The answer was to another question.") for _ in calls]
    decisions = clean_json(list(answer["decisions"]))
    return [
        _read(decisions[i], call) if i < len(decisions) else Answer(False, message="Not answered.")
        for i, call in enumerate(calls)
    ]


def _read(decision: Decision, call: ToolCall) -> Answer:
    match decision["type"]:
        case "approve":
            return Answer(True)
        case "edit" if (edited := decision.get("edited_action")) and edited["name"] == call["name"]:
            changed = edited["args"] != call["args"]
            return Answer(True, args=edited["args"] if changed else None)
        case "edit":
            return Answer(False, message="The edit named another tool.")
        case _:
            return Answer(False, message=decision.get("message", ""))
