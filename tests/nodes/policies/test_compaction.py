"""A history that grew too long is cut where it stays whole, and what is left is small."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage

from ml_intern.nodes.policies.compaction import (
    LARGE,
    Room,
    clipped,
    cut,
    first_of,
    is_large,
    pointed,
    replacement,
    slimmed,
    tail_start,
    thinned,
    transcript,
)
from ml_intern.nodes.policies.history import pending_calls, valid_history
from ml_intern.nodes.policies.marks import mark_of, marking


def call(call_id: str, **args: Any) -> ToolCall:
    return ToolCall(name="bash", args=args, id=call_id, type="tool_call")


def step(name: str, results: int = 1, text: str = "") -> list[AnyMessage]:
    """A reply with calls, and their results."""
    ids = [f"{name}.{n}" for n in range(results)]
    reply = AIMessage(text or f"reply {name}", tool_calls=[call(one) for one in ids])
    return [reply, *(ToolMessage(f"result {one}", tool_call_id=one, name="bash") for one in ids)]


def turn(name: str, *results: int) -> list[AnyMessage]:
    steps = [m for n, count in enumerate(results) for m in step(f"{name}{n}", count)]
    return [HumanMessage(f"task {name}"), *steps]


turns = st.lists(st.lists(st.integers(0, 4), max_size=5), min_size=1, max_size=4)


@given(turns, st.data())
def test_the_cut_never_separates_a_call_from_its_results(
    shape: list[list[int]], data: st.DataObject
) -> None:
    messages = [m for n, results in enumerate(shape) for m in turn(f"t{n}.", *results)]
    sizes = data.draw(st.lists(st.integers(1, 50), min_size=len(messages), max_size=len(messages)))
    budget = data.draw(st.integers(0, 400))
    start = tail_start(messages, sizes, budget)
    tail = messages[start:]
    assert 1 <= start <= len(messages)
    assert tail == valid_history(tail)
    assert pending_calls(tail) == pending_calls(messages)
    exchanges = sum(not isinstance(m, ToolMessage) for m in tail)
    assert sum(sizes[start:]) <= budget or exchanges == 1


@given(turns, st.integers(0, 30))
def test_the_tail_is_as_long_as_the_budget_allows(shape: list[list[int]], budget: int) -> None:
    messages = [m for n, results in enumerate(shape) for m in turn(f"t{n}.", *results)]
    start = tail_start(messages, [1] * len(messages), budget)
    earlier = [i for i in range(1, start) if not isinstance(messages[i], ToolMessage)]
    assert all(len(messages) - i > budget for i in earlier)


def test_w2_a_run_with_one_user_message_can_be_cut() -> None:
    """W2: only user messages were boundaries, so a run with one prompt could never be compacted."""
    messages = turn("a", *[1] * 20)
    start = tail_start(messages, [10] * len(messages), 100)
    assert start == len(messages) - 10
    assert isinstance(messages[start], AIMessage)


def test_the_newest_exchange_is_kept_though_it_is_too_long() -> None:
    messages = turn("a", 1, 3)
    assert messages[tail_start(messages, [1, 1, 1, 9, 9, 9, 9], 5) :] == messages[3:]


@pytest.mark.parametrize("messages", [[], [HumanMessage("hi")]])
def test_a_history_without_a_past_has_no_tail(messages: list[AnyMessage]) -> None:
    assert tail_start(messages, [10**6] * len(messages), 100) == len(messages)


def count(text: str) -> int:
    return len(text)


@given(turns, st.integers(40, 3000))
def test_the_transcript_fits_the_budget(shape: list[list[int]], budget: int) -> None:
    messages = [m for n, results in enumerate(shape) for m in turn(f"t{n}.", *results)]
    assert len(transcript(messages, budget, count)) <= budget


def test_the_transcript_fits_where_a_character_is_several_tokens() -> None:
    messages: list[AnyMessage] = [HumanMessage("\U000e0041" * 5000) for _ in range(50)]
    assert 300 <= 3 * len(transcript(messages, 900, lambda text: 3 * len(text))) <= 900


def test_the_transcript_says_who_said_what() -> None:
    hint = HumanMessage("[Go on.]", additional_kwargs=marking("nudge"))
    asked = AIMessage("Looking.", tool_calls=[call("a", command="ls")])
    found = ToolMessage("x.py", tool_call_id="a", name="bash")
    text = transcript([HumanMessage("List."), asked, found, hint], 1000, count)
    lines = [line for line in text.splitlines() if line]
    assert lines == [
        "USER: List.",
        "ASSISTANT: Looking.",
        'CALL bash {"command": "ls"}',
        "RESULT of bash: x.py",
        "SYSTEM: [Go on.]",
    ]


def test_long_messages_of_the_transcript_keep_their_ends() -> None:
    messages = [HumanMessage("HEAD" + "x" * 100_000 + "TAIL"), *step("a")]
    text = transcript(messages, 2500, count)
    assert "HEAD" in text
    assert "TAIL" in text
    assert "result a.0" in text
    assert "characters left out" in text


def test_an_earlier_summary_stays_whole_in_the_transcript() -> None:
    old = HumanMessage("S" * 600, additional_kwargs=marking("summary"))
    many = [m for n in range(50) for m in step(f"s{n}")]
    text = transcript([HumanMessage("task"), old, *many], 2400, count)
    assert "S" * 600 in text
    assert "reply s49" in text


def spilled(message: AnyMessage) -> str:
    return f"/spill/{message.id}.txt"


def large(name: str, size: int = 5000) -> list[AnyMessage]:
    reply, result = step(name)
    return [reply, result.model_copy(update={"content": f"BEGIN{'x' * size}END", "id": name})]


def test_large_outputs_become_pointers_to_their_files() -> None:
    messages = [HumanMessage("task"), *large("a"), *step("b"), *large("c")]
    new = pointed(messages, spilled, 5)
    assert "/spill/a.txt" in str(new[2].content)
    assert "5,008 characters" in str(new[2].content)
    assert str(new[2].content).startswith("BEGIN")
    assert str(new[2].content).endswith("END")
    assert len(str(new[2].content)) < LARGE
    assert new[3:] == messages[3:]
    assert [m.id for m in new] == [m.id for m in messages]
    assert pointed(new, spilled, 5) == new


def test_thinning_takes_the_oldest_output_first() -> None:
    messages = [HumanMessage("task"), *large("a"), *large("b")]
    versions = list(thinned(messages, spilled))
    assert [[is_large(m) for m in v if m.type == "tool"] for v in versions] == [
        [False, True],
        [False, False],
    ]
    assert list(thinned([HumanMessage("x" * 9999), *step("a")], spilled)) == []


@given(turns)
def test_the_hard_cut_ends_small_and_whole(shape: list[list[int]]) -> None:
    """A giant result in the newest exchange must not make compaction fail for ever."""
    messages = [m for n, results in enumerate(shape) for m in turn(f"t{n}.", *results)]
    giant = [*messages, *step("g", 2, text="t" * 50_000)]
    giant[-1] = giant[-1].model_copy(update={"content": "r" * 500_000})
    versions = list(cut(giant))
    for version in versions:
        assert version == valid_history(version)
        assert version[0].content == messages[0].content
        assert [m.type for m in version[-3:]] == ["ai", "tool", "tool"]
    assert all(len(str(m.content)) < 150 for m in versions[-1])
    assert len(versions[-1]) <= 2 + 3


def test_what_the_user_sent_is_cut_no_further_than_needed() -> None:
    """The first version had 4,000 characters of a text that nearly fitted."""
    versions = list(cut([HumanMessage("Hello."), HumanMessage("x" * 100_000)]))
    sizes = [len(str(version[-1].text)) for version in versions]
    assert 70_000 < sizes[0] < 80_000
    assert sizes[:10] == sorted(sizes[:10], reverse=True)
    assert min(sizes) < 100


def test_a_summary_is_cut_last_and_least() -> None:
    summary = replacement("s" * 50_000, {})
    *_, last = cut([HumanMessage("task"), summary, *step("a")])
    assert 4000 <= len(str(last[1].content)) < 4100


def test_a_file_that_was_written_does_not_fill_the_new_history() -> None:
    args = {"path": "a.py", "edits": [{"new": "x" * 500_000}, 7]}
    reply = AIMessage("", tool_calls=[call("a", **args)])
    messages: list[AnyMessage] = [
        HumanMessage("a"),
        reply,
        ToolMessage("ok", tool_call_id="a", name="bash"),
    ]
    *_, last = cut(messages)
    new = next(m for m in last if isinstance(m, AIMessage))
    kept = new.tool_calls[0]["args"]
    assert (kept["path"], kept["edits"][1], new.tool_calls[0]["id"]) == ("a.py", 7, "a")
    assert len(kept["edits"][0]["new"]) < 150
    assert reply.tool_calls[0]["args"] == args


def test_w11_our_own_words_are_never_taken_for_the_first_message() -> None:
    """W11: guard texts were indistinguishable from the user's and became boundaries."""
    old = replacement("Earlier.", {})
    messages = [old, *turn("a", 1)]
    assert first_of(messages) is messages[1]
    assert first_of([old]) is None
    assert mark_of(old) == "summary"


