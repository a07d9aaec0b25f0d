"""The question is one that every front end can render; the answer is read to the letter."""

from __future__ import annotations

from typing import Any, cast

import pytest
from langchain.agents.middleware.human_in_the_loop import HITLRequest, HITLResponse
from langchain_core.messages import ToolCall
from pydantic import TypeAdapter

from ml_intern.nodes.policies.answers import (
    Answer,
    Asked,
    Decision,
    Decisions,
    read_answers,
    request,
)


def call(name: str = "bash", call_id: str = "a", **args: Any) -> ToolCall:
    return ToolCall(name=name, args=args or {"command": "ls"}, id=call_id, type="tool_call")


def answers(*decisions: Any, calls: list[ToolCall] | None = None) -> list[Answer]:
    return read_answers({"decisions": cast("list[Decision]", decisions)}, calls or [call()])


def edit(name: str = "bash", **args: Any) -> dict[str, Any]:
    return {"type": "edit", "edited_action": {"name": name, "args": args}}


def test_the_question_is_langchains() -> None:
    question = request(
        [
            Asked(call(), "it runs", "bash(ls *)"),
            Asked(call("write", "b", path="x"), "it writes", preview="It overwrites x."),
        ]
    )
    read = TypeAdapter(HITLRequest).validate_python(question, strict=True)
    assert [action["name"] for action in read["action_requests"]] == ["bash", "write"]
    told = [action.get("description", "") for action in read["action_requests"]]
    assert told == [
        "bash needs your approval: it runs.",
        "write needs your approval: it writes.\n\nIt overwrites x.",
    ]
    assert [review["action_name"] for review in read["review_configs"]] == ["bash", "write"]
    assert {d for r in read["review_configs"] for d in r["allowed_decisions"]} == {
        "approve",
        "edit",
        "reject",
    }


def test_the_question_has_what_the_other_front_ends_read() -> None:
    action = request([Asked(call(command="ls"), "it runs", "bash(ls *)")])["action_requests"][0]
    assert action["arguments"] == action["args"] == {"command": "ls"}
    assert (action["tool_call_id"], action["reason"]) == ("a", "it runs")
    assert action["rule"] == "bash(ls *)"


@pytest.mark.parametrize(
    "decision",
    [
        {"type": "approve"},
        {"type": "edit", "edited_action": {"name": "bash", "args": {"command": "ls -a"}}},
        {"type": "reject"},
        {"type": "reject", "message": "No."},
        {"type": "respond", "message": "Here."},
    ],
)
def test_langchains_answers_are_ours(decision: dict[str, Any]) -> None:
    answer = {"decisions": [decision]}
    assert TypeAdapter(HITLResponse).validate_python(answer) == answer
    assert TypeAdapter(Decisions).validate_python(answer, strict=True) == answer


@pytest.mark.parametrize(
    ("decision", "answer"),
    [
        ({"type": "approve"}, Answer(True)),
        (edit(command="ls -a"), Answer(True, args={"command": "ls -a"})),
        (edit(command="ls"), Answer(True)),
        (edit("write", command="ls"), Answer(False, message="The edit named another tool.")),
        ({"type": "edit"}, Answer(False, message="The edit named another tool.")),
        ({"type": "reject"}, Answer(False)),
        ({"type": "reject", "message": "Not in ~/Work."}, Answer(False, message="Not in ~/Work.")),
        ({"type": "respond", "message": "It is 4."}, Answer(False, message="It is 4.")),
    ],
)
def test_one_decision(decision: dict[str, Any], answer: Answer) -> None:
    assert answers(decision) == [answer]


def test_decisions_belong_to_calls_by_their_order_and_a_missing_one_is_a_no() -> None:
    calls = [call(call_id=one) for one in "abc"]
    given = answers({"type": "reject"}, {"type": "approve"}, calls=calls)
    assert [answer.approved for answer in given] == [False, True, False]
    assert given[2].message == "Not answered."
    assert answers(calls=calls) == [Answer(False, message="Not answered.")] * 3


def test_more_decisions_than_calls_were_made_for_another_question() -> None:
    (answer,) = answers({"type": "approve"}, {"type": "reject"})
    assert not answer.approved


def test_what_a_person_types_can_be_stored() -> None:
    edited = answers(edit(command="a\0b", note=["\ud83d"]))[0]
    assert edited == Answer(True, args={"command": "a\ufffdb", "note": ["\ufffd"]})
    assert answers({"type": "reject", "message": "\0"})[0].message == "\ufffd"
