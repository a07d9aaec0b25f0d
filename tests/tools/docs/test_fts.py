"""Full-text search that no query can break."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_intern.tools.docs.fts import expression, humps, ranked

ROWS = [("SFT Trainer", "packing"), ("DPO", "training with preferences"), ("Other", "NEAR AND OR")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("trained", [1]),
        ("SFTTrainer", [0]),
        ("packing preferences", [0, 1]),
        ('"packing', [0]),
        ("packing*", [0]),
        ("NEAR(", [2]),
        ("AND", [2]),
        ("c0:packing", [0]),
        ("packing' OR 1=1 --", [0, 2]),
        ("-packing", [0]),
        ("{packing}^2", [0]),
        ("flamingo", []),
    ],
)
def test_words_are_found_and_operators_are_words(query: str, found: list[int]) -> None:
    assert sorted(ranked(ROWS, (2, 1), query)) == found


@pytest.mark.parametrize("query", ["", "  ", '"', "()", "* ^ :", "__", "\x00", "\ud800", "-.-"])
def test_a_query_without_a_word_finds_nothing(query: str) -> None:
    assert expression(query) == ""
    assert ranked(ROWS, (2, 1), query) == []


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_query_is_harmless(query: str) -> None:
    assert set(ranked(ROWS, (2, 1), query)) <= {0, 1, 2}


def test_the_better_column_counts_more() -> None:
    rows = [("other", "zebra"), ("zebra", "other"), ("other", "other")]
    assert ranked(rows, (5, 1), "zebra") == [1, 0]
    assert ranked(rows, (1, 5), "zebra") == [0, 1]


def test_odd_text_is_searched_all_the_same() -> None:
    assert ranked([("\ud800 zebra", "x")], (1, 1), "zebra") == [0]
    assert ranked([], (1,), "zebra") == []


def test_names_are_taken_apart() -> None:
    assert humps("SFTTrainer") == ["SFT", "Trainer"]
    assert humps("/api/repos/createRepo_v2") == ["api", "repos", "create", "Repo", "v2"]
