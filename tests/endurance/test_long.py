"""A session of 2,000 model calls in a window of 32k tokens, over real HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from endurance.provider import INPUT, OUTPUT, Provider
from harness import MODEL, agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions

CALLS, WINDOW = 2000, 32_000
FILLER = "the loss falls and the learning rate follows its schedule " * 12


@pytest.mark.timeout(900)
async def test_two_thousand_calls_in_a_small_window(tmp_path: Path) -> None:
    provider = Provider(steps=CALLS, window=WINDOW, said=FILLER)
    options = RunOptions(permission_mode="yolo", max_iterations=-1)
    prices = {MODEL: {"input": INPUT, "output": OUTPUT}}
    settings: dict[str, Any] = {"context_window": WINDOW, "prices": prices}
    async with agent(provider.lines, tmp_path, options=options, **settings) as a:
        for number in range(7):
            (a.cwd / f"note{number}.txt").write_text(f"{number} {FILLER}")
        await a.say("Read the notes again and again. The constraint is: only read.")
        end = a.of(ev.TurnComplete)[-1]
        usage = (await a.session.state()).get("usage", {})
        last = a.server.bodies[-1]["messages"]
        assert await a.history_violations() == []
    assert (end.status, end.final_response, end.iterations) == ("done", "Done.", CALLS + 1)
    # The server refuses what is above its window, and an invalid history: it did neither.
    assert provider.refused == 0
    assert max(provider.sizes) <= WINDOW
    # Each compaction frees at least a fifth of the window, and a call takes 400 tokens.
    assert len(a.of(ev.Compacted)) == provider.summaries
    assert 10 < provider.summaries < CALLS * 400 / (WINDOW / 5)
    assert usage["cost_usd"] == pytest.approx(provider.dollars, abs=0.005)
    assert usage["input_tokens"] == sum(provider.sizes)
    assert (usage["calls"], usage["unpriced_calls"]) == (CALLS + 1 + provider.summaries, 0)
    assert "The constraint is: only read." in str(last[1]["content"])
