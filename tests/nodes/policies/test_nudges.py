"""A reply that stopped short gets a hint, a bounded number of times."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage

from ml_intern.graph.state import PlanItem
from ml_intern.nodes.policies.marks import marking
from ml_intern.nodes.policies.nudges import (
    MAX_PLAN_NUDGES,
    MAX_STALLS,
    Kind,
    Nudge,
    classify,
    nudge_for,
    stalls,
)


def plan(**items: Any) -> list[PlanItem]:
    return [PlanItem(id=name, content=f"do {name}", status=s) for name, s in items.items()]


OPEN = plan(a="completed", b="in_progress", c="pending")
DONE = plan(a="completed")


def kind(text: str = "", calls: int = 0, finish: str = "stop", **more: Any) -> Kind | None:
    options: dict[str, Any] = {"plan": [], "interactive": True, **more}
    return classify(text=text, calls=calls, finish=finish, **options)


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ({"text": "Done."}, None),
        ({"text": "Done.", "finish": ""}, None),
        ({"text": "Done.", "plan": DONE}, None),
        ({"text": "Done.", "plan": OPEN}, "plan"),
        ({"text": "Doing.", "plan": OPEN, "calls": 1}, None),
        ({"calls": 1}, None),
        ({}, "empty"),
        ({"text": " \n"}, "empty"),
        ({"plan": OPEN}, "empty"),
        ({"text": "Half", "finish": "length"}, "cut"),
        ({"calls": 2, "finish": "length"}, "cut"),
        ({"finish": "length"}, "cut"),
        ({"finish": "content_filter"}, "filtered"),
        ({"text": "I cannot", "finish": "content_filter"}, "filtered"),
    ],
)
def test_what_is_unfinished_about_a_reply(reply: dict[str, Any], wanted: Kind | None) -> None:
    assert kind(**reply) == wanted


@pytest.mark.parametrize(
    ("text", "interactive", "wanted"),
    [
        ("Which dataset?", True, None),
        ("Which dataset? \n", True, None),
        ("Which dataset?", False, "plan"),
        ("Which one? I would take the first.", True, None),
        ("Why did it fail? It ran out of memory.\n\nI lower the batch size now.", True, "plan"),
        ("Look at `x ? y : z` and https://a.b/?q=1 next.", True, "plan"),
        ("**Shall I go on?**", True, None),
    ],
)
def test_w13_a_question_with_an_open_plan_waits_for_its_answer(
    text: str, interactive: bool, wanted: Kind | None
) -> None:
    """W13: an open plan made a clarifying question cost three model calls."""
    assert kind(text, plan=OPEN, interactive=interactive) == wanted


@pytest.mark.parametrize("given", range(6))
@pytest.mark.parametrize("what", get_args(Kind))
def test_hints_are_bounded(what: Kind, given: int) -> None:
    limits: dict[Kind, int] = {"plan": MAX_PLAN_NUDGES, "filtered": 0}
    nudge = nudge_for(what, [], OPEN, stalls=given, given=given)
    assert bool(nudge.hint) == (given < limits.get(what, MAX_STALLS - 1))
    assert not (nudge.hint and nudge.stop)
    assert bool(nudge.stop) == bool(nudge.reason)


@pytest.mark.parametrize(
    ("what", "stop"), [("plan", None), ("cut", "stuck"), ("empty", "stuck"), ("filtered", "failed")]
)
def test_how_it_ends(what: Kind, stop: str | None) -> None:
    """A model that says twice that it is done is believed; the others end the turn, and say why."""
    assert nudge_for(what, [], OPEN, stalls=MAX_STALLS, given=MAX_PLAN_NUDGES).stop == stop


def test_a_finished_reply_gets_nothing() -> None:
    assert nudge_for(None, [], OPEN, stalls=0, given=0) == Nudge()


def test_hints_name_what_is_open_and_what_was_lost() -> None:
    assert "do b; do c" in nudge_for("plan", [], OPEN, stalls=0, given=0).hint
    assert "do a" not in nudge_for("plan", [], OPEN, stalls=0, given=0).hint
    assert "write, bash" in nudge_for("cut", ["write", "bash"], [], stalls=0, given=0).hint
    assert "Not run" not in nudge_for("cut", [], [], stalls=0, given=0).hint


def test_only_replies_in_a_row_count_as_stalled() -> None:
    """A turn of 300 calls may be cut now and then; it is stuck when nothing else comes."""
    hint = HumanMessage("[Go on.]", additional_kwargs=marking("stall"))
    other = HumanMessage("[The plan.]", additional_kwargs=marking("nudge"))
    said, call = AIMessage("Half"), ToolCall(name="bash", args={}, id="a", type="tool_call")
    ran: list[AnyMessage] = [AIMessage("", tool_calls=[call]), ToolMessage("ok", tool_call_id="a")]
    user = HumanMessage("Do it.")
    assert stalls([user]) == 0
    assert stalls([user, said, hint, hint]) == 2
    assert stalls([user, said, hint, *ran]) == 0
    assert stalls([user, hint, *ran, said, hint]) == 1
    assert stalls([user, hint, said, other]) == 0
    assert stalls([user, hint, user]) == 0
