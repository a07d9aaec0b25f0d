"""What a call would do is shown before it is approved, and held to when it runs."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import ToolCall

from emulators.openai_server import Call, calls, text
from harness import Agent, agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.nodes.policies.approval import Verdict
from ml_intern.nodes.previews import CHANGED, previews_of
from ml_intern.sessions import operations as op
from ml_intern.tools.errors import ToolError
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec

ASKING = RunOptions(permission_mode="default")
YES = op.ExecApproval([Decision(type="approve")])


class SendArgs(ToolArgs):
    to: str = "world"


class World:
    """A tool that sends a file, and knows how often it was asked what."""

    def __init__(self) -> None:
        self.previewed = 0
        self.sent: list[str] = []
        self.defect: Exception | None = None

    def tools(self) -> dict[str, ToolSpec[Any]]:
        send = ToolSpec(
            name="send", description="Send.", args=SendArgs, handler=self._send,
            effect="opaque", risk="publish", preview=self._preview,
        )  # fmt: skip
        return {"send": send}

    async def _preview(self, args: SendArgs, ctx: ToolContext) -> str:
        self.previewed += 1
        if self.defect:
            raise self.defect
        return f"Sends to {args.to}: {await content(ctx)}"

    async def _send(self, args: SendArgs, ctx: ToolContext) -> ToolResult:
        self.sent.append(f"{args.to}: {await content(ctx)}")
        return ToolResult(text="Sent.")


async def content(ctx: ToolContext) -> str:
    return ",".join(sorted(await asyncio.to_thread(os.listdir, ctx.cwd)))


def shown(a: Agent) -> list[str]:
    return [tool["preview"] for question in a.of(ev.ApprovalRequired) for tool in question.tools]


def results(a: Agent) -> list[str]:
    return [event.output for event in a.of(ev.ToolOutput)]


SCRIPT = [calls(Call("send", {})), text("ok")]


async def test_what_is_approved_is_what_was_shown(tmp_path: Path) -> None:
    world = World()
    async with agent(SCRIPT, tmp_path, options=ASKING, tools=world.tools()) as a:
        (a.cwd / "one").touch()
        await a.say("go")
        assert shown(a) == ["Sends to world: one"]
        await a.do(YES)
        assert world.sent == ["world: one"]
        assert results(a) == ["Sent."]
        assert world.previewed == 2  # for the question, and once more before it ran
        assert a.session._at.deps.previews == {}


async def test_what_has_changed_since_does_not_run(tmp_path: Path) -> None:
    world = World()
    script = [calls(Call("send", {})), calls(Call("send", {"to": "world"})), text("ok")]
    async with agent(script, tmp_path, options=ASKING, tools=world.tools()) as a:
        await a.say("go")
        (a.cwd / "late").touch()
        await a.do(YES)
        assert world.sent == []
        assert results(a) == [CHANGED]
        assert shown(a) == ["Sends to world: ", "Sends to world: late"]
        await a.do(YES)
        assert world.sent == ["world: late"]


async def test_what_can_no_longer_be_done_says_why(tmp_path: Path) -> None:
    world = World()
    async with agent(SCRIPT, tmp_path, options=ASKING, tools=world.tools()) as a:
        await a.say("go")
        world.defect = ToolError("The Hub did not answer.")
        await a.do(YES)
        assert world.sent == []
        assert results(a) == ["Not run: The Hub did not answer."]


async def test_an_edited_call_is_the_persons_own(tmp_path: Path) -> None:
    world = World()
    async with agent(SCRIPT, tmp_path, options=ASKING, tools=world.tools()) as a:
        await a.say("go")
        edited: Any = {"name": "send", "args": {"to": "me"}}
        await a.do(op.ExecApproval([Decision(type="edit", edited_action=edited)]))
        assert world.sent == ["me: "]


async def test_who_is_not_asked_waits_for_no_preview(tmp_path: Path) -> None:
    world = World()
    async with agent(SCRIPT, tmp_path, tools=world.tools()) as a:
        await a.say("go")
        assert world.sent == ["world: "]
        assert world.previewed == 0


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        (KeyError("x"), "could not be found out: KeyError."),
        (TimeoutError(), "could not be found out: it took too long."),
    ],
)
async def test_a_preview_that_fails_says_so(tmp_path: Path, defect: Exception, words: str) -> None:
    world = World()
    world.defect = defect
    async with agent(SCRIPT, tmp_path, options=ASKING, tools=world.tools()) as a:
        await a.say("go")
        assert words in shown(a)[0]
        await a.do(op.ExecApproval([Decision(type="reject")]))
        assert world.sent == []


async def test_nobody_is_asked_about_what_cannot_be_done(tmp_path: Path) -> None:
    world = World()
    world.defect = ToolError("The folder is empty.")
    async with agent(SCRIPT, tmp_path, options=ASKING, tools=world.tools()) as a:
        await a.say("go")
        assert not a.of(ev.ApprovalRequired)
        assert world.sent == []
        assert results(a) == ["The folder is empty."]
        assert a.of(ev.TurnComplete)[-1].final_response == "ok"


async def test_a_question_that_was_left_open_is_asked_with_what_it_is_now(tmp_path: Path) -> None:
    world = World()
    script = [calls(Call("send", {}))]
    async with agent(script, tmp_path, options=ASKING, tools=world.tools()) as a:
        await a.say("go")
    (tmp_path / "work" / "new").touch()
    again = [text("ok")]
    async with agent(again, tmp_path, options=ASKING, tools=world.tools(), proceed=True) as a:
        await a.do(op.Resume())
        assert shown(a) == ["Sends to world: new"]
        await a.do(YES)
        assert world.sent == ["world: new"]


async def test_where_answers_go_by_position_no_call_leaves_the_question(tmp_path: Path) -> None:
    """Under LangGraph's own server the answer may come to another process."""
    world = World()
    world.defect = ToolError("The folder is empty.")
    async with agent(SCRIPT, tmp_path, tools=world.tools()) as a:
        bare = replace(a.session._at.deps, live=None)
        call = ToolCall(name="send", args={}, id="c", type="tool_call")
        found = await previews_of([call], [Verdict("ask")], bare, lambda _: None)
        await a.say("go")
    assert found["c"].error == ""
    assert found["c"].text == "What it would do could not be found out: The folder is empty."
