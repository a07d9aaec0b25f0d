"""Whatever a model answers: the history stays valid, and the turn ends."""

from __future__ import annotations

import tempfile
from itertools import chain, cycle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulators.openai_server import FAULTS, Call, Step, calls, text
from harness import agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions

SLOW = {"stall", "stall_at_once", "endless", "empty_chunks", "huge_arguments"}
GOOD = [
    calls(Call("bash", {"command": "echo same"})),
    calls(Call("read", {"path": "missing.txt"})),
    calls(Call("write", {"path": "a.txt", "content": "x"}), Call("bash", {"command": "pwd"})),
    calls(Call("plan_tool", {"todos": [{"id": "1", "content": "c", "status": "pending"}]})),
    calls(*(Call("read", {"path": f"{n}"}) for n in range(70))),
]
USELESS = [step for name, step in FAULTS.items() if name not in SLOW] + [
    calls(Call("bash", {"wrong": 1})),
    calls(Call("bash", '{"command": "a", "command": }')),
    calls(*(Call("nope", {}, id="x") for _ in range(3))),
    calls(Call("x" * 200, {})),
    calls(Call("bash", "[" * 5000)),
    calls(Call("bash", '{"command": 1e999}')),
    text("half", finish="length"),
    calls(Call("write", '{"path": "b'), content="Then", finish="length"),
]
ENDINGS = {"done", "failed", "limit", "stuck"}
LIMIT = 20


async def play(script: list[Step], limit: int) -> int:
    """Play the script again and again until the turn ends; the number of requests."""
    options = RunOptions(permission_mode="yolo", max_iterations=limit, interactive=False)
    with tempfile.TemporaryDirectory() as folder:
        lines = lambda: chain(cycle(script))  # noqa: E731
        async with agent(lines, Path(folder), options=options, max_retries=1) as a:
            await a.say("go")
            end = a.of(ev.TurnComplete)
            assert end[-1].status in ENDINGS
            assert await a.history_violations() == []
            answered = a.server.answered
            # And it goes on: the next request is valid, too, or the server would refuse it.
            await a.say("and now?")
            assert await a.history_violations() == []
        return answered


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits are the retries' own test."""
    monkeypatch.setattr("ml_intern.llm.ask.random", lambda: 0.0)


COMMON = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.timeout(600)
@COMMON
@given(st.lists(st.sampled_from([*USELESS, *GOOD]), min_size=1, max_size=6))
async def test_any_sequence_ends_within_the_limit(script: list[Step]) -> None:
    # Every call may be tried twice, and the history be compacted before it.
    assert await play(script, LIMIT) <= 3 * LIMIT


@pytest.mark.timeout(600)
@COMMON
@given(st.lists(st.sampled_from(USELESS), min_size=1, max_size=6))
async def test_a_model_that_never_does_anything_ends_without_a_limit(script: list[Step]) -> None:
    assert await play(script, -1) <= 60
