"""Where each state leads."""

from __future__ import annotations

from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage
from langgraph.graph import END as LANGGRAPHS_END
from langgraph.runtime import Runtime
from langgraph.types import Send

from ml_intern.graph.context import RunOptions
from ml_intern.graph.routing import (
    END,
    after_approval,
    after_compaction,
    after_doom_check,
    after_llm,
)
from ml_intern.graph.state import AgentState, Stop, turn_of
from ml_intern.nodes.policies.marks import marking


def call(call_id: str) -> ToolCall:
    return ToolCall(name="bash", args={"command": call_id}, id=call_id, type="tool_call")


USER = HumanMessage("Do it.")
HINT = HumanMessage("[Go on.]", additional_kwargs=marking("nudge"))
ANSWER = AIMessage("Done.")
CALLS = AIMessage("", tool_calls=[call("a"), call("b")])
RESULT_A, RESULT_B = (ToolMessage("ok", tool_call_id=one) for one in "ab")


def state(*messages: AnyMessage, stop: Stop | None = None, **more: Any) -> AgentState:
    turn = {**turn_of({}), "stop": stop, "iterations": more.pop("iterations", 0)}
    return cast("AgentState", {"messages": list(messages), "turn": turn, **more})


def runtime(limit: int | None = None, *, context: bool = True) -> Runtime[RunOptions]:
    return Runtime(
        context=RunOptions(max_iterations=limit) if context else cast("RunOptions", None)
    )


def test_the_end_is_langgraphs() -> None:
    assert END == LANGGRAPHS_END


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (state(USER, CALLS), "doom_check"),
        (state(USER, ANSWER), END),
        (state(USER, ANSWER, HINT), "compaction"),
        (state(USER, HINT), "compaction"),
        (state(USER, compact=True), "compaction"),
        (state(USER, CALLS, stop="failed"), END),
        (state(USER, ANSWER, HINT, stop="stuck"), END),
    ],
)
def test_after_the_model(now: AgentState, wanted: str) -> None:
    assert after_llm(now) == wanted


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (state(USER, CALLS), "approval"),
        (state(USER, CALLS, RESULT_A), "approval"),
        (state(USER, CALLS, RESULT_A, RESULT_B), "compaction"),
        (state(USER, CALLS, RESULT_A, RESULT_B, stop="stuck"), END),
    ],
)
def test_after_the_doom_check(now: AgentState, wanted: str) -> None:
    assert after_doom_check(now) == wanted


def test_each_open_call_is_sent_and_nothing_else() -> None:
    """A `Send` that carries the state makes the database grow quadratically."""
    sends = after_approval(state(USER, CALLS, RESULT_A))
    assert sends == [Send("tool_execute", {"call": call("b"), "edited": False})]


def test_edited_arguments_are_what_is_run() -> None:
    edits: dict[str, Any] = {"a": {"command": "safe"}, "b": {}}
    sends = after_approval(state(USER, CALLS, edits=edits))
    assert isinstance(sends, list)
    assert [send.arg["call"]["args"] for send in sends] == [{"command": "safe"}, {}]
    assert [send.arg["edited"] for send in sends] == [True, True]
    assert CALLS.tool_calls[0]["args"] == {"command": "a"}


def test_a_model_that_keeps_making_mistakes_is_given_up() -> None:
    assert after_approval(state(USER, CALLS, RESULT_A, RESULT_B, stop="stuck")) == END


def test_with_no_call_left_it_is_the_models_turn() -> None:
    assert after_approval(state(USER, CALLS, RESULT_A, RESULT_B)) == "compaction"


@pytest.mark.parametrize(
    ("messages", "iterations", "limit", "wanted"),
    [
        ([USER], 0, 3, "llm"),
        ([USER, CALLS, RESULT_A, RESULT_B], 2, 3, "llm"),
        ([USER, CALLS, RESULT_A, RESULT_B], 3, 3, END),
        ([USER, CALLS, RESULT_A, RESULT_B], 4, 3, END),
        ([USER, CALLS, RESULT_A, RESULT_B], 10**6, -1, "llm"),
        ([USER, ANSWER, HINT], 3, 3, END),
        ([USER, ANSWER], 0, 3, END),
        ([USER, ANSWER, USER], 3, 3, "llm"),
        ([], 0, 3, END),
    ],
)
def test_w19_the_door_to_the_model(
    messages: list[AnyMessage], iterations: int, limit: int, wanted: str
) -> None:
    """W19: the limit holds for every call, hints included; a new message begins a new count."""
    now = state(*messages, iterations=iterations)
    assert after_compaction(now, runtime(limit), max_iterations=99) == wanted
    assert after_compaction(now, runtime(), max_iterations=limit) == wanted
    assert after_compaction(now, runtime(context=False), max_iterations=limit) == wanted
