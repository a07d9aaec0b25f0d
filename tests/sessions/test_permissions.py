"""Permissions of a session: rules of every source, changed while a turn runs or waits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from emulators.openai_server import Call, calls, text
from harness import MODEL, Agent, agent
from ml_intern.configs.errors import ConfigError
from ml_intern.configs.rules import Placed
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.sessions import operations as op
from ml_intern.sessions.options import placed, restored, stored
from ml_intern.sessions.outcome import approval_tools

ASKING = RunOptions(permission_mode="default")
YES, NO = Decision(type="approve"), Decision(type="reject")


def bash(command: str) -> Call:
    return Call("bash", {"command": command})


def answer(*decisions: Decision) -> op.ExecApproval:
    return op.ExecApproval(list(decisions))


def lines(a: Agent) -> list[str]:
    log = a.cwd / "log"
    return log.read_text().split() if log.exists() else []


def asked(events: list[ev.Event]) -> list[str]:
    question = events[-1]
    assert isinstance(question, ev.ApprovalRequired), events
    return [tool["arguments"].get("command", tool["tool"]) for tool in question.tools]


async def kept(a: Agent) -> dict[str, Any]:
    (thread,) = await a.sessions.threads.find(a.session.id)
    return dict(thread.options)


async def test_what_is_allowed_does_not_ask_and_what_is_denied_does_not_run(tmp_path: Path) -> None:
    script = [calls(bash("tee -a log <<< one"), bash("touch a"), bash("touch b")), text("ok")]
    async with agent(
        script, tmp_path, options=ASKING, allow=("bash(touch *)",), deny=("bash(tee *)",)
    ) as a:
        await a.say("go")
        assert not a.of(ev.ApprovalRequired)
        assert (a.cwd / "a").exists()
        assert not (a.cwd / "log").exists()
        denied = [e for e in a.of(ev.ToolStateChange) if e.state == "denied"]
        assert "`deny bash(tee *)`" in denied[0].reason


async def test_deny_and_ask_hold_in_yolo(tmp_path: Path) -> None:
    script = [calls(bash("touch a"), bash("touch b")), text("ok")]
    async with agent(script, tmp_path, deny=("bash(touch a)",), ask=("bash(touch b)",)) as a:
        assert asked(await a.say("go")) == ["touch b"]
        await a.do(answer(NO))
        assert list(a.cwd.iterdir()) == []


async def test_a_path_is_followed_before_it_is_compared(tmp_path: Path) -> None:
    write = [
        Call("write", {"path": path, "content": "x"})
        for path in ("src/a.txt", "src/../b.txt", "src/link/c.txt")
    ]
    (tmp_path / "work" / "src").mkdir(parents=True)
    (tmp_path / "else").mkdir()
    (tmp_path / "work" / "src" / "link").symlink_to(tmp_path / "else")
    async with agent([calls(*write)], tmp_path, options=ASKING, allow=("write(src/**)",)) as a:
        question = (await a.say("go"))[-1]
        assert isinstance(question, ev.ApprovalRequired)
        paths = [tool["arguments"]["path"] for tool in question.tools]
        assert paths == ["src/../b.txt", "src/link/c.txt"]
        rules = [tool["rule"] for tool in question.tools]
        assert rules == ["write(./b.txt)", f"write({tmp_path}/else/c.txt)"]


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("{root}/link/**", "{root}/real/x"),
        ("{root}/link/x", "../real/x"),
        ("../link/**", "{root}/real/x"),
        ("in/**", "{root}/real/x"),
        ("~/link/**", "../real/x"),
        ("out", "out"),
        ("./out", "{root}/work/out"),
        ("/**", "x"),
    ],
)
async def test_what_is_denied_through_a_link_is_denied_behind_it(
    tmp_path: Path, rule: str, path: str
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "work").mkdir()
    (tmp_path / "work/in").symlink_to("../real")
    (tmp_path / "work/out").symlink_to("../real/x")
    deny = f"write({rule.format(root=tmp_path)})"
    call = Call("write", {"path": path.format(root=tmp_path), "content": "x"})
    async with agent([calls(call), text("ok")], tmp_path, deny=(deny,)) as a:
        cast("dict[str, str]", a.session._at.deps.env)["HOME"] = str(tmp_path)
        await a.say("go")
        assert [e.state for e in a.of(ev.ToolStateChange)] == ["denied"]
        assert list((tmp_path / "real").iterdir()) == []


async def test_the_question_carries_the_rule_that_always_would_take(tmp_path: Path) -> None:
    script = [calls(bash("git status -s"), bash("echo x > y"))]
    async with agent(script, tmp_path, options=ASKING) as a:
        question = (await a.say("go"))[-1]
        assert isinstance(question, ev.ApprovalRequired)
        assert [tool["rule"] for tool in question.tools] == ["bash(git status *)", ""]


async def test_a_question_of_an_older_version_has_no_rule_and_no_preview() -> None:
    class Old:
        value = {"action_requests": [
            {"name": "bash", "tool_call_id": "c", "args": {}, "reason": "why"}
        ]}  # fmt: skip

    [tool] = approval_tools([Old()])
    assert (tool["rule"], tool["preview"]) == ("", "")


async def test_always_holds_from_the_next_decision_on(tmp_path: Path) -> None:
    script = [calls(bash("touch a")), calls(bash("touch b")), text("ok")]
    async with agent(script, tmp_path, options=ASKING) as a:
        assert asked(await a.say("go")) == ["touch a"]
        a.session.allow("bash(touch *)")
        await a.do(answer(YES))
        assert len(a.of(ev.ApprovalRequired)) == 1
        assert a.of(ev.TurnComplete)[-1].final_response == "ok"
        assert {path.name for path in a.cwd.iterdir()} == {"a", "b"}


@pytest.mark.parametrize("first", [True, False])
async def test_a_rejection_holds_beside_a_rule_that_would_allow_it(
    tmp_path: Path, first: bool
) -> None:
    """The rule came while the question was open: positions must not shift, a no stays a no."""
    script = [calls(bash("touch a"), bash("touch b")), calls(bash("touch c")), text("ok")]
    async with agent(script, tmp_path, options=ASKING) as a:
        assert asked(await a.say("go")) == ["touch a", "touch b"]
        a.session.allow("bash(touch *)")
        await a.do(answer(YES, NO) if first else answer(NO, YES))
        made = {path.name for path in a.cwd.iterdir()}
        assert made == ({"a", "c"} if first else {"b", "c"})
        assert [e.state for e in a.of(ev.ToolStateChange)].count("rejected") == 1
        assert len(a.of(ev.ApprovalRequired)) == 1


async def test_a_looser_mode_set_while_it_asks_does_not_swallow_the_answer(tmp_path: Path) -> None:
    script = [calls(bash("touch a"), bash("touch b")), calls(bash("touch c")), text("ok")]
    async with agent(script, tmp_path, options=ASKING) as a:
        await a.say("go")
        a.session.set_mode("yolo")
        await a.do(answer(NO, YES))
        assert {path.name for path in a.cwd.iterdir()} == {"b", "c"}
        assert a.session.options.permission_mode == "yolo"


async def test_a_stricter_mode_set_while_it_asks_leaves_what_was_answered(tmp_path: Path) -> None:
    options = RunOptions(permission_mode="accept-edits")
    write = Call("write", {"path": "w", "content": "x"})
    script = [calls(write, bash("touch a"), bash("touch b")), calls(bash("touch c"))]
    async with agent(script, tmp_path, options=options) as a:
        assert asked(await a.say("go")) == ["touch a", "touch b"]
        a.session.set_mode("default")
        await a.do(answer(NO, YES))
        # The write was not in the question, and may not run unasked any more: it is called again.
        assert {path.name for path in a.cwd.iterdir()} == {"b"}
        told = [m for m in a.server.requests[1].body["messages"] if m["role"] == "tool"]
        assert "permissions were changed" in told[0]["content"]
        assert asked(a.events) == ["touch c"]


async def test_a_turn_in_yolo_is_tightened_at_once(tmp_path: Path) -> None:
    script = [calls(bash("touch a")), calls(bash("touch b")), text("ok")]
    async with agent(script, tmp_path) as a:
        async for event in a.say_live("go"):
            a.events.append(event)
            if isinstance(event, ev.ToolOutput) and event.success:
                a.session.set_mode("plan")
        assert {path.name for path in a.cwd.iterdir()} == {"a"}
        denied = [e for e in a.of(ev.ToolStateChange) if e.state == "denied"]
        assert "plan mode" in denied[0].reason
        assert (await kept(a))["permission_mode"] == "plan"


async def test_a_turn_is_loosened_at_once(tmp_path: Path) -> None:
    script = [calls(bash("touch a")), calls(bash("touch b")), text("ok")]
    async with agent(script, tmp_path, options=ASKING) as a:
        await a.say("go")
        async for event in a.session.handle(answer(YES)):
            if isinstance(event, ev.ToolOutput):
                a.session.set_mode("yolo")
        assert {path.name for path in a.cwd.iterdir()} == {"a", "b"}


async def test_an_interrupted_question_does_not_bind_the_next_one(tmp_path: Path) -> None:
    script = [calls(bash("touch a")), calls(bash("touch b")), text("ok")]
    async with agent(script, tmp_path, options=ASKING) as a:
        await a.say("go")
        a.session.set_mode("yolo")
        await a.do(op.Interrupt())
        await a.say("again")
        assert {path.name for path in a.cwd.iterdir()} == {"b"}


async def test_a_question_is_answered_by_another_process_as_it_was_asked(tmp_path: Path) -> None:
    """Also where the mode has become looser meanwhile, and nothing would be asked any more."""
    async with agent([calls(bash("touch a"), bash("touch b"))], tmp_path, options=ASKING) as a:
        await a.say("go")
    async with agent([text("ok")], tmp_path, options=ASKING, proceed=True) as a:
        a.session.set_mode("yolo")
        await a.do(answer(NO, YES))
        assert {path.name for path in a.cwd.iterdir()} == {"b"}


async def test_a_deny_rule_that_came_meanwhile_holds_against_an_approval(tmp_path: Path) -> None:
    async with agent([calls(bash("touch a"), bash("ls"))], tmp_path, options=ASKING) as a:
        await a.say("go")
    async with agent(
        [text("ok")], tmp_path, options=ASKING, proceed=True, deny=("bash(touch *)",)
    ) as a:
        await a.do(answer(YES, YES))
        assert list(a.cwd.iterdir()) == []
        assert {e.output[:6] for e in a.of(ev.ToolOutput) if not e.success} == {"Denied"}


async def test_a_person_cannot_edit_a_call_into_what_is_denied(tmp_path: Path) -> None:
    edited = Decision(type="edit", edited_action={"name": "bash", "args": {"command": "touch b"}})
    async with agent(
        [calls(bash("touch a")), text("ok")], tmp_path, options=ASKING, deny=("bash(touch b)",)
    ) as a:
        await a.say("go")
        await a.do(answer(edited))
        assert list(a.cwd.iterdir()) == []
        assert a.of(ev.TurnComplete)


async def test_what_was_allowed_belongs_to_the_session(tmp_path: Path) -> None:
    script = [calls(bash("touch a")), text("ok")]
    async with agent(script, tmp_path, options=ASKING) as a:
        await a.say("go")
        a.session.allow("bash(touch *)")
        await a.do(answer(YES))
        assert (await kept(a))["allow"] == ["bash(touch *)"]
    async with agent(
        [calls(bash("touch b")), text("ok")], tmp_path, options=ASKING, proceed=True
    ) as a:
        await a.say("go")
        assert (a.cwd / "b").exists()
        await a.do(op.Fork())
        assert a.session.options.allow == ("bash(touch *)",)
        await a.do(op.New())
        assert not a.session.options.allow


async def test_a_rule_that_is_none_changes_nothing(tmp_path: Path) -> None:
    async with agent([], tmp_path, options=ASKING) as a:
        with pytest.raises(ConfigError, match="no permission rule"):
            a.session.allow("bash(")
        with pytest.raises(ConfigError, match="Choices: plan, default"):
            a.session.set_mode("free")  # type: ignore[arg-type]
        assert a.session.options == replace(ASKING, model=MODEL)


def test_damaged_rules_allow_nothing_and_modes_are_never_looser() -> None:
    assert restored({"allow": ["bash(ls *)"]}, RunOptions())["allow"] == ("bash(ls *)",)
    assert placed(RunOptions(allow=("bash",))) == [Placed("allow", "bash", "session")]
    assert restored({"allow": ["("]}, RunOptions())["allow"] == ()
    assert restored({"allow": "bash"}, RunOptions())["allow"] == ()
    assert restored({"allow": [1]}, RunOptions())["allow"] == ()
    assert restored({"permission_mode": "yolo"}, ASKING)["permission_mode"] == "default"
    assert json.loads(json.dumps(stored(RunOptions(allow=("bash",)))))["allow"] == ["bash"]
