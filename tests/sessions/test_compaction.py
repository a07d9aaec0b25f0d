"""A long history is shortened before it is too long, and when the provider says so."""

from __future__ import annotations

from pathlib import Path

from emulators.openai_server import Call, Step, calls, fault, text
from harness import agent
from ml_intern.graph import events as ev
from ml_intern.sessions import operations as op

BIG = "for i in $(seq 1 700); do echo line $i of a long output; done # "


async def test_a_long_turn_with_one_user_message_is_compacted(tmp_path: Path) -> None:
    """W2, W3: a safe boundary exists when there is only one user message."""
    work: list[Step] = [calls(Call("bash", {"command": f"{BIG}{n}"})) for n in range(4)]
    script = [*work, text("SUMMARY of the work."), text("Done.")]
    async with agent(script, tmp_path, context_window=20_000) as a:
        await a.say("Count for me, and keep the constraint: no more than 700 lines.")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        compacted = a.of(ev.Compacted)[0]
        assert compacted.new_tokens < compacted.old_tokens
        last = a.server.requests[-1].body["messages"]
        assert "no more than 700 lines" in last[1]["content"]
        assert "SUMMARY of the work." in last[2]["content"]
        assert await a.history_violations() == []
        assert [e.kind for e in a.of(ev.Usage)].count("compaction") == 1


async def test_the_providers_overflow_is_answered_with_compaction(tmp_path: Path) -> None:
    script = [
        calls(Call("bash", {"command": "echo hello"})),
        fault("context_length"),
        text("SUMMARY."),
        text("Done."),
    ]
    async with agent(script, tmp_path) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        assert len(a.of(ev.Compacted)) == 1


async def test_an_overflow_that_stays_ends_the_turn(tmp_path: Path) -> None:
    """W3: bounded."""
    again = [fault("context_length"), text("SUMMARY.")]
    script = [text("hello"), *again, *again, fault("context_length")]
    async with agent(script, tmp_path) as a:
        await a.say("hi")
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].status == "failed"
        assert "window" in a.of(ev.Error)[-1].error


async def test_there_is_nothing_to_compact_in_an_empty_session(tmp_path: Path) -> None:
    async with agent([text("hello")], tmp_path) as a:
        events = await a.do(op.Compact())
        assert not [e for e in events if isinstance(e, ev.Error | ev.Compacted)]
        await a.say("hi")
        assert a.of(ev.TurnComplete)[-1].final_response == "hello"


async def test_compact_on_request(tmp_path: Path) -> None:
    """W1: the operation always returns."""
    async with agent([text("one"), text("SUMMARY."), text("two")], tmp_path) as a:
        await a.say("first")
        events = await a.do(op.Compact())
        assert any(isinstance(e, ev.Compacted) for e in events)
        await a.say("second")
        users = [
            m["content"] for m in a.server.requests[-1].body["messages"] if m["role"] == "user"
        ]
        assert users[0] == "first"
        assert "SUMMARY." in users[1]
        assert users[2] == "second"


async def test_call_ids_stay_unique_across_a_compaction(tmp_path: Path) -> None:
    """A server that numbers by position starts again; its calls must not get old results."""
    first = [
        calls(Call("bash", {"command": f"{BIG}{n}; touch f{n}"}, id=f"c{n}")) for n in range(4)
    ]
    again = [calls(Call("bash", {"command": f"echo new{n} > n{n}"}, id=f"c{n}")) for n in range(2)]
    script = [*first, text("SUMMARY."), *again, text("Done.")]
    async with agent(script, tmp_path, context_window=20_000) as a:
        await a.say("go")
        assert len(a.of(ev.Compacted)) == 1
        assert (a.cwd / "n0").exists()
        assert (a.cwd / "n1").exists()
        ids = [e.tool_call_id for e in a.of(ev.ToolCall)]
        assert len(set(ids)) == len(ids)


async def test_an_overflow_of_an_earlier_turn_does_not_count(tmp_path: Path) -> None:
    again = [fault("context_length"), text("SUMMARY.")]
    script = [text("hello"), *again, *again, fault("context_length"), *again, text("fine")]
    async with agent(script, tmp_path) as a:
        await a.say("hi")
        await a.say("go")
        await a.say("three")
        assert a.of(ev.TurnComplete)[-1].final_response == "fine"
