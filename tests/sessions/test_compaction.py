"""A long history is shortened before it is too long, and when the provider says so."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Call, Step, calls, fault, text
from emulators.script import Body
from harness import CORE, agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.failed_call import MAX_OVERFLOWS
from ml_intern.sessions import operations as op

BIG = "for i in $(seq 1 700); do echo line $i of a long output; done # "


def working(number: int, **options: Any) -> Step:
    """A call with much said about it, and a result too short to be worth a pointer."""
    said = f"Step {number}. " + "I look at the numbers and go on. " * 400
    return calls(Call("bash", {"command": f"echo result {number}"}), content=said, **options)


async def test_a_long_turn_with_one_user_message_is_compacted(tmp_path: Path) -> None:
    """W2, W3: a safe boundary exists when there is only one user message."""
    script = [*map(working, range(6)), text("SUMMARY of the work."), text("Done.")]
    async with agent(script, tmp_path, context_window=20_000, tools=CORE) as a:
        await a.say("Count for me, and keep the constraint: no more than 700 lines.")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        compacted = a.of(ev.Compacted)[0]
        assert compacted.new_tokens < compacted.old_tokens
        last = a.server.requests[-1].body["messages"]
        assert "no more than 700 lines" in last[1]["content"]
        assert "SUMMARY of the work." in last[2]["content"]
        assert await a.history_violations() == []
        assert [e.kind for e in a.of(ev.Usage)].count("compaction") == 1


async def test_large_outputs_are_pointed_to_before_anything_is_paid_for(tmp_path: Path) -> None:
    work = [calls(Call("bash", {"command": f"{BIG}{n}"})) for n in range(4)]
    async with agent([*work, text("Done.")], tmp_path, context_window=20_000, tools=CORE) as a:
        await a.say("Count for me.")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        assert len(a.of(ev.Compacted)) == 1
        assert [e.kind for e in a.of(ev.Usage)].count("compaction") == 0
        outputs = [str(m.text) for m in await a.messages() if m.type == "tool"]
        path = re.search(r"the whole output: (\S+) ", outputs[0])
        assert path
        whole = Path(path[1]).read_text()
        assert "line 1 of a long output" in whole
        assert "line 350 of a long output" in whole
        assert "line 700 of a long output" in outputs[-1]


async def test_a_pointer_never_leads_to_the_output_of_an_undone_call(tmp_path: Path) -> None:
    """A server that sends no ids, or numbers them, gives both calls the same one."""

    def turn(name: str) -> list[Step]:
        loop = "for i in $(seq 1 700); do echo {} line $i of a long output; done"
        return [
            calls(Call("bash", {"command": loop.format(f"{name}{n}")}, id=None)) for n in range(4)
        ]

    script = [*turn("undone"), text("One."), *turn("real"), text("Two.")]
    async with agent(script, tmp_path, context_window=20_000, tools=CORE) as a:
        await a.say("one")
        await a.do(op.Undo())
        await a.say("two")
        assert len(a.of(ev.Compacted)) == 2
        texts = [str(m.text) for m in await a.messages() if m.type == "tool"]
        found = [re.search(r"the whole output: (\S+) ", said) for said in texts]
        wholes = [Path(match[1]).read_text() for match in found if match]
        assert wholes
        assert all(whole.startswith("real") for whole in wholes)


async def test_the_providers_overflow_is_answered_with_compaction(tmp_path: Path) -> None:
    script = [working(0), working(1), fault("context_length"), text("SUMMARY."), text("Done.")]
    async with agent(script, tmp_path) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        assert len(a.of(ev.Compacted)) == 1


async def test_an_overflow_does_not_use_up_the_only_call(tmp_path: Path) -> None:
    one = RunOptions(permission_mode="yolo", max_iterations=1)
    script = [text("Said. " * 500), fault("context_length"), text("SUMMARY."), text("Done.")]
    async with agent(script, tmp_path, options=one) as a:
        await a.say("hi")
        await a.say("go")
        end = a.of(ev.TurnComplete)[-1]
        assert (end.final_response, end.iterations) == ("Done.", 1)


async def test_an_overflow_that_stays_ends_the_turn(tmp_path: Path) -> None:
    """W3: bounded."""
    again = [fault("context_length"), text("SUMMARY.")]
    script = [text("hello"), *again * MAX_OVERFLOWS, fault("context_length")]
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
    script = [text("one " * 500), text("and"), text("SUMMARY."), text("two")]
    async with agent(script, tmp_path, tools=CORE) as a:
        await a.say("first")
        await a.say("more")
        events = await a.do(op.Compact())
        assert any(isinstance(e, ev.Compacted) for e in events)
        await a.say("second")
        users = [
            m["content"] for m in a.server.requests[-1].body["messages"] if m["role"] == "user"
        ]
        assert users[0] == "first"
        assert "SUMMARY." in users[1]
        assert users[2:] == ["more", "second"]


async def test_on_request_it_shortens_what_fits_several_times(tmp_path: Path) -> None:
    """The tail was measured by the window, so nothing was left to be summarised."""
    script = [*map(working, range(8)), text("Done."), text("SUMMARY.")]
    async with agent(script, tmp_path, context_window=128_000) as a:
        await a.say("go")
        await a.do(op.Compact())
        (compacted,) = a.of(ev.Compacted)
        assert compacted.new_tokens < compacted.old_tokens / 2


async def test_on_request_it_never_makes_a_history_longer(tmp_path: Path) -> None:
    summary = text("SUMMARY of a short conversation. " * 50)
    async with agent([text("hello"), summary], tmp_path) as a:
        await a.say("hi")
        before = await a.messages()
        events = await a.do(op.Compact())
        assert not [e for e in events if isinstance(e, ev.Error | ev.Compacted)]
        assert "nothing to shorten" in a.of(ev.Notice)[-1].message
        assert await a.messages() == before
        assert (await a.session.state()).get("usage", {})["compaction_calls"] == 1


async def test_a_provider_that_refuses_the_text_does_not_end_the_session(tmp_path: Path) -> None:
    """A content policy, for one: it would refuse the same summary with every message."""
    script = [*map(working, range(6)), fault("400"), text("Done.")]
    async with agent(script, tmp_path, context_window=20_000, tools=CORE) as a:
        await a.say("Keep this constraint: 700 lines.")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        assert len(a.of(ev.Compacted)) == 1
        assert "700 lines" in json.dumps(a.server.bodies[-1])


async def test_an_open_plan_is_remembered_across_a_compaction(tmp_path: Path) -> None:
    """The model is reminded of it though the call that made it was taken out."""
    plan = {"todos": [{"id": "1", "content": "count", "status": "pending"}]}
    work = [calls(Call("plan_tool", plan)), *map(working, range(6))]
    script = [*work, text("SUMMARY."), text("Done."), text("Done."), text("Done!")]
    async with agent(script, tmp_path, context_window=20_000, tools=CORE) as a:
        await a.say("go")
        assert len(a.of(ev.Compacted)) == 1
        assert a.of(ev.TurnComplete)[-1].final_response == "Done!"


async def test_call_ids_stay_unique_across_a_compaction(tmp_path: Path) -> None:
    """A server that numbers by position starts again; its calls must not get old results."""
    first = [
        replace(working(n), calls=(Call("bash", {"command": f"touch f{n}"}, id=f"c{n}"),))
        for n in range(6)
    ]
    again = [calls(Call("bash", {"command": f"echo new{n} > n{n}"}, id=f"c{n}")) for n in range(2)]
    script = [*first, text("SUMMARY."), *again, text("Done.")]
    async with agent(script, tmp_path, context_window=20_000, tools=CORE) as a:
        await a.say("go")
        assert len(a.of(ev.Compacted)) == 1
        assert (a.cwd / "n0").exists()
        assert (a.cwd / "n1").exists()
        ids = [e.tool_call_id for e in a.of(ev.ToolCall)]
        assert len(set(ids)) == len(ids)


async def test_an_overflow_of_an_earlier_turn_does_not_count(tmp_path: Path) -> None:
    again = [fault("context_length"), text("SUMMARY.")]
    script = [text("hello"), *again * MAX_OVERFLOWS, fault("context_length"), *again, text("fine")]
    async with agent(script, tmp_path) as a:
        await a.say("hi")
        await a.say("go")
        await a.say("three")
        assert a.of(ev.TurnComplete)[-1].final_response == "fine"


async def test_w4_a_window_that_proved_smaller_is_remembered(tmp_path: Path) -> None:
    """W4: the same too long request was sent again and again."""
    numbers = iter(range(30))

    def provider(body: Body) -> Step:
        if "tools" not in body:
            return text("SUMMARY.")
        if len(json.dumps(body)) > 60_000:
            return fault("context_length")
        number = next(numbers, None)
        return text("Done.") if number is None else working(number)

    async with agent(lambda: repeat(provider), tmp_path) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        assert len(a.of(ev.Compacted)) > 3
        assert len([e for e in a.of(ev.Notice) if "context is full" in e.message]) == 1


async def test_the_compaction_model_writes_the_summary(tmp_path: Path) -> None:
    script = [*map(working, range(6)), text("SUMMARY."), text("Done.")]
    more: dict[str, Any] = {
        "tools": CORE,
        "context_window": 20_000,
        "compaction_model": "openai/gpt-small",
    }
    async with agent(script, tmp_path, **more) as a:
        await a.say("go")
        models = [body["model"] for body in a.server.bodies]
        assert models.count("gpt-small") == 1
        assert [e.model for e in a.of(ev.Usage) if e.kind == "compaction"] == ["openai/gpt-small"]


async def test_when_the_compaction_model_is_down_the_main_one_does_it(tmp_path: Path) -> None:
    script = [*map(working, range(6)), fault("401"), text("SUMMARY."), text("Done.")]
    more: dict[str, Any] = {
        "tools": CORE,
        "context_window": 20_000,
        "compaction_model": "openai/gpt-small",
    }
    async with agent(script, tmp_path, **more) as a:
        await a.say("go")
        assert [body["model"] for body in a.server.bodies][-3:] == ["gpt-small", *["gpt-test"] * 2]
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."


@pytest.mark.parametrize("summary", [text(""), text("s" * 300_000), text("x", finish="length")])
async def test_whatever_the_summary_is_the_result_fits(tmp_path: Path, summary: Step) -> None:
    script = [*map(working, range(6)), summary, text("Done.")]
    async with agent(script, tmp_path, context_window=20_000, tools=CORE) as a:
        await a.say("Keep this constraint: 700 lines.")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        new = a.of(ev.Compacted)[0].new_tokens
        assert new < 20_000 * 0.9 * 0.75
        assert "700 lines" in json.dumps(a.server.bodies[-1])


async def test_one_giant_message_after_the_window_shrank(tmp_path: Path) -> None:
    """A fallback, or a provider's refusal, can make a message too long that once was not."""
    giant = "The constraint comes first. " + "word " * 30_000 + "And the last word is Amen."
    small: dict[str, Any] = {"tools": CORE, "context_window": 20_000}
    async with agent([text("ok")], tmp_path, context_window=100_000) as a:
        await a.say(giant)
    async with agent([text("SUMMARY."), text("Yes.")], tmp_path, proceed=True, **small) as a:
        await a.say("and now?")
        assert a.of(ev.TurnComplete)[-1].final_response == "Yes."
        last = json.dumps(a.server.bodies[-1])
        assert "The constraint comes first." in last
        assert "the last word is Amen." in last
