"""Text that every layer below can store."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern.configs.text import MAX_DEPTH, clean, clean_json, storable

texts = st.text(st.characters() | st.sampled_from("\0\ud800\udfff\ud83d\ude80"))
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=8
)


@given(texts)
def test_cleaned_text_is_storable_and_as_long(text: str) -> None:
    cleaned, replaced = clean(text)
    assert storable(cleaned)
    assert cleaned.encode().decode() == cleaned
    assert len(cleaned) == len(text)
    assert sum(a != b for a, b in zip(text, cleaned, strict=True)) == replaced
    assert storable(text) == (replaced == 0)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain ✓ 🚀\n\t\x1b", "plain ✓ 🚀\n\t\x1b"),
        ("a\0b", "a\ufffdb"),
        ("\ud83d|\ude80", "\ufffd|\ufffd"),
        ("", ""),
    ],
)
def test_only_what_cannot_be_stored_is_replaced(text: str, cleaned: str) -> None:
    assert clean(text)[0] == cleaned


@given(values)
def test_cleaned_json_is_storable(value: object) -> None:
    cleaned = clean_json(value)
    assert storable(json.dumps(cleaned, ensure_ascii=False))
    assert "\\u0000" not in json.dumps(cleaned).replace("\\\\", "")
    assert clean_json(cleaned) == cleaned


def test_cleaning_json_changes_strings_only_and_makes_a_copy() -> None:
    value = {"a\0": ["\ud83d", 1, None, True, 2.5, {"b": "ok"}]}
    assert clean_json(value) == {"a\ufffd": ["\ufffd", 1, None, True, 2.5, {"b": "ok"}]}
    assert value == {"a\0": ["\ud83d", 1, None, True, 2.5, {"b": "ok"}]}


def test_what_the_serializer_cannot_hold_becomes_the_nearest_it_can() -> None:
    numbers = clean_json([10**30, -(10**30), 2**64 - 1, -(2**63), True, float("inf"), float("nan")])
    assert numbers == [2**64 - 1, -(2**63), 2**64 - 1, -(2**63), True, None, None]


def test_what_is_nested_without_end_is_cut_and_said_to_be() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    cleaned = clean_json({"a": deep, "b": "ok"})
    assert cleaned["b"] == "ok"
    depth, item = 0, cleaned["a"]
    while isinstance(item, list):
        depth, (item,) = depth + 1, item
    assert (item, depth) == ("(nested too deeply)", MAX_DEPTH - 1)
