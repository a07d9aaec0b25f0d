"""Whole turns: operations in, events out, over HTTP through the real LiteLLM."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from emulators.openai_server import Call, calls, fault, text
from harness import agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.sessions import operations as op


async def test_a_turn_with_parallel_calls_ends_with_the_answer(tmp_path: Path) -> None:
    script = [
        calls(
            Call("bash", {"command": "sleep 0.3; echo hello"}),
            Call("write", {"path": "out.txt", "content": "written\n"}),
            content="I start.",
        ),
        text("All done."),
    ]
    async with agent(script, tmp_path) as a:
        await a.say("go")
        assert (a.cwd / "out.txt").read_text() == "written\n"
        assert [e.output for e in a.of(ev.ToolOutput) if e.tool == "bash"] == ["hello"]
        done = a.of(ev.TurnComplete)[-1]
        assert (done.status, done.final_response, done.iterations) == ("done", "All done.", 2)
        assert await a.history_violations() == []
        sent = a.server.requests[1].body["messages"]
        # The order of the calls, not of their ends.
        assert [m["tool_call_id"] for m in sent if m["role"] == "tool"] == ["call_1", "call_2"]


async def test_events_are_stamped_without_a_gap(tmp_path: Path) -> None:
    script = [calls(Call("bash", {"command": "echo a; echo b"})), text("Done."), text("Again.")]
    async with agent(script, tmp_path) as a:
        await a.say("go")
        await a.say("again")
        assert [e.seq for e in a.events] == list(range(1, len(a.events) + 1))
        assert {e.session_id for e in a.events} == {a.session.id}
        assert all(e.time for e in a.events)


async def test_streamed_text_is_the_stored_text(tmp_path: Path) -> None:
    answer = "Grüße 🤗 an alle, in mehreren Stücken."
    async with agent([text(answer)], tmp_path) as a:
        await a.say("hello")
        chunks = a.of(ev.AssistantChunk)
        assert len(chunks) > 1
        assert "".join(e.content for e in chunks) == answer
        assert (await a.messages())[-1].content == answer


async def test_without_streaming_the_text_comes_whole(tmp_path: Path) -> None:
    options = RunOptions(permission_mode="yolo", stream=False)
    script = [calls(Call("bash", {"command": "echo x"}), content="First."), text("Whole.")]
    async with agent(script, tmp_path, options=options) as a:
        await a.say("hello")
        assert [e.content for e in a.of(ev.AssistantMessage)] == ["First.", "Whole."]
        assert a.of(ev.AssistantChunk) == []
        assert [r.body.get("stream", False) for r in a.server.requests] == [False, False]
        assert [e.output for e in a.of(ev.ToolOutput)] == ["x"]


async def test_the_plan_is_kept_in_the_state(tmp_path: Path) -> None:
    items = [{"id": "1", "content": "look", "status": "completed"}]
    async with agent([calls(Call("plan_tool", {"todos": items})), text("ok")], tmp_path) as a:
        await a.say("plan")
        assert (await a.session.state()).get("plan") == items
        assert [e.plan for e in a.of(ev.PlanUpdate)] == [items]


async def test_two_plans_in_one_message_do_not_end_the_turn(tmp_path: Path) -> None:
    first = [{"id": "1", "content": "look", "status": "pending"}]
    second = [{"id": "1", "content": "look", "status": "completed"}]
    plans = calls(Call("plan_tool", {"todos": first}), Call("plan_tool", {"todos": second}))
    async with agent([plans, text("ok")], tmp_path) as a:
        await a.say("plan")
        assert (await a.session.state()).get("plan") == second
        assert a.of(ev.TurnComplete)[-1].status == "done"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("broken_arguments", "not valid JSON"),
        ("array_arguments", "must be a JSON object"),
        ("null_arguments", "must be a JSON object"),
        ("empty_arguments", "Field required"),
        ("unknown_tool", "there is no tool"),
        ("empty_name", "there is no tool"),
    ],
)
async def test_a_malformed_call_gets_one_exact_error(tmp_path: Path, name: str, told: str) -> None:
    """W5: a malformed call neither ends the turn nor poisons the history."""
    async with agent([fault(name), text("I see.")], tmp_path) as a:
        await a.say("go")
        results = [m for m in await a.messages() if isinstance(m, ToolMessage)]
        assert len(results) == 1
        assert told in str(results[0].content)
        assert a.of(ev.TurnComplete)[-1].status == "done"
        assert await a.history_violations() == []


@pytest.mark.parametrize("name", ["missing_id", "empty_id", "duplicate_ids", "no_index"])
async def test_calls_with_bad_ids_or_fragments_are_run_once(tmp_path: Path, name: str) -> None:
    async with agent([fault(name), text("I see.")], tmp_path) as a:
        await a.say("go")
        outputs, announced = a.of(ev.ToolOutput), a.of(ev.ToolCall)
        assert [e.tool_call_id for e in announced] == sorted(
            {e.tool_call_id for e in outputs}, key=[e.tool_call_id for e in announced].index
        )
        assert a.of(ev.TurnComplete)[-1].status == "done"
        assert await a.history_violations() == []


@pytest.mark.parametrize(
    "name", ["empty", "null", "only_reasoning", "length", "length_in_arguments"]
)
async def test_an_empty_or_cut_reply_is_not_the_answer(tmp_path: Path, name: str) -> None:
    async with agent([fault(name), text("The answer.")], tmp_path) as a:
        await a.say("go")
        done = a.of(ev.TurnComplete)[-1]
        assert (done.status, done.final_response) == ("done", "The answer.")
        assert a.of(ev.ToolOutput) == []
        assert await a.history_violations() == []


async def test_a_model_that_stays_silent_ends_stuck(tmp_path: Path) -> None:
    async with agent([fault("empty")] * 3, tmp_path) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].status == "stuck"
        assert "nothing at all" in a.of(ev.Notice)[-1].message


async def test_what_the_model_cannot_send_on_is_cleaned(tmp_path: Path) -> None:
    async with agent([fault("unsendable_text"), text("ok")], tmp_path) as a:
        await a.say("go")
        await a.say("and on")
        assert await a.history_violations() == []


async def test_nul_and_lone_surrogates_in_a_message_are_replaced_and_said(tmp_path: Path) -> None:
    async with agent([text("ok")], tmp_path) as a:
        await a.say("a\x00b\udcffc")
        assert "2 characters" in a.of(ev.Notice)[0].message
        assert a.server.requests[0].body["messages"][1]["content"] == "a\ufffdb\ufffdc"


async def test_a_message_beyond_the_window_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    async with agent([text("first"), text("still here")], tmp_path) as a:
        await a.say("hello")
        events = await a.say("lorem ipsum dolor " * 290_000)
        assert [type(e) for e in events] == [ev.Error]
        error = a.of(ev.Error)[0]
        assert error.exit_code == 2
        assert "Put the text into a file" in error.error
        await a.say("are you there?")
        assert a.of(ev.TurnComplete)[-1].final_response == "still here"


@pytest.mark.parametrize("name", ["429", "500", "503", "close", "reset", "error_event", "refuse"])
async def test_a_passing_failure_is_tried_again(tmp_path: Path, name: str) -> None:
    """W17: a stream that breaks is asked for again, with the same history."""
    async with agent([fault(name, retry_after="0.05"), text("there")], tmp_path) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "there"
        first, second = (request.body["messages"] for request in a.server.requests)
        assert first == second
        assert [e.attempt for e in a.of(ev.Retry)] == [1]


async def test_a_partial_call_is_never_run(tmp_path: Path) -> None:
    async with agent([fault("close_in_arguments"), text("fine")], tmp_path) as a:
        await a.say("go")
        assert a.of(ev.ToolCall) == []
        assert a.of(ev.TurnComplete)[-1].status == "done"


async def test_retries_are_bounded(tmp_path: Path) -> None:
    script = [fault("429", retry_after="0.05")] * 3
    async with agent(script, tmp_path, max_retries=2) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].status == "failed"
        assert "Rate limit" in a.of(ev.Error)[0].error


@pytest.mark.parametrize(
    ("name", "code"), [("401", 3), ("402", 3), ("403", 3), ("404", 2), ("400", 1)]
)
async def test_a_final_failure_says_so_once(tmp_path: Path, name: str, code: int) -> None:
    async with agent([fault(name)], tmp_path) as a:
        await a.say("go")
        errors = a.of(ev.Error)
        assert [e.exit_code for e in errors] == [code]
        assert "Traceback" not in errors[0].error
        assert a.of(ev.TurnComplete)[-1].status == "failed"


async def test_a_turn_that_failed_goes_on_where_it_was(tmp_path: Path) -> None:
    script = [calls(Call("bash", {"command": "echo once >> log"})), fault("401"), text("Here.")]
    async with agent(script, tmp_path) as a:
        await a.say("go")
        assert await a.session.unfinished()
        await a.do(op.Resume())
        assert a.of(ev.TurnComplete)[-1].final_response == "Here."
        assert (a.cwd / "log").read_text() == "once\n"


async def test_the_iteration_limit_is_said(tmp_path: Path) -> None:
    """W19: reaching the limit is not silent."""
    script = [calls(Call("bash", {"command": f"echo {n}"})) for n in range(3)]
    async with agent([*script, text("on")], tmp_path, max_iterations=3) as a:
        await a.say("go")
        done = a.of(ev.TurnComplete)[-1]
        assert (done.status, done.iterations) == ("limit", 3)
        assert "Stopped after 3 model calls" in a.of(ev.Notice)[-1].message
        await a.say("go on")
        assert a.of(ev.TurnComplete)[-1].final_response == "on"


async def test_malformed_calls_count_against_the_limit(tmp_path: Path) -> None:
    script = [calls(Call(f"no_such_{n}", {})) for n in range(4)]
    async with agent(script, tmp_path, max_iterations=4) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].status == "limit"


async def test_a_repeated_call_is_answered_and_then_ends_the_turn(tmp_path: Path) -> None:
    script = [calls(Call("bash", {"command": "echo same >> log; echo same"}))] * 6
    async with agent(script, tmp_path) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].status == "stuck"
        assert (a.cwd / "log").read_text() == "same\n" * 3
        assert sum(e.output.startswith("Not run") for e in a.of(ev.ToolOutput)) == 3
        assert await a.history_violations() == []


async def test_secrets_are_not_in_the_database(tmp_path: Path) -> None:
    """Trap 6: what is in `configurable` or metadata is copied into every checkpoint."""
    async with agent([calls(Call("bash", {"command": "env"})), text("ok")], tmp_path) as a:
        await a.say("go")
    stored = b"".join(p.read_bytes() for p in (tmp_path / "home").glob("sessions.sqlite*"))
    assert b"command" in stored
    assert b"sk-test" not in stored


async def test_eight_sleeps_take_as_long_as_one(tmp_path: Path) -> None:
    """W20; the exact figure is `benchmarks/parallel.py`'s."""
    script: list[Any] = [calls(*[Call("bash", {"command": "sleep 1"})] * 8), text("ok")]
    async with agent(script, tmp_path) as a:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await a.say("go")
        assert len(a.of(ev.ToolOutput)) == 8
        assert loop.time() - started < 6


