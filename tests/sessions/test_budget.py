"""No session spends more than it may, whatever the model does with its allowance."""

from __future__ import annotations

import json
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Call, Step, calls, fault, text
from emulators.script import Body
from harness import CORE, MODEL, agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.budget import news, spent
from ml_intern.sessions import operations as op

PRICES = {MODEL: {"input": 3.0, "output": 15.0}}
OTHER = "openai/gpt-other"
LONGEST = 2000
"""Tokens an answer has where no limit is given."""


class Biller:
    """Answers as expensively as it may, and keeps the books."""

    def __init__(self, said: str = "") -> None:
        self.dollars = 0.0
        self.limits: list[int | None] = []
        self.said = said
        self.number = 0

    def __call__(self, body: Body) -> Step:
        size = len(json.dumps([body["messages"], body.get("tools")])) // 4
        limit = body.get("max_completion_tokens", body.get("max_tokens"))
        self.limits.append(limit)
        said = min(limit or LONGEST, LONGEST)
        self.dollars += (size * 3.0 + said * 15.0) / 1e6
        self.number += 1
        command = Call("bash", {"command": f"echo {self.number}"})
        content = f"{self.number} {self.said}"
        if "tools" not in body:
            return text(content, usage=(size, said))
        return calls(command, content=content, usage=(size, said))


@pytest.mark.parametrize("budget", [0.03, 0.2, 0.5])
async def test_the_ledger_never_exceeds_the_budget(tmp_path: Path, budget: float) -> None:
    biller = Biller()
    more: dict[str, Any] = {"tools": CORE, "prices": PRICES, "max_budget_usd": budget}
    async with agent(lambda: repeat(biller), tmp_path, **more) as a:
        await a.say("go on for ever")
        end = a.of(ev.TurnComplete)[-1]
        usage = (await a.session.state()).get("usage", {})
        assert end.status == "limit"
        assert biller.dollars <= budget
        assert spent(usage) == pytest.approx(biller.dollars)
        # It was used, not just guarded: one more call, input alone, would be above it.
        assert biller.dollars > budget / 2
        assert f"${budget:.2f}" in a.of(ev.Notice)[-1].message
        before = a.server.answered
        await a.say("and on")
        assert a.of(ev.TurnComplete)[-1].status == "limit"
        assert a.server.answered == before


async def test_summaries_are_paid_from_the_same_budget(tmp_path: Path) -> None:
    biller = Biller("I look at the numbers and go on. " * 300)
    more: dict[str, Any] = {
        "prices": PRICES,
        "max_budget_usd": 1.0,
        "tools": CORE,
        "context_window": 20_000,
    }
    async with agent(lambda: repeat(biller), tmp_path, **more) as a:
        await a.say("go on for ever")
        usage = (await a.session.state()).get("usage", {})
        assert a.of(ev.TurnComplete)[-1].status == "limit"
        assert usage["compaction_calls"] > 1
        assert 0 < usage["compaction_usd"] < usage["cost_usd"] <= 1.0
        assert biller.dollars == pytest.approx(usage["cost_usd"])


async def test_an_unknown_price_is_refused_before_the_first_call(tmp_path: Path) -> None:
    async with agent([], tmp_path, max_budget_usd=1.0) as a:
        await a.say("go")
        error = a.of(ev.Error)[-1]
        assert error.exit_code == 2
        assert "prices" in error.error


async def test_what_costs_nothing_is_not_limited(tmp_path: Path) -> None:
    free = {MODEL: {"input": 0.0, "output": 0.0}}
    async with agent([text("ok")], tmp_path, prices=free, max_budget_usd=0.01) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "ok"
        assert "max_tokens" not in a.server.bodies[0]


async def test_what_is_free_goes_on_when_all_is_spent(tmp_path: Path) -> None:
    prices = {**PRICES, OTHER: {"input": 0.0, "output": 0.0}}
    script = [text("dear", usage=(30_000, 1000)), text("free")]
    async with agent(script, tmp_path, prices=prices, max_budget_usd=0.1) as a:
        await a.say("go")
        await a.do(op.SetOptions(model=OTHER))
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "free"


