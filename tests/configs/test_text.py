"""Text that every layer below can store."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern.configs.text import clean, clean_json, storable

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