def test_a_long_first_message_keeps_its_id() -> None:
    """The turn it began goes on."""
    message = HumanMessage("x" * 50_000, id="m1")
    short = clipped(message, 1000, count)
    assert (short.id, message.content) == ("m1", "x" * 50_000)
    assert len(str(short.content)) <= 1000
    assert clipped(message, 10**6, count) == message


def test_what_counted_the_old_history_goes() -> None:
    """Signed thinking is only valid behind the very messages it was made after."""
    kept = {"reasoning_content": "Hm."}
    signed = {"thinking_blocks": [{"type": "thinking"}], "reasoning_items": [{"id": "rs_1"}]}
    reply = AIMessage(
        "Yes.",
        additional_kwargs={**kept, **signed},
        usage_metadata={"input_tokens": 9, "output_tokens": 1, "total_tokens": 10},
    )
    new = slimmed(reply)
    assert isinstance(new, AIMessage)
    assert new.usage_metadata is None
    assert new.additional_kwargs == kept
    assert reply.usage_metadata is not None
    assert reply.additional_kwargs == {**kept, **signed}
    assert slimmed(HumanMessage("hi")) == HumanMessage("hi")


def test_the_room_is_what_the_fixed_part_leaves() -> None:
    room = Room(window=10_000, limit=9000, fixed=2000)
    assert (room.free, room.target) == (7000, 2000 + 4900)
    assert Room(window=1000, limit=900, fixed=2000).target == 2000
