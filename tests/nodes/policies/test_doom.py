"""Going in circles is seen in the tail of a turn, and only there."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage

from ml_intern.nodes.policies.doom import (
    CYCLES,
    MAX_DENIED,
    MAX_MISTAKES,
    REPEATS,
    SAME_MISTAKE,
    hopeless,
    repetition,
    strikes,
)
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


def test_w12_results_that_differ_only_by_the_clock_are_the_same() -> None:
    """W12: exact hashes missed loops whose output held times and process ids."""
    results = [f"[4{n}1] 2026-11-21 10:0{n}:07 still waiting (pid 77{n}, {n}.2s)" for n in range(3)]
    assert repetition(turn(*(done(result=one) for one in results)), call())
    polled = [f"10:0{n}:07 step {n * 50} of 1000" for n in range(3)]
    assert repetition(turn(*(done(result=one) for one in polled)), call()) == ""


BROKEN = "Not run: the arguments are not valid JSON (Expecting ',': char {0}). You sent: {{{0}"
UNKNOWN = "Not run: there is no tool '{0}'. Tools: bash."


def wrong(result: str, name: str = "bash") -> list[Any]:
    return done(result=result, name=name, mark="refused")


def test_the_same_mistake_three_times_is_the_end() -> None:
    broken = [wrong(BROKEN.format(n)) for n in range(SAME_MISTAKE)]
    assert hopeless(turn(*broken[1:])) == ""
    why = hopeless(turn(*broken))
    assert "same mistake 3 times" in why
    assert "bash: the arguments are not valid JSON" in why
    assert hopeless([*turn(*broken), HumanMessage("Try again.")]) == ""
    assert hopeless(turn(*broken, done(result="fine"))) == ""


def test_other_mistakes_each_time_end_later() -> None:
    """Three different tools that do not exist are three mistakes."""
    various = [wrong(UNKNOWN.format(n), name=f"tool{n}") for n in range(MAX_MISTAKES)]
    assert hopeless(turn(*various[1:])) == ""
    assert "cannot be run" in hopeless(turn(*various))


def test_a_model_that_is_denied_everything_comes_to_an_end() -> None:
    denied = [done(f"rm {n}", f"Denied: {n}.", mark="denied") for n in range(MAX_DENIED)]
    assert hopeless(turn(*denied[1:])) == ""
    assert "denied everything" in hopeless(turn(*denied))
    assert hopeless([*turn(*denied), HumanMessage("Try again.")]) == ""
    assert hopeless(turn(*denied, done(result="fine"))) == ""
    assert hopeless(turn(*denied[1:], done("x", "fine"), *denied[:1])) == ""


def test_a_reply_of_which_something_ran_or_will_is_no_mistake() -> None:
    broken = [wrong(BROKEN.format(n)) for n in range(2)]
    one, two = call(), call()
    refused = ToolMessage(BROKEN, tool_call_id=one["id"], name="bash",
                          additional_kwargs=marking("refused"))  # fmt: skip
    mixed: list[Any] = [AIMessage("", tool_calls=[one, two]), refused]
    assert hopeless(turn(*broken, mixed)) == ""
    assert hopeless(turn(*broken, [*mixed, ToolMessage("ok", tool_call_id=two["id"])])) == ""
    again = ToolMessage(BROKEN, tool_call_id=two["id"], name="bash",
                        additional_kwargs=marking("refused"))  # fmt: skip
    assert hopeless(turn(*broken, [*mixed, again]))


def test_strikes_count_until_something_else_is_done() -> None:
    told = done(result="Not run.", mark="doom")
    same = [done()] * 3
    assert strikes(turn(*same)) == 0
    assert strikes(turn(*same, told)) == 1
    assert strikes(turn(*same, told, wrong(BROKEN), told)) == 2
    assert strikes(turn(*same, told, told, done("pwd"))) == 0
    assert strikes([*turn(*same, told), HumanMessage("Again.")]) == 0
