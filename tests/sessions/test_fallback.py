"""When a model is down or out of quota, the next of the list takes over, visibly."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Call, Step, calls, fault, text
from emulators.script import Body
from harness import MODEL, agent
from ml_intern.graph import events as ev
from ml_intern.sessions import operations as op

OTHER = "openai/gpt-other"


def models(bodies: list[Body]) -> list[str]:
    return [body["model"] for body in bodies]


@pytest.mark.parametrize("name", ["503", "429", "429_quota", "402", "refuse"])
async def test_another_model_takes_over_for_the_turn(tmp_path: Path, name: str) -> None:
    ran = calls(Call("bash", {"command": "echo hello"}))
    down = fault(name, retry_after="0")
    script = [down, ran, text("Done."), text("Back.")]
    async with agent(script, tmp_path, fallback_models=[OTHER], max_retries=0) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        assert any("Going on with openai/gpt-other" in e.message for e in a.of(ev.Notice))
        assert a.of(ev.TurnComplete)[-1].iterations == 2
        await a.say("again")
        # A new turn begins with the chosen model.
        assert models(a.server.bodies) == ["gpt-test", "gpt-other", "gpt-other", "gpt-test"]
        assert [e.model for e in a.of(ev.Usage)] == [OTHER, OTHER, "openai/gpt-test"]


@pytest.mark.parametrize("name", ["400", "401", "404", "context_length"])
async def test_what_another_model_would_not_mend_is_told(tmp_path: Path, name: str) -> None:
    answers = {"gpt-test": fault(name), "gpt-other": text("no")}

    def provider(body: Body) -> Step:
        return answers[body["model"]] if "tools" in body else text("SUMMARY.")

    async with agent(lambda: repeat(provider), tmp_path, fallback_models=[OTHER]) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].status == "failed"
        assert set(models(a.server.bodies)) == {"gpt-test"}


async def test_when_all_are_down_the_last_error_is_told(tmp_path: Path) -> None:
    more: dict[str, Any] = {"fallback_models": [OTHER, "openai/gpt-third"], "max_retries": 0}
    async with agent([fault("503")] * 3, tmp_path, **more) as a:
        await a.say("go")
        assert "gpt-third" in a.of(ev.Error)[-1].error
        assert models(a.server.bodies) == ["gpt-test", "gpt-other", "gpt-third"]
    async with agent([text("up")], tmp_path, proceed=True, **more) as a:
        await a.do(op.Resume())
        assert a.of(ev.TurnComplete)[-1].final_response == "up"


@pytest.mark.parametrize("listed", [[MODEL, OTHER], [OTHER, MODEL, OTHER]])
async def test_each_model_is_tried_once(tmp_path: Path, listed: list[str]) -> None:
    """The chosen one among the fallbacks followed itself, without end."""
    more: dict[str, Any] = {"fallback_models": listed, "max_retries": 0}
    async with agent([fault("503")] * 2, tmp_path, **more) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].status == "failed"
        assert models(a.server.bodies) == ["gpt-test", "gpt-other"]


async def test_a_fallback_without_a_price_does_not_break_a_budget(tmp_path: Path) -> None:
    third, price = "openai/gpt-third", {"input": 3.0, "output": 15.0}
    more: dict[str, Any] = {
        "fallback_models": [OTHER, third],
        "prices": {MODEL: price, third: price},
        "max_budget_usd": 1.0,
        "max_retries": 0,
    }
    async with agent([fault("503"), text("Done.")], tmp_path, **more) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        assert models(a.server.bodies) == ["gpt-test", "gpt-third"]
        assert any("price of openai/gpt-other is not known" in e.message for e in a.of(ev.Notice))


async def test_a_fallback_that_cannot_be_used_is_passed_over(tmp_path: Path) -> None:
    more: dict[str, Any] = {
        "fallback_models": ["anthropic/claude-opus-4-6", OTHER],
        "max_retries": 0,
    }
    async with agent([fault("503"), text("Done.")], tmp_path, **more) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        assert any("ANTHROPIC_API_KEY" in e.message for e in a.of(ev.Notice))
