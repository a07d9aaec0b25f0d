"""Going in circles is seen in the tail of a turn, and only there."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage

from ml_intern.nodes.policies.doom import CYCLES, REPEATS, repetition
from ml_intern.nodes.policies.marks import marking

numbers = itertools.count()


def call(args: Any = "ls", name: str = "bash") -> ToolCall:
    args = args if isinstance(args, dict) else {"command": args}
    return ToolCall(name=name, args=args, id=f"c{next(numbers)}", type="tool_call")


def done(args: Any = "ls", result: str = "same", name: str = "bash", mark: Any = None) -> list[Any]:
    """A call and its result."""
    made = call(args, name)
    kwargs = marking(mark) if mark else {}
    answer = ToolMessage(result, tool_call_id=made["id"], name=name, additional_kwargs=kwargs)
    return [AIMessage("", tool_calls=[made]), answer]


def turn(*steps: list[Any]) -> list[AnyMessage]:
    return [HumanMessage("Do it."), *itertools.chain(*steps)]


def test_it_fires_after_three_and_not_after_two() -> None:
    assert repetition(turn(*[done()] * (REPEATS - 1)), call()) == ""
    assert "this same call" in repetition(turn(*[done()] * REPEATS), call())


def test_a_call_without_results_before_it_is_no_repetition() -> None:
    assert repetition([], call()) == ""
    assert repetition([HumanMessage("hi")], call()) == ""


def test_other_arguments_or_another_tool_are_silent() -> None:
    messages = turn(*[done("ls")] * 3)
    assert repetition(messages, call("ls -a")) == ""
    assert repetition(messages, call("ls", name="read")) == ""


@pytest.mark.parametrize("results", [["1", "2", "3"], ["same", "same", "other"]])
def test_changing_results_are_silent(results: list[str]) -> None:
    assert repetition(turn(*(done(result=one) for one in results)), call()) == ""


def test_w12_a_repetition_before_the_tail_is_forgotten() -> None:
    """W12: the whole window was searched, so the guard went on after a change of course."""
    stuck = [done("ls")] * 3
    assert repetition(turn(*stuck, done("pwd")), call("ls")) == ""
    assert repetition(turn(*stuck, done("pwd")), call("pwd")) == ""


def test_the_order_of_keys_does_not_matter_that_of_lists_does() -> None:
    first, second = {"a": {"x": 1, "y": [1, 2]}, "b": 2}, {"b": 2, "a": {"y": [1, 2], "x": 1}}
    assert repetition(turn(done(first), done(second), done(first)), call(second))
    other = {"b": 2, "a": {"y": [2, 1], "x": 1}}
    assert repetition(turn(done(first), done(second), done(first)), call(other)) == ""


def test_it_fires_again_after_our_own_refusal() -> None:
    refused = done(result="Not run: …", mark="doom")
    assert repetition(turn(*[done()] * 3, refused), call())
    assert repetition(turn(*[done()] * 3, refused, refused), call())


def test_a_persons_no_counts_as_a_result() -> None:
    assert repetition(turn(*[done(result="Not approved.", mark="denied")] * 3), call())


def test_a_new_message_resets_and_a_hint_of_ours_does_not() -> None:
    before = turn(*[done()] * 3)
    assert repetition([*before, HumanMessage("Again, please.")], call()) == ""
    hint = HumanMessage("[Go on.]", additional_kwargs=marking("nudge"))
    assert repetition([*before, hint], call())


def test_calls_of_one_message_count_in_their_order() -> None:
    calls = [call() for _ in range(3)]
    results = [ToolMessage("same", tool_call_id=one["id"]) for one in reversed(calls)]
    assert repetition([HumanMessage("hi"), AIMessage("", tool_calls=calls), *results], call())


def test_calls_that_are_not_finished_do_not_count() -> None:
    waiting = call()
    messages = turn(*[done()] * 2, [AIMessage("", tool_calls=[waiting])])
    assert repetition(messages, waiting) == ""


@pytest.mark.parametrize("length", CYCLES)
def test_a_cycle_fires_where_it_would_begin_a_third_time(length: int) -> None:
    steps = [done(f"step {n}", result=f"result {n}") for n in range(length)]
    why = repetition(turn(*steps, *steps), call("step 0"))
    assert f"the same cycle of {length} twice" in why
    assert why.count("bash") == length


@pytest.mark.parametrize("length", CYCLES)
def test_a_broken_cycle_is_silent(length: int) -> None:
    steps = [done(f"step {n}", result=f"result {n}") for n in range(length)]
    assert repetition(turn(*steps, *steps), call(f"step {length - 1}")) == ""
    assert repetition(turn(*steps, *steps), call("new")) == ""
    assert repetition(turn(*steps, *steps[1:]), call("step 0")) == ""
    changed = [*steps[:-1], done(f"step {length - 1}", result="progress")]
    assert repetition(turn(*steps, *changed), call("step 0")) == ""


def test_a_cycle_of_six_is_not_looked_for() -> None:
    steps = [done(f"step {n}") for n in range(6)]
    assert repetition(turn(*steps, *steps), call("step 0")) == ""


def test_a_long_turn_is_judged_by_its_end() -> None:
    varied = [done(f"step {n}", result=str(n)) for n in range(300)]
    assert repetition(turn(*varied, *[done()] * 3), call())
    assert repetition(turn(*[done()] * 3, *varied), call()) == ""
