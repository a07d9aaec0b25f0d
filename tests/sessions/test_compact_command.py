"""W1: compaction on request always comes back, says what happened, and does nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Call, Step, calls, fault, text
from harness import CORE, Agent, agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.sessions import operations as op

LONG = "word " * 2000
SUMMARY = text("SUMMARY.")


async def compacted(a: Agent) -> list[str]:
    """The kinds of events of `/compact`; the last one ends it."""
    kinds = [str(event.wire()["type"]) for event in await a.do(op.Compact())]
    assert not await a.session.unfinished()
    return kinds


def status(a: Agent) -> str:
    last = a.events[-1]
    assert isinstance(last, ev.TurnComplete)
    return last.status


async def stop_at_request(a: Agent, number: int) -> None:
    while len(a.server.requests) < number:
        await asyncio.sleep(0.02)
    a.session.stop()


async def test_w1_an_empty_session_says_so(tmp_path: Path) -> None:
    async with agent([text("hello")], tmp_path, tools=CORE) as a:
        assert await compacted(a) == ["notice", "turn_complete"]
        assert "nothing to compact" in a.of(ev.Notice)[-1].message
        await a.say("hi")
        assert status(a) == "done"


async def test_w1_a_history_is_shortened_and_said_to_be(tmp_path: Path) -> None:
    async with agent([text(LONG), text("two"), SUMMARY, text("three")], tmp_path, tools=CORE) as a:
        await a.say("first")
        await a.say("second")
        kinds = await compacted(a)
        assert "compacted" in kinds
        assert kinds[-1] == "turn_complete"
        assert (status(a), a.events[-1].final_response) == ("done", None)  # type: ignore[attr-defined]
        await a.say("third")
        assert "SUMMARY." in str(a.server.requests[-1].body["messages"])


async def test_it_does_not_go_on_with_a_turn_that_was_stopped(tmp_path: Path) -> None:
    """The newest message is then the user's, or a tool's: one that asks for an answer."""
    stalled = Step(content="never said", delay=60)
    async with agent([text(LONG), stalled, SUMMARY, text("Now.")], tmp_path, tools=CORE) as a:
        await a.say("first")
        stopping = asyncio.create_task(stop_at_request(a, 2))
        await a.say("second")
        await stopping
        assert status(a) == "interrupted"
        assert "compacted" in await compacted(a)
        assert len(a.server.requests) == 3
        await a.say("third")
        asked = [m for m in a.server.requests[-1].body["messages"] if m["role"] == "user"]
        assert [m["content"] for m in asked][-2:] == ["second", "third"]


async def test_it_does_not_go_on_with_a_turn_at_its_limit(tmp_path: Path) -> None:
    one = RunOptions(permission_mode="yolo", max_iterations=2)
    work = [calls(Call("bash", {"command": f"echo {n} {LONG}"})) for n in range(2)]
    async with agent([*work, SUMMARY], tmp_path, tools=CORE, options=one) as a:
        await a.say("go")
        assert status(a) == "limit"
        assert "compacted" in await compacted(a)
        assert status(a) == "done"
        assert not [n for n in a.of(ev.Notice)[1:] if "limit of one turn" in n.message]


@pytest.mark.parametrize("after", ["compact", "message"])
async def test_one_that_fails_leaves_the_session_as_it_was(tmp_path: Path, after: str) -> None:
    rest: list[Any] = [SUMMARY] if after == "compact" else [text("Fine.")]
    async with agent([text(LONG), text("two"), fault("400"), *rest], tmp_path, tools=CORE) as a:
        await a.say("first")
        await a.say("second")
        before = await a.messages()
        assert (await compacted(a))[-2:] == ["error", "turn_complete"]
        assert status(a) == "failed"
        assert await a.messages() == before
        if after == "compact":
            assert "compacted" in await compacted(a)
        else:
            await a.say("third")
            assert a.of(ev.TurnComplete)[-1].final_response == "Fine."


async def test_after_a_turn_that_failed_it_can_be_done_and_the_turn_gone_on_with(
    tmp_path: Path,
) -> None:
    script = [text(LONG), fault("401"), SUMMARY, text("At last.")]
    async with agent(script, tmp_path, tools=CORE) as a:
        await a.say("first")
        await a.say("second")
        assert status(a) == "failed"
        assert "compacted" in await compacted(a)
        await a.do(op.Resume())
        assert a.of(ev.TurnComplete)[-1].final_response == "At last."


async def test_it_can_be_stopped(tmp_path: Path) -> None:
    slow = Step(content="a summary", delay=60)
    async with agent([text(LONG), text("two"), slow, text("Fine.")], tmp_path, tools=CORE) as a:
        await a.say("first")
        await a.say("second")
        before = await a.messages()
        stopping = asyncio.create_task(stop_at_request(a, 3))
        assert (await compacted(a))[-2:] == ["interrupted", "turn_complete"]
        await stopping
        assert await a.messages() == before
        assert not await a.session.unfinished()
        await a.say("third")
        assert a.of(ev.TurnComplete)[-1].final_response == "Fine."


async def test_a_pending_question_is_not_given_up(tmp_path: Path) -> None:
    ask = RunOptions(permission_mode="default")
    script = [calls(Call("bash", {"command": "echo x > x"}))]
    async with agent(script, tmp_path, tools=CORE, options=ask) as a:
        await a.say("go")
        assert [type(e) for e in await a.do(op.Compact())] == [ev.Error]
        assert await a.session.unfinished()
