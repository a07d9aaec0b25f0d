"""A reply that stopped short gets a hint, a bounded number of times."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from ml_intern.graph.state import PlanItem
from ml_intern.nodes.policies.nudges import (
    MAX_NUDGES,
    MAX_PLAN_NUDGES,
    Kind,
    Nudge,
    classify,
    nudge_for,
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
        ({"text": "I cannot", "finish": "content_filter"}, None),
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
        ("Which? I go on.", True, "plan"),
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
    nudge = nudge_for(what, [], OPEN, given)
    assert bool(nudge.hint) == (given < limits.get(what, MAX_NUDGES))
    assert not (nudge.hint and nudge.stop)
    assert bool(nudge.stop) == bool(nudge.reason)


@pytest.mark.parametrize(
    ("what", "stop"), [("plan", None), ("cut", "stuck"), ("empty", "stuck"), ("filtered", "failed")]
)
def test_how_it_ends(what: Kind, stop: str | None) -> None:
    """A model that says twice that it is done is believed; the others end the turn, and say why."""
    assert nudge_for(what, [], OPEN, MAX_NUDGES).stop == stop


def test_a_finished_reply_gets_nothing() -> None:
    assert nudge_for(None, [], OPEN, 0) == Nudge()


def test_hints_name_what_is_open_and_what_was_lost() -> None:
    assert "do b; do c" in nudge_for("plan", [], OPEN, 0).hint
    assert "do a" not in nudge_for("plan", [], OPEN, 0).hint
    assert "write, bash" in nudge_for("cut", ["write", "bash"], [], 0).hint
    assert "Not run" not in nudge_for("cut", [], [], 0).hint
