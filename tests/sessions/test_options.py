"""The options of a session: kept with it, restored never looser, changed while it is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Step, text
from harness import MODEL, Agent, agent
from ml_intern.configs.errors import ConfigError
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.sessions import operations as op
from ml_intern.sessions.options import changed, restored, stored
from ml_intern.sessions.outcome import explanation

OTHER = "openai/gpt-other"
PRICES = {MODEL: {"input": 1, "output": 10}, OTHER: {"input": 1, "output": 10}}


@pytest.mark.parametrize(
    ("kept", "new", "budget"),
    [(5, 2, 2), (2, 5, 2), (5, None, 5), (None, 5, 5), (None, None, None), (0.5, 0.25, 0.25)],
)
def test_a_budget_that_is_restored_is_never_looser(
    kept: float | None, new: float | None, budget: float | None
) -> None:
    found = restored({"max_budget_usd": kept}, RunOptions(max_budget_usd=new))
    assert found["max_budget_usd"] == budget


@pytest.mark.parametrize(
    ("kept", "new", "limit"),
    [(10, 300, 10), (300, 10, 10), (-1, 10, 10), (10, -1, 10), (-1, -1, -1)],
)
def test_a_limit_that_is_restored_is_never_looser(kept: int, new: int, limit: int) -> None:
    found = restored({"max_iterations": kept}, RunOptions(max_iterations=new))
    assert found["max_iterations"] == limit


def test_an_effort_and_a_model_belong_to_the_session() -> None:
    kept = stored(RunOptions(model="a/b", effort="high"))
    found = restored(kept, RunOptions(model="c/d", effort="low"))
    assert (found["model"], found["effort"]) == ("a/b", "high")
    assert "effort" not in restored({}, RunOptions(effort="low"))


def test_what_an_older_version_stored_is_enough() -> None:
    found = restored({"model": "a/b", "permission_mode": "yolo", "max_iterations": 0}, RunOptions())
    assert (found["permission_mode"], found["max_budget_usd"]) == ("default", None)
    assert found["max_iterations"] == 1


@pytest.mark.parametrize(
    "wanted",
    [
        op.SetOptions(effort="hihg"),  # type: ignore[arg-type]
        op.SetOptions(max_budget_usd=-1),
        op.SetOptions(max_budget_usd=float("nan")),
        op.SetOptions(max_budget_usd=float("inf")),
    ],
)
def test_what_makes_no_sense_is_refused(wanted: op.SetOptions) -> None:
    with pytest.raises(ConfigError):
        changed(RunOptions(), wanted)


def test_what_is_not_named_stays() -> None:
    options = RunOptions(model="a/b", effort="low", max_budget_usd=1.0, stream=False)
    assert changed(options, op.SetOptions()) == options
    assert changed(options, op.SetOptions(effort="max")).model == "a/b"


def test_the_reason_of_a_limit_is_told() -> None:
    turn = {**turn_of({}), "iterations": 3}
    assert "limit of one turn" in explanation("limit", AgentState(turn=turn))  # type: ignore[typeddict-item]
    spent = AgentState(turn={**turn, "stop": "limit", "reason": "It is spent."})  # type: ignore[typeddict-item]
    assert explanation("limit", spent) == "It is spent."


async def kept_with(a: Agent) -> dict[str, Any]:
    (thread,) = await a.sessions.threads.find(a.session.id)
    return dict(thread.options)


async def test_another_model_takes_over_with_the_next_message(tmp_path: Path) -> None:
    async with agent([text("one"), text("two")], tmp_path) as a:
        await a.say("first")
        (said,) = await a.do(op.SetOptions(model=OTHER))
        assert isinstance(said, ev.Notice)
        assert OTHER in said.message
        assert a.session.options.model == OTHER
        assert (await kept_with(a))["model"] == MODEL
        await a.say("second")
        assert [r.body["model"] for r in a.server.requests] == ["gpt-test", "gpt-other"]
        assert (await kept_with(a))["model"] == OTHER


async def test_a_model_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    async with agent([text("one")], tmp_path) as a:
        wanted = op.SetOptions(model="nosuch/model", effort="high", max_budget_usd=3)
        (said,) = await a.do(wanted)
        assert isinstance(said, ev.Error)
        assert "nosuch" in said.error
        assert said.exit_code == 2
        options = a.session.options
        assert (options.model, options.effort, options.max_budget_usd) == (MODEL, None, None)
        await a.say("first")
        assert a.server.requests[0].body["model"] == "gpt-test"


async def test_a_budget_is_raised_where_it_is_used_up(tmp_path: Path) -> None:
    script: list[Step] = [text("one", usage=(50_000, 5_000)), text("two", usage=(600, 10))]
    poor = RunOptions(permission_mode="yolo", max_budget_usd=0.101)
    async with agent(script, tmp_path, options=poor, prices=PRICES) as a:
        await a.say("first")
        await a.say("second")
        assert a.of(ev.TurnComplete)[-1].status == "limit"
        assert "$0.10" in a.of(ev.Notice)[-1].message
        assert len(a.server.requests) == 1
        await a.do(op.SetOptions(max_budget_usd=2))
        assert a.session.budget == 2
        await a.say("third")
        assert a.of(ev.TurnComplete)[-1].final_response == "two"
        assert (await kept_with(a))["max_budget_usd"] == 2


async def test_what_was_set_goes_with_a_copy_and_with_a_new_session(tmp_path: Path) -> None:
    async with agent([text("one")], tmp_path) as a:
        await a.say("first")
        await a.do(op.SetOptions(effort="max", max_budget_usd=2))
        await a.do(op.Fork())
        assert (a.session.options.effort, a.session.budget) == ("max", 2)
        await a.do(op.New())
        assert (a.session.options.effort, a.session.budget) == ("max", 2)


async def test_a_session_counts_its_turns_also_where_they_were_summed_up(tmp_path: Path) -> None:
    """What we put into the history is none of them."""
    script = [text("word " * 3000), text("two"), text("three"), text("SUMMARY.")]
    async with agent(script, tmp_path) as a:
        assert await a.session.turns() == 0
        for words in ("first", "second", "third"):
            await a.say(words)
        assert await a.session.turns() == 3
        await a.do(op.Compact())
        assert a.of(ev.Compacted)
        assert await a.session.turns() == 3


async def test_the_window_is_measured(tmp_path: Path) -> None:
    async with agent([text("one", usage=(3_000, 500))], tmp_path, context_window=60_000) as a:
        empty = await a.session.filling()
        assert (empty.window, empty.limit, empty.messages) == (60_000, 54_000, 0)
        assert 500 < empty.tokens < 20_000
        await a.say("first")
        full = await a.session.filling()
        assert (full.tokens, full.messages, full.model) == (3_500, 2, MODEL)


async def test_a_budget_can_be_lifted(tmp_path: Path) -> None:
    """With a model of unknown price nothing could be done otherwise."""
    options = RunOptions(permission_mode="yolo", max_budget_usd=1.0)
    async with agent([text("ok")], tmp_path, options=options, max_budget_usd=2.0) as a:
        await a.say("go")
        assert "/budget none" in a.of(ev.Error)[-1].error
        await a.do(op.SetOptions(max_budget_usd=0))
        assert a.session.budget is None
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "ok"
    # A new start with a configured budget is not loosened by it.
    async with agent([], tmp_path, proceed=True, options=options, max_budget_usd=2.0) as a:
        assert a.session.budget is not None