async def test_a_compaction_model_without_a_price_is_passed_over(tmp_path: Path) -> None:
    biller = Biller("I look at the numbers and go on. " * 300)
    more: dict[str, Any] = {
        "prices": PRICES,
        "max_budget_usd": 1.0,
        "tools": CORE,
        "context_window": 20_000,
    }
    more["compaction_model"] = "openai/gpt-small"
    async with agent(lambda: repeat(biller), tmp_path, **more) as a:
        await a.say("go on for ever")
        assert a.of(ev.TurnComplete)[-1].status == "limit"
        assert {e.model for e in a.of(ev.Usage) if e.kind == "compaction"} == {MODEL}


async def test_a_summary_that_broke_off_counts_as_its_most(tmp_path: Path) -> None:
    said = "I look at the numbers and go on. " * 400
    work = [calls(Call("bash", {"command": f"echo {n}"}), content=f"{n} {said}") for n in range(6)]
    script = [*work, fault("close"), text("SUMMARY."), text("Done.", usage=(1000, 10))]
    more: dict[str, Any] = {
        "prices": PRICES,
        "max_budget_usd": 9.0,
        "tools": CORE,
        "context_window": 20_000,
    }
    more |= {"compaction_model": OTHER, "max_retries": 0}
    more["prices"] = {**PRICES, OTHER: PRICES[MODEL]}
    async with agent(script, tmp_path, **more) as a:
        await a.say("go")
        usage = (await a.session.state()).get("usage", {})
        assert usage["unpriced_calls"] == 1
        assert usage["unknown_usd"] > 0


async def test_attempts_that_break_off_stay_within_the_budget(tmp_path: Path) -> None:
    """Each may be billed to its limit, so each needs its own reserve, with `-c` too."""
    biller = Biller()

    def breaking(body: Body) -> Step:
        biller(body)
        return fault("close")

    more: dict[str, Any] = {"prices": PRICES, "max_budget_usd": 0.1, "max_retries": 4}
    async with agent(lambda: repeat(breaking), tmp_path, **more) as a:
        for operation in (op.UserInput("go"), op.Resume(), op.Resume(), op.UserInput("on")):
            await a.do(operation)
        assert biller.dollars <= 0.1
        assert a.of(ev.TurnComplete)[-1].status == "limit"


async def test_what_a_failed_call_cost_is_not_forgotten(tmp_path: Path) -> None:
    script = [fault("close"), text("ok", usage=(1000, 10))]
    more: dict[str, Any] = {"prices": PRICES, "max_budget_usd": 9.0, "max_retries": 0}
    async with agent(script, tmp_path, **more) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].status == "failed"
        assert a.of(ev.Error)[-1].exit_code == 1
        assert (await a.session.state()).get("usage", {})["unknown_usd"] > 0
        await a.do(op.Resume())
        assert a.of(ev.TurnComplete)[-1].final_response == "ok"


async def test_what_broke_off_counts_as_its_most(tmp_path: Path) -> None:
    """It was answered in part, so it may have been billed; nobody said for how much."""
    script = [fault("close"), text("ok", usage=(1000, 10))]
    async with agent(script, tmp_path, prices=PRICES, max_budget_usd=1.0) as a:
        await a.say("go")
        usage = (await a.session.state()).get("usage", {})
        assert usage["unpriced_calls"] == 1
        assert usage["cost_usd"] == pytest.approx((1000 * 3 + 10 * 15) / 1e6)
        assert usage["unknown_usd"] > usage["cost_usd"]


async def test_a_call_without_usage_counts_as_its_most(tmp_path: Path) -> None:
    script = [text("ok", usage=()), text("ok")]
    async with agent(script, tmp_path, prices=PRICES, max_budget_usd=2.0) as a:
        await a.say("go")
        usage = (await a.session.state()).get("usage", {})
        assert usage["unpriced_calls"] == 1
        assert usage["unknown_usd"] > 0
        await a.say("go")


