"""Types of columns in all the spellings there are."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.viewer_datasets import MESSAGE, STRING
from ml_intern.tools.dataset.conversation import Turn, broken
from ml_intern.tools.dataset.feature import features_of, observed, parsed
from ml_intern.tools.dataset.schema import inline, schema_lines

INT = {"dtype": "int32", "_type": "Value"}


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (STRING, "string"),
        ({"dtype": "timestamp[s]", "_type": "Value"}, "timestamp[s]"),
        ([MESSAGE], "list of {role: string, content: string}"),
        ({"feature": MESSAGE, "_type": "List"}, "list of {role: string, content: string}"),
        ({"feature": STRING, "_type": "LargeList"}, "list of string"),
        ({"feature": INT, "length": 3, "_type": "List"}, "list of length 3 of int32"),
        ({"feature": INT, "length": -1, "_type": "Sequence"}, "list of int32"),
        ({"feature": MESSAGE, "_type": "Sequence"},
         "{role: list of string, content: list of string}"),
        ({"feature": [MESSAGE], "_type": "Sequence"},
         "list of list of {role: string, content: string}"),
        ({"a": {"b": [INT]}}, "{a: {b: list of int32}}"),
        ({"_type": "ClassLabel", "names": ["neg", "pos"]}, "class label (0 neg, 1 pos)"),
        ({"_type": "ClassLabel", "num_classes": 5}, "class label (5 classes)"),
        ({"_type": "ClassLabel", "names": [str(n) for n in range(30)]},
         "class label (" + ", ".join(f"{n} {n}" for n in range(20)) + ", 10 more)"),
        ({"_type": "Image"}, "image"),
        ({"_type": "Audio", "sampling_rate": 16000}, "audio (16,000 Hz)"),
        ({"_type": "Video"}, "video"),
        ({"_type": "Pdf"}, "pdf"),
        ({"_type": "Translation", "languages": ["de", "en"]}, "translation (de, en)"),
        ({"_type": "TranslationVariableLanguages"}, "translation"),
        ({"_type": "Array2D", "shape": [3, 4], "dtype": "float32"},
         "array (float32 of shape [3, 4])"),
        ({"_type": {"dtype": "string", "_type": "Value"}}, "{_type: string}"),
        (None, "unknown"),
        (5, "unknown"),
        ([], "list of unknown"),
        ({"_type": "List"}, "list of unknown"),
        ({"_type": "Value"}, "unknown"),
        ({"_type": "Value", "dtype": "a\nb" * 999}, ("a" + " ba" * 999)[:100]),
    ],
)  # fmt: skip
def test_every_spelling_of_a_type(raw: Any, told: str) -> None:
    assert inline(parsed(raw)) == told


def test_a_type_without_end_ends() -> None:
    deep: Any = STRING
    for _ in range(5_000):
        deep = {"a": deep}
    assert inline(parsed(deep)).count("{") == 21


def test_wide_structs_have_a_line_for_each_field() -> None:
    inner = {f"field_{n}": STRING for n in range(12)}
    features = features_of({"id": INT, "steps": {"feature": {"x": inner}, "_type": "List"}})
    lines = schema_lines(features)
    assert lines[:4] == ["- id: int32", "- steps: list of struct", "  - x: struct",
                         "    - field_0: string"]  # fmt: skip
    assert len(lines) == 15


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([None, "a"], "string"),
        ([1, 2.5], "double"),
        ([1, "a"], "unknown"),
        ([True, None], "bool"),
        ([True, 1], "unknown"),
        ([[], [{"a": 1}], [{"b": "x"}]], "list of {a: int64, b: string}"),
        ([None], "unknown"),
    ],
)
def test_types_that_values_show(values: list[Any], told: str) -> None:
    assert inline(observed(values)) == told


def turns(roles: str) -> list[Turn]:
    names = {"s": "system", "d": "developer", "u": "user", "a": "assistant", "t": "tool",
             "c": "assistant", "x": "narrator"}  # fmt: skip
    return [Turn(names[r], "x", calls=r == "c") for r in roles]


@pytest.mark.parametrize("roles", ["", "ua", "uaua", "sua", "du", "uctcta", "ucttau", "a", "u"])
def test_orders_that_chat_templates_take(roles: str) -> None:
    assert not broken(turns(roles))


@pytest.mark.parametrize("roles", ["uu", "uaa", "au", "usa", "uat", "uca", "uxa", "ssua", "uctca"])
def test_orders_that_chat_templates_refuse(roles: str) -> None:
    assert broken(turns(roles))
