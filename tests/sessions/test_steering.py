"""Messages typed while the agent works: heard at the next step, each exactly once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Call, Cut, Step, calls, fault, text
from harness import CORE, MODEL, Agent, agent
from ml_intern.configs.errors import ConfigError
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.sessions import operations as op

SLOW = Call("bash", {"command": "echo started; until rm gate 2>&-; do sleep 0.02; done"})
"""Runs until what is to be said during it was said."""
QUICK = Call("bash", {"command": "echo quick"})
Seen = Callable[[ev.Event], bool]


def users(body: dict[str, Any]) -> list[str]:
    """What the user said, as a request has it."""
    return [m["content"] for m in body["messages"] if m["role"] == "user"]


def is_a(*kinds: type[ev.Event]) -> Seen:
    return lambda event: isinstance(event, kinds)


async def steered(
    a: Agent, seen: Seen, *messages: str, operation: op.Operation | None = None
) -> list[ev.Event]:
    """A turn; at the first event that `seen` is true of, the messages are sent."""

    async def send() -> None:
        for message in messages:
            await a.session.steer(message)

    return await acted(a, seen, send, operation or op.UserInput("go"))


async def acted(
    a: Agent, seen: Seen, act: Callable[[], Awaitable[None]], operation: op.Operation
) -> list[ev.Event]:
    events, done = [], False
    async for event in a.session.handle(operation):
        events.append(event)
        if not done and seen(event):
            done = True
            await act()
            (a.cwd / "gate").touch()
    assert done
    a.events += events
    return events


def started(event: ev.Event) -> bool:
    return isinstance(event, ev.ToolLog) and "started" in event.log


def ends(events: list[ev.Event]) -> list[str]:
    return [event.status for event in events if isinstance(event, ev.TurnComplete)]


def heard(events: list[ev.Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, ev.Processing)]


async def stored(a: Agent) -> list[Any]:
    return await a.sessions.database.fetch("SELECT text FROM inbox ORDER BY number")


async def test_said_during_a_call_it_stands_behind_the_result(tmp_path: Path) -> None:
    async with agent([calls(SLOW), text("As you wish.")], tmp_path) as a:
        events = await steered(a, started, "not that one")
        assert [m["role"] for m in a.server.bodies[1]["messages"]][-3:] == [
            "assistant", "tool", "user"
        ]  # fmt: skip
        assert users(a.server.bodies[1]) == ["go", "not that one"]
        assert (heard(events), ends(events)) == (["go", "not that one"], ["done"])
        assert await stored(a) == []
        assert await a.session.turns() == 1
        assert await a.session.take_back() == []


async def test_it_is_on_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    async with agent([calls(SLOW), text("Yes.")], tmp_path) as a:
        found: list[Any] = []

        async def send() -> None:
            await a.session.steer("kept")
            found.extend(await stored(a))

        await acted(a, started, send, op.UserInput("go"))
        assert found == [("kept",)]


async def test_two_at_once_are_one_message_so_that_roles_alternate(tmp_path: Path) -> None:
    async with agent([calls(SLOW), text("Both.")], tmp_path) as a:
        events = await steered(a, started, "first this", "then that")
        assert users(a.server.bodies[1]) == ["go", "first this\n\nthen that"]
        assert heard(events) == ["go", "first this", "then that"]


async def test_said_during_the_answer_it_begins_a_turn(tmp_path: Path) -> None:
    async with agent([text("The answer."), text("Also that.")], tmp_path) as a:
        events = await steered(a, is_a(ev.AssistantChunk), "one", "two")
        assert ends(events) == ["done", "done"]
        assert heard(events) == ["go", "one", "two"]
        assert users(a.server.bodies[1]) == ["go", "one\n\ntwo"]
        assert await a.session.turns() == 2
        assert await stored(a) == []
        # Undo takes back that turn alone, and it does not come again.
        await a.do(op.Undo())
        assert [m.text for m in await a.messages()] == ["go", "The answer."]
        assert not await a.session.unfinished()


async def test_said_at_the_very_end_it_is_not_left_lying(tmp_path: Path) -> None:
    async with agent([text("The answer."), text("Oh, that.")], tmp_path) as a:
        events = await steered(a, is_a(ev.TurnComplete), "wait")
        assert users(a.server.bodies[1]) == ["go", "wait"]
        assert ends(events) == ["done", "done"]


async def test_nobody_to_steer(tmp_path: Path) -> None:
    async with agent([calls(SLOW), text("Done.")], tmp_path) as a:
        with pytest.raises(ConfigError, match="No turn is running"):
            await a.session.steer("hello?")
        with pytest.raises(ConfigError, match="empty"):
            await steered(a, started, " \n")
        await a.do(op.Resume())
        with pytest.raises(ConfigError, match="No turn is running"):
            await a.session.steer("hello?")
        assert await stored(a) == []


async def test_one_that_no_window_takes_is_refused(tmp_path: Path) -> None:
    async with agent([calls(SLOW), text("Done.")], tmp_path, context_window=9000, tools=CORE) as a:

        async def send() -> None:
            with pytest.raises(ConfigError, match=r"tokens.*Nothing was sent"):
                await a.session.steer("many words " * 20_000)

        await acted(a, started, send, op.UserInput("go"))
        assert await stored(a) == []


async def test_what_cannot_be_stored_is_replaced(tmp_path: Path) -> None:
    async with agent([calls(SLOW), text("Done.")], tmp_path) as a:
        await steered(a, started, "a\x00b\ud800c")
        assert users(a.server.bodies[1])[-1] == "a\ufffdb\ufffdc"


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_said_while_a_question_waits(tmp_path: Path, decision: Any) -> None:
    options = RunOptions(permission_mode="default")
    async with agent([calls(QUICK), text("Fine.")], tmp_path, options=options) as a:
        await a.say("go")
        assert a.of(ev.ApprovalRequired)
        await a.session.steer("be quick")
        assert await stored(a) == [("be quick",)]
        events = await a.do(op.ExecApproval([Decision(type=decision)]))
        assert users(a.server.bodies[1]) == ["go", "be quick"]
        assert ends(events) == ["done"]
        assert await stored(a) == []


async def test_another_message_instead_of_an_answer_takes_it_along(tmp_path: Path) -> None:
    options = RunOptions(permission_mode="default")
    async with agent([calls(QUICK), text("Fine.")], tmp_path, options=options) as a:
        await a.say("go")
        await a.session.steer("be quick")
        events = await a.say("forget it")
        assert users(a.server.bodies[1]) == ["go", "be quick\n\nforget it"]
        assert heard(events) == ["be quick", "forget it"]
        assert await a.session.turns() == 2


async def test_after_a_stop_it_waits_to_be_taken_back(tmp_path: Path) -> None:
    stalled = Step(content="A long story that never", cut=Cut("stall", after=3))
    async with agent([stalled, text("Yes.")], tmp_path) as a:

        async def send() -> None:
            await a.session.steer("one")
            await a.session.steer("two")
            a.session.stop()

        events = await acted(a, is_a(ev.AssistantChunk), send, op.UserInput("go"))
        assert ends(events) == ["interrupted"]
        assert not await a.session.unfinished()
        assert await a.session.take_back() == ["one", "two"]
        assert await a.session.take_back() == []
        await a.say("next")
        assert users(a.server.bodies[1]) == ["go", "next"]


async def test_after_a_stop_it_goes_with_the_next_message(tmp_path: Path) -> None:
    async with agent([calls(SLOW), text("Yes.")], tmp_path) as a:

        async def send() -> None:
            await a.session.steer("one")
            a.session.stop()

        await acted(a, started, send, op.UserInput("go"))
        await a.say("two")
        assert users(a.server.bodies[1]) == ["go", "one\n\ntwo"]
        assert await a.history_violations() == []
        assert await stored(a) == []


async def test_a_stop_that_came_too_late_keeps_it_from_going_out(tmp_path: Path) -> None:
    async with agent([text("Done.")], tmp_path) as a:

        async def send() -> None:
            await a.session.steer("one")
            a.session.stop()

        events = await acted(a, is_a(ev.TurnComplete), send, op.UserInput("go"))
        assert ends(events) == ["done"]
        assert await a.session.take_back() == ["one"]


async def test_after_a_failure_it_goes_with_the_next_message(tmp_path: Path) -> None:
    async with agent([fault("401"), text("Yes.")], tmp_path) as a:
        events = await steered(a, is_a(ev.Processing), "one", "two")
        notices = [e.message for e in events if isinstance(e, ev.Notice)]
        assert "2 messages wait and go out with your next one." in notices
        assert ends(events) == ["failed"]
        assert heard(await a.say("three")) == ["one", "two", "three"]
        assert users(a.server.bodies[-1]) == ["go", "one\n\ntwo\n\nthree"]


async def test_going_on_with_a_failed_turn_hears_it_in_the_end(tmp_path: Path) -> None:
    async with agent([fault("401"), text("Yes."), text("Both.")], tmp_path) as a:
        await steered(a, is_a(ev.Processing), "one", "two")
        events = await a.do(op.Resume())
        assert ends(events) == ["done", "done"]
        assert users(a.server.bodies[-1]) == ["go", "one\n\ntwo"]


async def test_a_failure_after_it_was_heard_does_not_repeat_it(tmp_path: Path) -> None:
    async with agent([calls(SLOW), fault("401"), text("Yes.")], tmp_path) as a:
        await steered(a, started, "one")
        assert await a.session.take_back() == []
        assert ends(await a.do(op.Resume())) == ["done"]
        assert users(a.server.bodies[-1]) == ["go", "one"]


async def test_undo_takes_it_back_with_the_turn_and_redo_brings_both(tmp_path: Path) -> None:
    async with agent([calls(SLOW), text("Yes."), text("New.")], tmp_path) as a:
        await steered(a, started, "one")
        await a.do(op.Undo())
        assert await a.messages() == []
        assert not await a.session.unfinished()
        await a.do(op.Redo())
        assert [m.text for m in await a.messages() if m.type == "human"] == ["go", "one"]
        await a.do(op.Undo())
        await a.say("afresh")
        assert users(a.server.bodies[-1]) == ["afresh"]


async def test_undone_while_it_asks_a_turn_hears_no_more(tmp_path: Path) -> None:
    options = RunOptions(permission_mode="default")
    async with agent([calls(QUICK), text("New.")], tmp_path, options=options) as a:
        await a.say("go")
        await a.session.steer("one")
        await a.do(op.Undo(1))
        with pytest.raises(ConfigError, match="No turn is running"):
            await a.session.steer("two")
        await a.say("else")
        assert users(a.server.bodies[-1]) == ["one\n\nelse"]


async def test_undone_by_whoever_went_away_it_does_not_come_again(tmp_path: Path) -> None:
    stalled = Step(content="A long story that never", cut=Cut("stall", after=3))
    async with agent([calls(SLOW), stalled, text("New.")], tmp_path) as a:
        stream = a.session.handle(op.UserInput("go"))
        async for event in stream:
            if started(event):
                await a.session.steer("one")
                (a.cwd / "gate").touch()
            if isinstance(event, ev.AssistantChunk):
                break
        await stream.aclose()  # type: ignore[attr-defined]
        await a.do(op.Undo())
        await a.say("afresh")
        assert users(a.server.bodies[-1]) == ["afresh"]


async def test_a_copy_has_what_was_heard_and_not_what_waits(tmp_path: Path) -> None:
    script = [calls(SLOW), fault("401"), text("In the copy.")]
    async with agent(script, tmp_path) as a:
        events = []
        async for event in a.session.handle(op.UserInput("go")):
            events.append(event)
            if started(event):
                await a.session.steer("heard")
                (a.cwd / "gate").touch()
            if isinstance(event, ev.Processing) and event.message == "heard":
                await a.session.steer("waits")
        original = a.session.id
        await a.do(op.Fork())
        assert await a.session.take_back() == []
        await a.say("copy")
        assert users(a.server.bodies[-1]) == ["go", "heard", "copy"]
        rows = await a.sessions.database.fetch("SELECT session, text FROM inbox")
        assert rows == [(original, "waits")]
        await a.sessions.remove((await a.sessions.threads.find(original))[0])
        assert await stored(a) == []


async def test_a_persons_word_gives_the_turn_its_calls_anew(tmp_path: Path) -> None:
    """And only that: the model alone stays within the limit."""
    options = RunOptions(permission_mode="yolo", max_iterations=2)
    quick = [calls(Call("bash", {"command": f"echo {n}"})) for n in range(3)]
    script = [quick[0], calls(SLOW), *quick[1:]]
    async with agent(script, tmp_path, options=options) as a:
        events = await steered(a, started, "go on, but faster")
        assert ends(events) == ["limit"]
        assert len(a.server.bodies) == 4
        assert await a.session.turns() == 1


async def test_after_a_limit_it_begins_a_turn(tmp_path: Path) -> None:
    options = RunOptions(permission_mode="yolo", max_iterations=1)
    async with agent([calls(QUICK), text("Yes.")], tmp_path, options=options) as a:
        events = await steered(a, is_a(ev.TurnComplete), "go on")
        assert ends(events) == ["limit", "done"]
        assert users(a.server.bodies[-1]) == ["go", "go on"]


PLAN = Call("plan_tool", {"todos": [{"id": "1", "content": "Train it", "status": "in_progress"}]})


async def test_a_plan_is_not_forgotten_for_a_word_of_the_users(tmp_path: Path) -> None:
    """Who asks how it goes has not said that the rest is no longer wanted."""
    script = [calls(PLAN), calls(SLOW), text("It trains."), text("Done."), text("Really.")]
    async with agent(script, tmp_path) as a:
        await steered(a, started, "how is it going?")
        hints = [said for said in users(a.server.bodies[-1]) if "open items: Train it" in said]
        assert len(hints) == 2
    async with agent([text("It trains.")], tmp_path, proceed=True) as a:
        await a.say("how is it going?")
        assert len(a.server.bodies) == 1


async def test_budget_news_wait_a_step(tmp_path: Path) -> None:
    script = [calls(SLOW), calls(Call("bash", {"command": "pwd"})), text("Yes.")]
    prices = {MODEL: {"input": 1.0, "output": 1.0}}
    async with agent(script, tmp_path, max_budget_usd=5.0, prices=prices) as a:
        await steered(a, started, "one")
        assert users(a.server.bodies[1]) == ["go", "one"]
        assert "of the budget" in users(a.server.bodies[2])[-1]


async def test_it_counts_where_the_history_is_made_to_fit(tmp_path: Path) -> None:
    """Heard in the very step that compacts, whole, and once."""
    said = "I look at the numbers and go on. " * 400
    work = [calls(Call("bash", {"command": f"echo {n}"}), content=said) for n in range(2)]
    work.append(calls(SLOW, content=said))
    long = "Do not touch data/. " * 1900
    script = [*work, text("SUMMARY."), text("Done.")]
    async with agent(script, tmp_path, context_window=20_000, tools=CORE) as a:
        events = await steered(a, started, long)
        assert [type(e) for e in events].count(ev.Compacted) == 1
        assert users(a.server.bodies[-1])[-1] == long
        assert heard(events) == ["go", long]
        assert ends(events) == ["done"]
        assert await stored(a) == []
        assert await a.history_violations() == []


async def test_compaction_keeps_it_and_it_does_not_come_again(tmp_path: Path) -> None:
    said = "I look at the numbers and go on. " * 400
    work = [calls(Call("bash", {"command": f"echo {n}"}), content=said) for n in range(6)]
    async with agent(
        [*work, text("SUMMARY."), text("Done.")], tmp_path, context_window=20_000, tools=CORE
    ) as a:
        await steered(a, is_a(ev.ToolOutput), "Never touch data/.")
        assert a.of(ev.Compacted)
        assert str(a.server.bodies[-1]["messages"]).count("Never touch data/.") == 1
        assert await stored(a) == []


async def test_the_command_to_compact_leaves_it_waiting(tmp_path: Path) -> None:
    script = [calls(SLOW), text("SUMMARY."), text("Yes.")]
    async with agent(script, tmp_path) as a:

        async def send() -> None:
            await a.session.steer("one")
            a.session.stop()

        await acted(a, started, send, op.UserInput("go"))
        await a.do(op.Compact())
        assert await a.session.take_back() == ["one"]
        await a.say("on")


async def test_said_while_the_history_is_shortened_it_begins_a_turn(tmp_path: Path) -> None:
    script = [text("Long. " * 500), text("SUMMARY."), text("Yes.")]
    async with agent(script, tmp_path) as a:
        await a.say("go")
        events = await steered(a, is_a(ev.Usage), "one", operation=op.Compact())
        assert ends(events) == ["done", "done"]
        assert users(a.server.bodies[-1])[-1] == "one"


async def test_an_operation_that_is_refused_leaves_the_question_its_inbox(tmp_path: Path) -> None:
    options = RunOptions(permission_mode="default")
    async with agent([calls(QUICK), text("Fine.")], tmp_path, options=options) as a:
        await a.say("go")
        for refused in (op.Compact(), op.ExecApproval([Decision(type="reject", message="\ud800")])):
            assert isinstance((await a.do(refused))[-1], ev.Error)
            await a.session.steer("one")
        await a.do(op.ExecApproval([Decision(type="approve")]))
        assert users(a.server.bodies[-1]) == ["go", "one\n\none"]


async def test_opened_again_what_nobody_answered_begins_a_turn(tmp_path: Path) -> None:
    async with agent([text("Done.")], tmp_path) as a:
        async for event in a.session.handle(op.UserInput("go")):
            if isinstance(event, ev.TurnComplete):
                await a.session.steer("one")
                await a.session.steer("two")
                break
    async with agent([text("Both.")], tmp_path, proceed=True) as a:
        assert await a.session.unfinished()
        events = await a.do(op.Resume())
        assert (heard(events), ends(events)) == (["one", "two"], ["done"])
        assert users(a.server.bodies[0]) == ["go", "one\n\ntwo"]
        assert not await a.session.unfinished()
        assert await stored(a) == []


async def test_a_new_session_leaves_it_with_the_old_one(tmp_path: Path) -> None:
    async with agent([fault("401")], tmp_path) as a:
        await steered(a, is_a(ev.Processing), "one")
        old = a.session.id
        await a.do(op.New())
        assert await a.session.take_back() == []
        (thread,) = await a.sessions.threads.find(old)
        again = await a.sessions.open(thread, a.session.options, {})
        assert await again.take_back() == ["one"]