async def test_the_model_is_told_what_is_left(tmp_path: Path) -> None:
    biller = Biller()
    options = RunOptions(permission_mode="yolo", max_budget_usd=0.5)
    async with agent(lambda: repeat(biller), tmp_path, prices=PRICES, options=options) as a:
        await a.say("go on for ever")
        told = [str(m.text) for m in await a.messages() if "of the budget" in str(m.text)]
        assert len(told) == 4
        assert told[0].startswith("[$0.4")
        assert told[-1].startswith("[$0.0")
        assert await a.history_violations() == []


def test_the_shares_at_which_it_is_told() -> None:
    assert news({}, None, 0.0) == ("", 0.0)
    text, told = news({"cost_usd": 0.1}, 10.0, 0.0)
    assert (told, "$9.90" in text) == (1.0, True)
    assert news({"cost_usd": 4.0}, 10.0, 1.0)[0] == ""
    assert news({"cost_usd": 5.5}, 10.0, 1.0)[1] == 0.5
    assert news({"cost_usd": 9.5}, 10.0, 1.0)[1] == 0.1
    assert news({"cost_usd": 9.5}, 10.0, 0.1)[0] == ""
    assert "$0.00" in news({"cost_usd": 12.0}, 10.0, 0.5)[0]


async def test_a_call_that_was_stopped_counts_as_its_most(tmp_path: Path) -> None:
    """What had been said was perhaps billed; stopped again and again, it would cost any sum."""
    more: dict[str, Any] = {"prices": PRICES, "max_budget_usd": 2.0}
    async with agent([fault("stall"), text("ok")], tmp_path, **more) as a:
        async for event in a.say_live("go"):
            if isinstance(event, ev.AssistantChunk):
                a.session.stop()
        usage = (await a.session.state()).get("usage", {})
        assert usage["unpriced_calls"] == 1
        assert 0.4 < usage["unknown_usd"] < 1.0
        await a.say("go on")
        assert (await a.session.state()).get("usage", {})["unpriced_calls"] == 1


async def test_a_call_that_was_killed_counts_as_its_most(tmp_path: Path) -> None:
    script = [fault("stall")]
    more: dict[str, Any] = {"prices": PRICES, "max_budget_usd": 2.0}
    async with agent(script, tmp_path, **more) as a:
        live = a.say_live("go")
        async for event in live:
            if isinstance(event, ev.AssistantChunk):
                break
        # Nothing is tidied up, as if the process had died.
        await live.aclose()  # type: ignore[attr-defined]
        assert (await a.session.state()).get("usage", {}) == {}
    async with agent([text("ok")], tmp_path, proceed=True, **more) as a:
        await a.do(op.Resume())
        assert a.of(ev.TurnComplete)[-1].final_response == "ok"
        usage = (await a.session.state()).get("usage", {})
        assert usage["unpriced_calls"] == 1
        assert usage["unknown_usd"] > 0.4


async def test_a_summary_that_was_paid_for_nothing_is_not_forgotten(tmp_path: Path) -> None:
    biller = Biller("I look at the numbers and go on. " * 300)

    def provider(body: Body) -> Step:
        return biller(body) if "tools" in body else fault("close")

    more: dict[str, Any] = {
        "prices": PRICES,
        "max_budget_usd": 9.0,
        "tools": CORE,
        "context_window": 20_000,
    }
    async with agent(lambda: repeat(provider), tmp_path, max_retries=0, **more) as a:
        await a.say("go on for ever")
        end, usage = a.of(ev.TurnComplete)[-1], (await a.session.state()).get("usage", {})
        assert end.status == "failed"
        assert usage["unpriced_calls"] == 1
        assert usage["unknown_usd"] > 0
        before = a.server.answered
        await a.do(op.Resume())
        assert a.server.answered == before + 1  # the summary again, not the model with too much
