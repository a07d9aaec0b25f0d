"""Whatever a thread holds, the next request is one a strict provider takes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    convert_to_openai_messages,
)

from emulators.strict import history_violations, violations
from ml_intern.nodes.policies.history import (
    NO_RESULT,
    answer_so_far,
    intact,
    newest_reply,
    owes_reply,
    pending_calls,
    starts_turn,
    valid_history,
)
from ml_intern.nodes.policies.marks import marking


def call(call_id: str, name: str = "bash", **args: Any) -> ToolCall:
    return ToolCall(name=name, args=args, id=call_id, type="tool_call")


def ai(*ids: str, text: str = "") -> AIMessage:
    return AIMessage(text, tool_calls=[call(one) for one in ids])


def result(call_id: str, text: str = "ok") -> ToolMessage:
    return ToolMessage(text, tool_call_id=call_id, name="bash")


def nudge(text: str = "[Go on.]") -> HumanMessage:
    return HumanMessage(text, additional_kwargs=marking("nudge"))


def stall() -> HumanMessage:
    return HumanMessage("[It was cut.]", additional_kwargs=marking("stall"))


ids = st.sampled_from([f"c{number}" for number in range(8)])
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@st.composite
def histories(draw: st.DrawFn) -> list[AnyMessage]:
    """Messages of every kind in any order; call ids are never used again."""
    fresh: Iterator[str] = (f"c{number}" for number in count())
    message = st.one_of(
        texts.map(HumanMessage),
        texts.map(nudge),
        st.builds(lambda text, n: ai(*(next(fresh) for _ in range(n)), text=text),
                  texts, st.integers(0, 3)),
        st.builds(result, ids, texts),
    )  # fmt: skip
    return draw(st.lists(message, max_size=14))


@given(histories())
def test_any_history_becomes_valid(messages: list[AnyMessage]) -> None:
    history = [SystemMessage("Be brief."), *valid_history(messages), HumanMessage("And now?")]
    body = {"model": "m", "messages": convert_to_openai_messages(history)}
    assert violations(body) == []


@given(histories())
def test_making_valid_is_idempotent_and_changes_nothing_in_place(
    messages: list[AnyMessage],
) -> None:
    before = copy.deepcopy(messages)
    once = valid_history(messages)
    assert valid_history(once) == once
    assert messages == before


@given(histories())
def test_nothing_said_is_lost(messages: list[AnyMessage]) -> None:
    def said(history: Sequence[AnyMessage]) -> list[str]:
        spoken = [str(m.text) for m in history if not isinstance(m, ToolMessage)]
        return [text for text in spoken if text.strip()]

    assert said(valid_history(messages)) == said(messages)


@given(histories())
def test_a_stored_result_is_used_and_a_missing_one_is_said_to_be(
    messages: list[AnyMessage],
) -> None:
    first: dict[str, str] = {}
    for message in messages:
        if isinstance(message, ToolMessage):
            first.setdefault(message.tool_call_id, str(message.content))
    for message in valid_history(messages):
        if isinstance(message, ToolMessage):
            assert message.content == first.get(message.tool_call_id, NO_RESULT)


def test_w10_an_orphan_result_does_not_reach_the_provider() -> None:
    """W10: a result whose call is gone made every later request fail."""
    history = valid_history([result("gone"), HumanMessage("hi"), result("gone")])
    assert [m.type for m in history] == ["human"]


def test_a_result_far_from_its_call_moves_behind_it() -> None:
    called: list[AnyMessage] = [HumanMessage("hi"), ai("a", "b")]
    history = valid_history([*called, result("b", "2"), HumanMessage("x"), result("a", "1")])
    assert [m.type for m in history] == ["human", "ai", "tool", "tool", "human"]
    assert [m.content for m in history if m.type == "tool"] == ["1", "2"]
    assert history_violations(convert_to_openai_messages(history)) == []


PENDING: list[tuple[str, list[AnyMessage], list[str]]] = [
    ("nothing yet", [], []),
    ("no reply", [HumanMessage("hi")], []),
    ("an answer", [HumanMessage("hi"), AIMessage("yes")], []),
    ("open calls", [HumanMessage("hi"), ai("a", "b")], ["a", "b"]),
    ("one answered", [ai("a", "b"), result("a")], ["b"]),
    ("all answered", [ai("a", "b"), result("b"), result("a")], []),
    ("only the newest reply counts", [ai("a"), ai("b"), result("b")], []),
    ("a new message gives them up", [ai("a"), HumanMessage("stop")], []),
    ("a hint does not", [ai("a"), nudge()], ["a"]),
]


@pytest.mark.parametrize(
    ("messages", "wanted"), [p[1:] for p in PENDING], ids=[p[0] for p in PENDING]
)
def test_pending_calls(messages: list[AnyMessage], wanted: list[str]) -> None:
    assert [one["id"] for one in pending_calls(messages)] == wanted


@pytest.mark.parametrize(
    ("messages", "starts", "owes"),
    [
        ([], False, False),
        ([HumanMessage("hi")], True, True),
        ([HumanMessage("hi"), AIMessage("yes")], False, False),
        ([HumanMessage("hi"), ai("a"), result("a")], False, True),
        ([HumanMessage("hi"), nudge()], False, True),
    ],
)
def test_who_speaks_next(messages: list[AnyMessage], starts: bool, owes: bool) -> None:
    assert (starts_turn(messages, "earlier"), owes_reply(messages)) == (starts, owes)


@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        ([], None),
        ([AIMessage("old"), HumanMessage("hi")], None),
        ([HumanMessage("hi"), AIMessage("yes")], "yes"),
        ([HumanMessage("hi"), ai("a", text="looking"), result("a")], "looking"),
        ([HumanMessage("hi"), AIMessage("first"), nudge(), AIMessage("  ")], "first"),
        ([HumanMessage("hi"), AIMessage("first"), nudge(), AIMessage("second")], "second"),
        ([HumanMessage("hi"), AIMessage("The la"), stall(), AIMessage("tter.")], "The latter."),
        ([AIMessage("a"), stall(), AIMessage("b"), stall(), stall(), AIMessage("c")], "abc"),
        ([HumanMessage("hi"), ai("a", text="x"), result("a"), stall(), AIMessage("y")], "y"),
    ],
)
def test_the_answer_so_far_is_of_this_turn(messages: list[AnyMessage], answer: str | None) -> None:
    assert answer_so_far(messages) == answer


def test_the_newest_reply_is_empty_before_the_first() -> None:
    assert newest_reply([HumanMessage("hi")]).tool_calls == []
    assert newest_reply([ai("a"), ai("b"), result("b")]).tool_calls[0]["id"] == "b"


def test_a_message_that_compaction_made_the_newest_again_begins_nothing() -> None:
    message = HumanMessage("hi", id="m1")
    assert starts_turn([message], "")
    assert not starts_turn([message], "m1")
    assert starts_turn([message, HumanMessage("hi", id="m2")], "m1")


def test_a_shorter_history_is_intact_or_not() -> None:
    whole: list[AnyMessage] = [HumanMessage("hi"), ai("a"), result("a"), ai("b")]
    assert intact(whole, whole)
    assert intact([whole[0], ai("b")], whole)  # it had no result before, either
    assert not intact([whole[0], ai("a"), ai("b")], whole)
    assert not intact([whole[0], result("a"), ai("b")], whole)
    assert intact([], whole)
    odd: list[AnyMessage] = [result("x"), *whole]  # what stood alone before may go on doing so
    assert intact(odd, odd)
