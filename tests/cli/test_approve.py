"""What a person types becomes exactly one decision a call."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pydantic import TypeAdapter
from rich.console import Console

from ml_intern.cli.approve import decide
from ml_intern.cli.screen import Screen
from ml_intern.nodes.policies.answers import Decision

EDITED = '{"command": "ls"}'


class Person:
    """Types one line a question, and is asked neither more nor less."""

    def __init__(self, *lines: str | type[BaseException]) -> None:
        self.left = list(lines)
        self.asked: list[tuple[str, str]] = []

    async def ask(self, question: str, begin: str) -> str:
        self.asked.append((question, begin))
        line = self.left.pop(0)
        if isinstance(line, str):
            return line
        raise line


def request(tool: str = "bash", **arguments: Any) -> dict[str, Any]:
    arguments = arguments or {"command": "rm -rf é"}
    return {"tool": tool, "tool_call_id": "c", "arguments": arguments, "reason": "it runs"}


async def decided(*lines: str, tools: list[dict[str, Any]] | None = None) -> tuple[Any, str]:
    """The decisions on one call, or on `tools`, and what was shown."""
    person, out = Person(*lines), io.StringIO()
    screen = Screen(Console(file=out, width=200))
    decisions = await decide(tools or [request()], person.ask, screen)
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
    assert "[1/1] bash" in shown
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
    await decide([request()], person.ask, Screen(Console(file=io.StringIO())))
    assert person.asked[1][1] == '{"command": "rm -rf é"}'


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


@pytest.mark.parametrize("error", [KeyboardInterrupt, EOFError])
@pytest.mark.parametrize("before", [[], ["e"]])
async def test_leaving_a_question_approves_nothing(
    error: type[BaseException], before: list[str]
) -> None:
    person = Person(*before, error)
    with pytest.raises(error):
        await decide([request()], person.ask, Screen(Console(file=io.StringIO())))
