"""When a reply without usable calls is not the end: it was cut, empty, or the plan is open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage

from ml_intern.graph.state import PlanItem, Stop
from ml_intern.nodes.policies.marks import mark_of

MAX_STALLS = 3
"""Replies in a row that were cut or empty after which the turn ends."""
MAX_PLAN_NUDGES = 2
"""A model that answers twice that it is done with an open plan is believed."""

Kind = Literal["cut", "empty", "plan", "filtered"]

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)
_QUESTION = re.compile(r"[?\uff1f\u061f](?=[\s)\"'*_]|$)")


class Nudge(NamedTuple):
    """A hint for the model, or the end of the turn."""

    hint: str = ""
    mark: Literal["nudge", "stall"] = "stall"
    """What the hint is about: an open plan, or a reply that was cut or empty."""
    stop: Stop | None = None
    reason: str = ""


def nudge_for(
    kind: Kind | None, lost: Sequence[str], plan: Sequence[PlanItem], *, stalls: int, given: int
) -> Nudge:
    """What follows a reply.

    `lost` names the calls it was cut in, `stalls` counts the replies before it in a row that were
    cut or empty, `given` the turn's hints about the plan.
    """
    match kind:
        case None:
            return Nudge()
        case "filtered":
            return Nudge(stop="failed", reason="The provider's content filter stopped the answer.")
        case "plan":
            return Nudge(_plan_hint(plan), mark="nudge") if given < MAX_PLAN_NUDGES else Nudge()
        case "empty" if stalls + 1 >= MAX_STALLS:
            return Nudge(stop="stuck", reason="The model keeps answering with nothing at all.")
        case "cut" if stalls + 1 >= MAX_STALLS:
            return Nudge(stop="stuck", reason="The answers keep being cut at the output limit.")
        case "empty":
            return Nudge("[Your last message was empty. Go on with the task, or give your answer.]")
        case "cut":
            return Nudge(_cut_hint(lost))


def classify(
    *, text: str, calls: int, finish: str, plan: Sequence[PlanItem], interactive: bool
) -> Kind | None:
    """What, if anything, is unfinished about a reply."""
    if finish == "length":
        return "cut"
    if calls:
        return None
    if finish == "content_filter":  # what came before it is half an answer at best
        return "filtered"
    if not text.strip():
        return "empty"
    return "plan" if _open_items(plan) and not (interactive and asks(text)) else None


def asks(text: str) -> bool:
    """Whether a reply ends by asking the user something: a question in its last paragraph."""
    prose = _CODE.sub(" ", text).rstrip()
    last = prose.rpartition("\n\n")[2]
    return bool(_QUESTION.search(last))


def stalls(messages: Sequence[AnyMessage]) -> int:
    """Replies in a row, newest first, that were cut or empty, told by the hints they got."""
    count = 0
    for message in reversed(messages):
        if mark_of(message) == "stall":
            count += 1
        elif not isinstance(message, AIMessage) or message.tool_calls:
            break
    return count


def _cut_hint(lost: Sequence[str]) -> str:
    if not lost:
        return "[Your last message was cut at the output limit. Go on where it stopped, briefly.]"
    return (
        f"[Your last message was cut at the output limit. Not run: {', '.join(lost)}. "
        "Send them again smaller: write long files in parts, or make several small edits.]"
    )


def _plan_hint(plan: Sequence[PlanItem]) -> str:
    shown = "; ".join(item["content"] for item in _open_items(plan)[:4])
    return (
        f"[The plan still has open items: {shown}. Go on with them, or update the plan with "
        "plan_tool if they are done or no longer wanted, and then answer.]"
    )


def _open_items(plan: Sequence[PlanItem]) -> list[PlanItem]:
    return [item for item in plan if item["status"] != "completed"]
