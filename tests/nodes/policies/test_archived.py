"""Which archived messages belong to a history, and how both are put together again."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from ml_intern.nodes.policies.archived import (
    archived_batches,
    archived_marking,
    batch_of,
    newest_summary,
    ordered,
    originals,
)
from ml_intern.nodes.policies.marks import marking


def said(*ids: str) -> list[AnyMessage]:
    return [AIMessage(id_, id=id_) for id_ in ids]


def summary(*batches: str) -> AnyMessage:
    marks = {**marking("summary"), **archived_marking(batches)}
    return HumanMessage("In short: …", id="s", additional_kwargs=marks)


def pointer(id_: str, *batches: str) -> AnyMessage:
    marks = archived_marking(batches)
    return ToolMessage("[in a file]", tool_call_id=id_, id=id_, additional_kwargs=marks)


@pytest.mark.parametrize(
    ("messages", "batches"),
    [
        ([], []),
        (said("1", "2"), []),
        ([*said("1"), summary()], []),  # of an earlier version, or where there is no archive
        ([*said("1"), summary("a"), *said("2")], ["a"]),
        ([*said("1"), pointer("2", "a"), *said("3")], ["a"]),
        ([*said("1"), summary("a", "b"), pointer("2", "a")], ["a", "b"]),
    ],
)
def test_a_history_says_what_belongs_to_it(messages: list[AnyMessage], batches: list[str]) -> None:
    assert archived_batches(messages) == batches


@pytest.mark.parametrize("damage", [None, "a", {"a": 1}, 7])
def test_a_damaged_list_names_nothing(damage: object) -> None:
    assert (
        archived_batches([HumanMessage("x", additional_kwargs={"ml_intern_archived": damage})])
        == []
    )


@pytest.mark.parametrize(
    ("archived", "messages", "before", "after"),
    [
        ("", said("1", "2"), "", "12"),
        ("234", [*said("1"), summary("a"), *said("5", "6")], "1234", "56"),
        ("123", [summary("a"), *said("4")], "123", "4"),
        # Shortened, and still in its place.
        ("2", [*said("1"), pointer("2", "a"), *said("3")], "", "123"),
        ("2", [*said("1"), summary("a"), pointer("2"), *said("3")], "1", "23"),
        # Shortened in one compaction and taken out in the next, with its neighbours.
        ("24" "1234", [summary("a", "b"), *said("5")], "1234", "5"),
        # The first message is shortened again and again, and stays.
        ("1" "123", [*said("1"), summary("a", "b"), *said("4")], "123", "4"),
    ],
)  # fmt: skip
def test_a_conversation_is_put_in_order(
    archived: str, messages: list[AnyMessage], before: str, after: str
) -> None:
    order = ordered([*archived], messages)
    assert ("".join(order.before), "".join(order.after)) == (before, after)


def test_what_was_archived_first_was_whole() -> None:
    whole, short = ToolMessage("all of it", tool_call_id="1", id="1"), pointer("1")
    assert originals([whole, short], [short, *said("2")])["1"] is whole
    assert originals([], [short])["1"] is short


def test_a_batch_is_named_by_all_that_is_in_it() -> None:
    call = {"name": "write", "args": {"content": "whole"}, "id": "c"}
    batches: list[list[AnyMessage]] = [
        said("1", "2"), said("2"), said("12"), [pointer("2")],
        [AIMessage("", id="2", tool_calls=[call])],
        [AIMessage("", id="2", tool_calls=[{**call, "args": {"content": "…"}}])],
    ]  # fmt: skip
    assert len({batch_of(batch) for batch in batches}) == len(batches)
    assert batch_of(said("1", "2")) == batch_of(said("1", "2"))


def test_the_newest_summary_stands_for_all_before() -> None:
    newest = summary("a", "b")
    assert newest_summary([summary("a"), *said("1"), newest, *said("2")]) is newest
    assert newest_summary(said("1")) is None
