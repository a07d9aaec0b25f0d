"""A turn can be stopped at any moment; what it leaves is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from emulators.openai_server import Call, Cut, Step, calls, fault, text
from harness import Agent, agent
from ml_intern.graph import events as ev
from ml_intern.sessions import operations as op


async def stop_when(a: Agent, seen: Callable[[ev.Event], bool]) -> list[ev.Event]:
    """Run a turn and stop it at the first event that `seen` is true of."""
    events = []
    async for event in a.session.handle(op.UserInput("go")):
        events.append(event)
        if seen(event):
            assert a.session.stop()
    a.events += events
    return events


def running(event: ev.Event) -> bool:
    return isinstance(event, ev.ToolLog)


async def test_a_running_command_is_killed_and_its_sibling_kept(tmp_path: Path) -> None:
    slow = Call("bash", {"command": "echo started; sleep 300; echo never > never"})
    quick = Call("write", {"path": "quick.txt", "content": "x"})
    async with agent([calls(slow, quick), text("after")], tmp_path) as a:
        loop = asyncio.get_running_loop()
        started = loop.time()
        ready: set[str] = set()

        def both_ran(event: ev.Event) -> bool:
            done = isinstance(event, ev.ToolStateChange) and event.state == "done"
            ready.update(["sibling"] * done, ["command"] * running(event))
            return (done or running(event)) and len(ready) == 2

        events = await stop_when(a, both_ran)
        assert loop.time() - started < 10
        assert [type(e) for e in events[-2:]] == [ev.Interrupted, ev.TurnComplete]
        assert a.of(ev.TurnComplete)[-1].status == "interrupted"
        assert not await a.session.unfinished()
        await a.say("what now?")
        tools = [m for m in a.server.requests[1].body["messages"] if m["role"] == "tool"]
        assert "interrupted" in tools[0]["content"]
        assert "Created" in tools[1]["content"]
        assert not (a.cwd / "never").exists()
        assert await a.history_violations() == []


async def test_streaming_stops_at_once_and_the_turn_can_be_followed(tmp_path: Path) -> None:
    stalled = Step(content="A long story that never", cut=Cut("stall", after=3))
    async with agent([stalled, text("Sorry.")], tmp_path) as a:
        events = await stop_when(a, lambda e: isinstance(e, ev.AssistantChunk))
        assert isinstance(events[-2], ev.Interrupted)
        await a.say("go on")
        assert a.of(ev.TurnComplete)[-1].final_response == "Sorry."
        assert a.server.requests[0].outcome != "sent"


async def test_waiting_for_a_retry_stops_at_once(tmp_path: Path) -> None:
    async with agent([fault("429", retry_after="50"), text("on")], tmp_path) as a:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await stop_when(a, lambda e: isinstance(e, ev.Retry))
        assert loop.time() - started < 10
        await a.say("again")
        assert a.of(ev.TurnComplete)[-1].final_response == "on"


async def test_a_stop_before_the_first_step_is_not_forgotten(tmp_path: Path) -> None:
    async with agent([text("second")], tmp_path) as a:
        events: list[ev.Event] = []
        async for event in a.session.handle(op.UserInput("go")):
            events.append(event)
            if isinstance(event, ev.Processing):
                a.session.stop("timeout")
        assert [e.reason for e in events if isinstance(e, ev.Interrupted)] == ["timeout"]
        # What was acknowledged is kept.
        assert [m.content for m in await a.messages()] == ["go"]
        await a.say("now")
        assert a.of(ev.TurnComplete)[-1].final_response == "second"


@pytest.mark.parametrize("times", [1, 3])
async def test_stopping_again_and_again_does_no_harm(tmp_path: Path, times: int) -> None:
    slow = Call("bash", {"command": "echo started; sleep 300"})
    async with agent([calls(slow), text("fine")], tmp_path) as a:

        def stop(event: ev.Event) -> bool:
            if running(event):
                for _ in range(times - 1):
                    a.session.stop()
            return running(event)

        await stop_when(a, stop)
        await a.do(op.Interrupt())
        await a.say("next")
        assert a.of(ev.TurnComplete)[-1].final_response == "fine"


async def test_a_listener_that_goes_away_stops_the_run(tmp_path: Path) -> None:
    slow = Call("bash", {"command": "echo started; sleep 300"})
    async with agent([calls(slow)], tmp_path) as a:
        stream = a.session.handle(op.UserInput("go"))
        async for event in stream:
            if running(event):
                break
        await stream.aclose()  # type: ignore[attr-defined]
        assert await a.session.unfinished()


async def test_an_interrupted_turn_can_be_gone_on_with(tmp_path: Path) -> None:
    stalled = Step(content="A long story that never", cut=Cut("stall", after=3))
    async with agent([stalled, text("The end.")], tmp_path) as a:
        await stop_when(a, lambda e: isinstance(e, ev.AssistantChunk))
        await a.do(op.Resume())
        done = a.of(ev.TurnComplete)[-1]
        assert (done.status, done.final_response) == ("done", "The end.")
