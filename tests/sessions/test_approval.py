"""The person's word: asked once a turn, for exactly these calls, and taken literally."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from langchain_core.messages import AIMessage, ToolMessage

from emulators.openai_server import Call, calls, text
from harness import agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.sessions import operations as op

ASKING = RunOptions(permission_mode="default")
TOUCH = Call("bash", {"command": "echo ran >> log"})
PEEK = Call("read", {"path": "seen.txt"})


def answer(*decisions: Decision) -> op.ExecApproval:
    return op.ExecApproval(list(decisions))


async def test_one_question_holds_all_calls_that_need_a_person(tmp_path: Path) -> None:
    write = Call("write", {"path": "a.txt", "content": "x"})
    async with agent([calls(TOUCH, PEEK, write), text("ok")], tmp_path, options=ASKING) as a:
        (a.cwd / "seen.txt").write_text("hello")
        events = await a.say("go")
        question = events[-1]
        assert isinstance(question, ev.ApprovalRequired)
        assert [t["tool"] for t in question.tools] == ["bash", "write"]
        assert question.tools[0]["arguments"] == {"command": "echo ran >> log"}
        # Nothing has run: the turn waits whole.
        assert a.of(ev.ToolOutput) == []
        await a.do(answer(Decision(type="approve"), Decision(type="approve")))
        assert (a.cwd / "log").read_text() == "ran\n"
        assert (a.cwd / "a.txt").read_text() == "x"
        assert a.of(ev.TurnComplete)[-1].final_response == "ok"


async def test_a_rejection_reaches_the_model_in_the_persons_words(tmp_path: Path) -> None:
    """W24: the words keep their case."""
    async with agent([calls(TOUCH), text("I won't.")], tmp_path, options=ASKING) as a:
        await a.say("go")
        await a.do(answer(Decision(type="reject", message="Use Models/ModelB instead")))
        assert not (a.cwd / "log").exists()
        told = a.server.requests[1].body["messages"][-1]["content"]
        assert "Use Models/ModelB instead" in told
        assert [e.state for e in a.of(ev.ToolStateChange)] == ["rejected"]


async def test_an_edit_is_what_runs_and_the_model_is_told(tmp_path: Path) -> None:
    """Trap 8: an edited call must not run as the model wrote it."""
    edited = Decision(type="edit", edited_action={"name": "bash", "args": {"command": "echo mine"}})
    async with agent([calls(TOUCH), text("ok")], tmp_path, options=ASKING) as a:
        await a.say("go")
        await a.do(answer(edited))
        assert not (a.cwd / "log").exists()
        result = next(m for m in await a.messages() if isinstance(m, ToolMessage))
        assert "The user changed the arguments" in str(result.content)
        assert str(result.content).endswith("mine")
        call = next(m for m in await a.messages() if isinstance(m, AIMessage)).tool_calls[0]
        assert call["args"] == {"command": "echo ran >> log"}


async def test_an_edit_with_wrong_arguments_does_not_run(tmp_path: Path) -> None:
    edited = Decision(type="edit", edited_action={"name": "bash", "args": {"cmd": "echo mine"}})
    async with agent([calls(TOUCH), text("ok")], tmp_path, options=ASKING) as a:
        await a.say("go")
        await a.do(answer(edited))
        assert [e.success for e in a.of(ev.ToolOutput)] == [False]
        assert "The user edited the arguments" in a.of(ev.ToolOutput)[0].output


async def test_an_answer_nobody_asked_for_is_an_error(tmp_path: Path) -> None:
    async with agent([text("one"), text("two")], tmp_path, options=ASKING) as a:
        await a.say("hi")
        events = await a.do(answer(Decision(type="approve")))
        assert [type(e) for e in events] == [ev.Error]
        await a.say("go on")
        assert a.of(ev.TurnComplete)[-1].final_response == "two"


async def test_a_missing_decision_is_a_no(tmp_path: Path) -> None:
    async with agent([calls(TOUCH, TOUCH), text("ok")], tmp_path, options=ASKING) as a:
        await a.say("go")
        await a.do(answer(Decision(type="approve")))
        assert (a.cwd / "log").read_text() == "ran\n"


async def test_a_new_message_gives_the_question_up(tmp_path: Path) -> None:
    """W10: nothing pending outlives the turn it belongs to."""
    async with agent([calls(TOUCH), text("Something else.")], tmp_path, options=ASKING) as a:
        await a.say("go")
        await a.say("never mind")
        assert not (a.cwd / "log").exists()
        assert a.of(ev.TurnComplete)[-1].final_response == "Something else."
        roles = [m["role"] for m in a.server.requests[1].body["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "user"]
        assert (
            "before this call was approved" in a.server.requests[1].body["messages"][3]["content"]
        )


async def test_a_question_survives_the_process(tmp_path: Path) -> None:
    async with agent([calls(TOUCH)], tmp_path, options=ASKING) as a:
        await a.say("go")
    async with agent([text("ok")], tmp_path, options=ASKING, proceed=True) as a:
        events = await a.do(op.Resume())
        assert isinstance(events[-1], ev.ApprovalRequired)
        assert not (a.cwd / "log").exists()
        await a.do(answer(Decision(type="approve")))
        assert (a.cwd / "log").read_text() == "ran\n"
        assert a.of(ev.TurnComplete)[-1].status == "done"


async def test_interrupting_a_question_ends_the_turn(tmp_path: Path) -> None:
    async with agent([calls(TOUCH), text("later")], tmp_path, options=ASKING) as a:
        await a.say("go")
        events = await a.do(op.Interrupt())
        assert [type(e) for e in events] == [ev.Interrupted]
        assert not await a.session.unfinished()
        await a.say("hello")
        assert not (a.cwd / "log").exists()


async def test_plan_mode_denies_without_asking(tmp_path: Path) -> None:
    options = RunOptions(permission_mode="plan")
    script = [calls(TOUCH, PEEK), text("Only a plan.")]
    async with agent(script, tmp_path, options=options) as a:
        (a.cwd / "seen.txt").write_text("hello")
        await a.say("go")
        assert {e.tool: e.success for e in a.of(ev.ToolOutput)} == {"bash": False, "read": True}
        assert "denied" in [e.state for e in a.of(ev.ToolStateChange)]
        assert not (a.cwd / "log").exists()


async def test_a_pending_question_is_asked_anew_under_the_mode_of_today(tmp_path: Path) -> None:
    """Answers go by position: what no longer asks must not shift them."""
    write = Call("write", {"path": "a.txt", "content": "x"})
    async with agent([calls(write, TOUCH)], tmp_path, options=ASKING) as a:
        await a.say("go")
    async with agent([text("ok")], tmp_path, options=ASKING, proceed=True) as a:
        a.session._at = replace(  # as `-c --permission-mode accept-edits` opens it
            a.session._at, options=replace(a.session.options, permission_mode="accept-edits")
        )
        events = await a.do(op.Resume())
        question = events[-1]
        assert isinstance(question, ev.ApprovalRequired)
        assert [t["tool"] for t in question.tools] == ["bash"]
        await a.do(answer(Decision(type="reject")))
        assert (a.cwd / "a.txt").exists()
        assert not (a.cwd / "log").exists()


async def test_an_edit_that_cannot_be_stored_leaves_the_question(tmp_path: Path) -> None:
    huge = {"command": "ls", "timeout": 10**30}
    edited = Decision(type="edit", edited_action={"name": "bash", "args": huge})
    async with agent([calls(TOUCH), text("ok")], tmp_path, options=ASKING) as a:
        await a.say("go")
        events = await a.do(answer(edited))
        assert [type(e) for e in events] == [ev.Error]
        await a.do(answer(Decision(type="approve")))
        assert a.of(ev.TurnComplete)[-1].status == "done"


async def test_compacting_waits_for_the_turn_to_end(tmp_path: Path) -> None:
    async with agent([calls(TOUCH), text("ok")], tmp_path, options=ASKING) as a:
        await a.say("go")
        assert [type(e) for e in await a.do(op.Compact())] == [ev.Error]
        await a.do(answer(Decision(type="approve")))
        assert a.of(ev.TurnComplete)[-1].status == "done"
