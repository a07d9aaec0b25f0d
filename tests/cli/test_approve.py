"""What a person types becomes exactly one decision a call."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from pydantic import TypeAdapter
from rich.console import Console

from ml_intern.cli.approve import Stopped, decide
from ml_intern.cli.screen import Screen
from ml_intern.configs.errors import ConfigError
from ml_intern.nodes.policies.answers import Decision

EDITED = '{"command": "ls"}'


class Person:
    """Types one line a question, and is asked neither more nor less."""

    def __init__(self, *lines: str | type[BaseException], editor: str | None = None) -> None:
        self.left = list(lines)
        self.asked: list[tuple[str, str]] = []
        self.editor = editor
        self.opened: list[tuple[str, str]] = []
        self.allowed: list[tuple[str, str]] = []

    async def ask(self, question: str, begin: str = "") -> str:
        self.asked.append((question, begin))
        line = self.left.pop(0)
        if isinstance(line, str):
            return line
        raise line

    async def edit(self, text: str, suffix: str) -> str | None:
        self.opened.append((text, suffix))
        return self.editor

    async def allow(self, rule: str, scope: str) -> str:
        self.allowed.append((rule, scope))
        return "taken"


def request(tool: str = "bash", **arguments: Any) -> dict[str, Any]:
    arguments = arguments or {"command": "rm -rf é"}
    return {"tool": tool, "tool_call_id": "c", "arguments": arguments, "reason": "it runs"}


async def decided(*lines: str, tools: list[dict[str, Any]] | None = None) -> tuple[Any, str]:
    """The decisions on one call, or on `tools`, and what was shown."""
    person, out = Person(*lines), io.StringIO()
    screen = Screen(Console(file=out, width=200))
    decisions = await decide(tools or [request()], person, screen)
    assert person.left == []
    return TypeAdapter(list[Decision]).validate_python(decisions, strict=True), out.getvalue()


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        ("y", {"type": "approve"}),
        (" YES \n", {"type": "approve"}),
        ("n", {"type": "reject"}),
        ("No", {"type": "reject"}),
        ("Use ~/MyModel, not /TMP", {"type": "reject", "message": "Use ~/MyModel, not /TMP"}),
        ("yes, but in /tmp", {"type": "reject", "message": "yes, but in /tmp"}),
        ("nope", {"type": "reject", "message": "nope"}),
    ],
)
async def test_w24_one_answer(line: str, decision: dict[str, Any]) -> None:
    """W24: what the person said was turned to lower case; it may be a path or a model."""
    assert (await decided(line))[0] == [decision]


async def test_enter_alone_decides_nothing() -> None:
    decisions, _ = await decided("", "  ", "n")
    assert decisions == [{"type": "reject"}]


async def test_the_call_is_shown_before_it_is_asked_about() -> None:
    _, shown = await decided("n")
    assert "bash  it runs" in shown
    assert "rm -rf é" in shown
    assert "it runs" in shown


async def test_each_call_gets_its_own_decision_in_order() -> None:
    tools = [request(command="a"), request("write", path="b"), request(command="c")]
    decisions, shown = await decided("y", "not b", "n", tools=tools)
    assert [d["type"] for d in decisions] == ["approve", "reject", "reject"]
    assert decisions[1]["message"] == "not b"
    assert [shown.index(f"[{n}/3]") for n in (1, 2, 3)] == sorted(
        shown.index(f"[{n}/3]") for n in (1, 2, 3)
    )


async def test_editing_begins_with_the_arguments_as_they_are() -> None:
    person = Person("e", EDITED)
    await decide([request()], person, Screen(Console(file=io.StringIO())))
    assert json.loads(person.asked[1][1]) == {"command": "rm -rf é"}


async def test_edited_arguments_keep_the_tool() -> None:
    decisions, _ = await decided("EDIT", EDITED)
    action = {"name": "bash", "args": {"command": "ls"}}
    assert decisions == [{"type": "edit", "edited_action": action}]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Not valid JSON"),
        ("{", "Not valid JSON"),
        ('{"timeout": NaN}', "Not valid JSON"),
        ("[" * 100_000, "Not valid JSON"),
        ("[1]", "must be a JSON object"),
        ('"[/INST]"', "must be a JSON object"),
    ],
)
async def test_arguments_that_cannot_be_used_are_asked_for_again(typed: str, said: str) -> None:
    decisions, shown = await decided("e", typed, "n")
    assert said in shown
    assert decisions == [{"type": "reject"}]


@pytest.mark.parametrize("before", [[], ["e"], ["a"]])
async def test_leaving_a_question_approves_nothing(before: list[str]) -> None:
    person = Person(*before, Stopped)
    asked = {**request(), "rule": "bash(rm x)"}
    with pytest.raises(Stopped):
        await decide([asked], person, Screen(Console(file=io.StringIO())))
    assert person.allowed == []


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        (["yy"], ["approve"] * 3),
        (["nn"], ["reject"] * 3),
        (["n", "YY"], ["reject", "approve", "approve"]),
        (["y", "stop it", "n"], ["approve", "reject", "reject"]),
    ],
)
async def test_one_answer_for_all_that_are_left(lines: list[str], kinds: list[str]) -> None:
    tools = [request(command=name) for name in "abc"]
    decisions, _ = await decided(*lines, tools=tools)
    assert [one["type"] for one in decisions] == kinds


async def test_a_slip_of_the_finger_is_no_feedback() -> None:
    decisions, shown = await decided("x", "yz", "q", "n")
    assert decisions == [{"type": "reject"}]
    assert shown.count("none of the keys") == 3


@pytest.mark.parametrize(("where", "scope"), [("s", "session"), ("P", "project"), ("u", "user")])
async def test_always_shows_the_rule_before_it_is_taken(where: str, scope: str) -> None:
    person, out = Person("a", where), io.StringIO()
    asked = {**request(), "rule": "bash(git status *)"}
    decisions = await decide([asked], person, Screen(Console(file=out, width=200)))
    assert decisions == [{"type": "approve"}]
    assert person.allowed == [("bash(git status *)", scope)]
    assert "Never ask again for: bash(git status *)" in out.getvalue()


@pytest.mark.parametrize("where", ["", "n", "y", "yes", "a"])
async def test_always_has_no_default(where: str) -> None:
    person = Person("a", where, "n")
    asked = {**request(), "rule": "bash(git status *)"}
    decisions = await decide([asked], person, Screen(Console(file=io.StringIO())))
    assert decisions == [{"type": "reject"}]
    assert person.allowed == []


async def test_without_a_narrow_rule_nothing_is_allowed_always() -> None:
    decisions, shown = await decided("a", "n")
    assert decisions == [{"type": "reject"}]
    assert "No narrow rule fits" in shown
    assert "a always" not in shown


async def test_a_long_call_can_be_viewed_whole() -> None:
    script = "\n".join(f"echo {n}" for n in range(100))
    _, shown = await decided("v", "n", tools=[request(command=script)])
    before, after = shown.split("v shows all")
    assert "echo 99" not in before
    assert "echo 99" in after


async def test_the_one_text_of_several_lines_is_edited_by_itself() -> None:
    person = Person("e", editor="size = 2\nrun()\n")
    asked = request("write", path="a.py", content="size = 1\nrun()\n")
    decisions = await decide([asked], person, Screen(Console(file=io.StringIO())))
    assert person.opened == [("size = 1\nrun()\n", ".py")]
    args = {"path": "a.py", "content": "size = 2\nrun()\n"}
    assert decisions == [{"type": "edit", "edited_action": {"name": "write", "args": args}}]


async def test_an_argument_can_be_named_and_its_case_is_kept() -> None:
    person = Person("e Path", "e path", "n", editor="b.py\n")
    asked = request("write", path="a.py", content="x")
    decisions = await decide([asked], person, Screen(Console(file=io.StringIO())))
    assert decisions[0]["type"] == "edit"
    assert decisions[0].get("edited_action", {}).get("args") == {"path": "b.py", "content": "x"}
    assert person.left == ["n"]


async def test_an_edit_without_a_change_asks_again() -> None:
    person = Person("e", "n", editor='{\n  "command": "rm -rf é"\n}\n')
    decisions = await decide([request()], person, Screen(Console(file=io.StringIO())))
    assert decisions == [{"type": "reject"}]


async def test_an_editor_that_fails_leaves_the_question() -> None:
    """The turn used to end there, its call given up by the next message."""

    class Failing(Person):
        async def edit(self, text: str, suffix: str) -> str | None:
            raise ConfigError("The editor ended with 1.")

    person, out = Failing("e", "y"), io.StringIO()
    decisions = await decide([request()], person, Screen(Console(file=out, width=200)))
    assert decisions == [{"type": "approve"}]
    assert "The editor ended with 1." in out.getvalue()


async def test_a_rule_that_cannot_be_kept_leaves_the_question() -> None:
    class Failing(Person):
        async def allow(self, rule: str, scope: str) -> str:
            raise ConfigError("The disk is full.")

    person, out = Failing("a", "u", "n"), io.StringIO()
    screen = Screen(Console(file=out, width=200))
    decisions = await decide([{**request(), "rule": "bash(rm *)"}], person, screen)
    assert decisions == [{"type": "reject"}]
    assert "The disk is full." in out.getvalue()
