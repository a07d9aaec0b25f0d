"""When a reply without usable calls is not the end: it was cut, empty, or the plan is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from ml_intern.graph.state import PlanItem, Stop

MAX_NUDGES = 3
"""Hints a turn may contain before it ends."""
MAX_PLAN_NUDGES = 2
"""A model that answers twice that it is done with an open plan is believed."""

Kind = Literal["cut", "empty", "plan", "filtered"]


class Nudge(NamedTuple):
    """A hint for the model, or the end of the turn."""

    hint: str = ""
    stop: Stop | None = None
    reason: str = ""


def nudge_for(
    kind: Kind | None, lost: Sequence[str], plan: Sequence[PlanItem], given: int
) -> Nudge:
    """What follows a reply; `lost` names the calls it was cut in, `given` counts hints so far."""
    match kind:
        case None:
            return Nudge()
        case "filtered":
            return Nudge(stop="failed", reason="The provider's content filter stopped the answer.")
        case "plan":
            return Nudge(_plan_hint(plan)) if given < MAX_PLAN_NUDGES else Nudge()
        case "empty" if given >= MAX_NUDGES:
            return Nudge(stop="stuck", reason="The model keeps answering with nothing at all.")
        case "cut" if given >= MAX_NUDGES:
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
    if not text.strip():
        return "filtered" if finish == "content_filter" else "empty"
    asks = interactive and text.rstrip().endswith("?")
    return "plan" if _open_items(plan) and not asks else None


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