async def test_a_model_that_only_makes_mistakes_ends_without_any_limit(tmp_path: Path) -> None:
    script = [calls(Call(f"no_such_{n}", {"n": n})) for n in range(5)]
    async with agent(script, tmp_path, max_iterations=-1) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].status == "stuck"
        assert "cannot be run" in a.of(ev.Notice)[-1].message
        assert await a.history_violations() == []


async def test_an_open_plan_of_an_earlier_turn_does_not_nag(tmp_path: Path) -> None:
    """W13."""
    items = [{"id": "1", "content": "look", "status": "pending"}]
    plan = calls(Call("plan_tool", {"todos": items}))
    script = [plan, text("Is it right?"), text("Paris.")]
    async with agent(script, tmp_path) as a:
        await a.say("plan it")
        await a.say("capital of France?")
        assert a.of(ev.TurnComplete)[-1].final_response == "Paris."


async def test_a_limit_tightened_since_holds_on_resuming(tmp_path: Path) -> None:
    loose = RunOptions(permission_mode="yolo", max_iterations=-1)
    async with agent([text("one")], tmp_path, options=loose) as a:
        await a.say("hi")
    tight = RunOptions(permission_mode="yolo", max_iterations=3)
    async with agent([], tmp_path, options=tight, proceed=True) as a:
        assert a.session.options.max_iterations == 3
