"""`recall`: what the model sees of a conversation that is no longer in its context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from ml_intern.tools.errors import ToolError
from ml_intern.tools.history import History, Passage
from ml_intern.tools.recall import LIMIT, PAGE, RECALL, RecallArgs, excerpt, words_of
from ml_intern.tools.spec import ToolContext


class Told:
    """A conversation in memory."""

    def __init__(self, *texts: str, archived: int, who: str = "you") -> None:
        self.archived, self.total = archived, len(texts)
        self.passages = [
            Passage(number=n, who=who, text=text, in_view=n > archived)
            for n, text in enumerate(texts, 1)
        ]

    async def search(self, words: Sequence[str], limit: int) -> Sequence[Passage]:
        scored = [
            replace(p, matched=sum(w.casefold() in p.text.casefold() for w in words))
            for p in self.passages
        ]
        hits = [p for p in scored if p.matched]
        return sorted(hits, key=lambda p: (-p.matched, p.in_view, -p.number))[:limit]

    async def read(self, first: int, last: int) -> Sequence[Passage]:
        return self.passages[max(0, first - 1) : max(0, last)]

    async def requests(self) -> Sequence[Passage]:
        return [p for p in self.passages if p.who == "user"]


async def recall(ctx: ToolContext, history: History | None, **args: Any) -> str:
    async def given() -> History | None:
        return history

    result = await RECALL.handler(RecallArgs(**args), replace(ctx, history=given))
    assert result.ok
    assert not result.update
    return result.text


async def test_where_nothing_is_archived_it_says_so(ctx: ToolContext) -> None:
    for args in ({}, {"query": "x"}, {"around": 3}):
        assert "Nothing of this conversation is archived" in await recall(ctx, None, **args)
    result = await RECALL.handler(RecallArgs(query="x"), ctx)  # as under LangGraph's server
    assert "Nothing of this conversation is archived" in result.text


async def test_hits_are_shown_with_number_source_and_excerpt(ctx: ToolContext) -> None:
    history = Told("the loss was 0.5", "other", "loss 0.4 after warmup", "loss 0.3", archived=3)
    shown = await recall(ctx, history, query="LOSS")
    places = [shown.index(part) for part in (
        'Messages with "LOSS", the newest first:', "#3 you: loss 0.4", "#1 you: the loss was 0.5",
        "#4 you (still in your context): loss 0.3", "recall(around=3)",
    )]  # fmt: skip
    assert places == sorted(places)
    assert "#2" not in shown


async def test_all_words_must_occur_where_any_message_has_all(ctx: ToolContext) -> None:
    history = Told("loss 0.5", "loss with warmup", archived=2)
    shown = await recall(ctx, history, query="warmup loss")
    assert 'Messages with "warmup" and "loss"' in shown
    assert "#2" in shown
    assert "#1" not in shown


async def test_where_none_has_all_the_best_are_shown_and_said_to_be_that(ctx: ToolContext) -> None:
    history = Told("loss 0.5", "loss with warmup", "nothing", archived=3)
    shown = await recall(ctx, history, query="warmup loss cosine")
    assert "No message has all of" in shown
    assert "2 of 3 at best" in shown
    assert shown.index("#2") < shown.index("#1")
    assert "#3" not in shown


async def test_what_is_not_there_is_said_not_to_be(ctx: ToolContext) -> None:
    shown = await recall(ctx, Told("a", "b", archived=2), query='cosine "two words"')
    assert 'None of the 2 messages has "cosine" or "two words"' in shown


async def test_no_more_than_ten_are_shown_and_more_are_named(ctx: ToolContext) -> None:
    shown = await recall(ctx, Told(*["loss"] * 11, archived=11), query="loss")
    assert shown.count("#") == LIMIT
    assert "More messages match" in shown
    assert "More messages" not in await recall(ctx, Told(*["loss"] * 10, archived=9), query="loss")


async def test_a_message_is_read_whole_with_its_neighbours(ctx: ToolContext) -> None:
    texts = [f"message {n}\n" + "x" * 500 for n in range(1, 8)]
    shown = await recall(ctx, Told(*texts, archived=7), around=4)
    assert texts[3] in shown
    assert [n for n in range(1, 8) if f"#{n} you" in shown] == [2, 3, 4, 5, 6]
    assert texts[2] not in shown
    assert "#1 you" in await recall(ctx, Told(*texts, archived=7), around=1, query="not used")
    assert 'Messages with "message 2"' in await recall(
        ctx, Told(*texts, archived=7), around=0, query='"message 2"'
    )


async def test_a_long_message_is_read_page_by_page(ctx: ToolContext) -> None:
    text = "".join(f"{n:09}\n" for n in range(4000))
    history, read, offset = Told("before", text, archived=1), "", 0
    while True:
        shown = await recall(ctx, history, around=2, offset=offset)
        assert len(shown) < RECALL.output_cap
        read += shown.split(":\n", 1)[1].rpartition("\n---")[0].split("\n[")[0]
        offset += PAGE
        if f"recall(around=2, offset={offset})" not in shown:
            break
    assert read == text
    with pytest.raises(ToolError, match="40,000 characters"):
        await recall(ctx, history, around=2, offset=40_000)


@pytest.mark.parametrize("number", [-3, 3, 10**9])
async def test_a_number_that_is_none_is_refused_with_those_there_are(
    ctx: ToolContext, number: int
) -> None:
    with pytest.raises(ToolError, match=f"no message {number}; .* 1 to 2"):
        await recall(ctx, Told("a", "b", archived=2), around=number)


async def test_without_a_query_it_says_what_there_is(ctx: ToolContext) -> None:
    texts = [f"do {n} {'and more ' * 50}\nsecond line" for n in range(60)]
    shown = await recall(ctx, Told(*texts, archived=58, who="user"), query="  ")
    assert shown.startswith("60 messages; 58 of them are no longer in your context, or not whole.")
    assert "(10 earlier ones)" in shown
    assert "#11 do 10 and" in shown
    assert "#60 do 59" in shown
    assert "second line" not in shown
    assert len(shown) < RECALL.output_cap


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("learning rate", ["learning", "rate"]),
        ('"learning  rate" warmup', ["learning rate", "warmup"]),
        ("what was the rate?", ["what", "was", "the", "rate"]),
        ("train.py, (eval.py)", ["train.py", "eval.py"]),
        ('an "open quote', ["an", "open", "quote"]),
        ("loss loss", ["loss"]),
        ("???", ["???"]),
        ('"" " "', ['""']),
        ("", []),
        (" \n", []),
    ],
)
def test_a_query_is_words_and_phrases(query: str, words: list[str]) -> None:
    assert words_of(query)[: len(words)] == words


def test_a_query_has_its_limits() -> None:
    assert len(words_of(" ".join(map(str, range(100))))) == 20
    for wrong in ({"query": "x" * 1001}, {"offset": -1}, {"number": 3}):
        with pytest.raises(ValidationError):
            RecallArgs.model_validate(wrong)


def test_an_excerpt_is_where_most_of_the_words_are() -> None:
    text = "loss here. " + "x " * 500 + "Loss and warmup\n\there. " + "y " * 500
    shown = excerpt(text, ["loss", "warmup"])
    assert "Loss and warmup here." in shown
    assert shown[0] == shown[-1] == "…"
    assert len(shown) <= 302
    assert excerpt("short", ["gone"]) == "short"
    assert excerpt("", ["gone"]) == ""
