"""Datasets for the viewer to know, with the faults that real ones have."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from emulators.viewer import Dataset

STRING = {"dtype": "string", "_type": "Value"}
MESSAGE = {"role": STRING, "content": STRING}
MESSAGES = {"feature": MESSAGE, "_type": "List"}
LONG = "It depends on the learning rate. " * 400


def said(*texts: str, first: str = "user") -> list[dict[str, str]]:
    """Messages of user and assistant in turn."""
    roles = ["user", "assistant"] if first == "user" else ["assistant", "user"]
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]


def chat_row(number: int) -> dict[str, Any]:
    """A row of a mix of conversations; some have one fault or another."""
    system = [{"role": "system", "content": "You are terse."}] if number % 4 == 0 else []
    turns = said(*[f"Question {number}.{turn // 2} — why?" if turn % 2 == 0 else
                   f"Because of reason {number}.{turn // 2}: «ünïcode»." for turn in
                   range(2 + 2 * (number % 3))])  # fmt: skip
    faults = {
        7: said("Two questions"),
        11: [*said("a", "b"), *said("an answer again", first="assistant")],
        13: said("Nothing to say to this", ""),
        17: said("Explain training at length.", LONG),
        19: said("Question 18.0 — why?", "Because of reason 18.0: «ünïcode»."),
    }
    source = ["web", "books", "synthetic"][number % 3]
    return {"id": f"row-{number}", "messages": faults.get(number, [*system, *turns]),
            "source": source, "score": round(number / 10, 1) if number != 23 else None,
            "quality": number % 2}  # fmt: skip


def pair_row(number: int) -> dict[str, Any]:
    """A preference, of which a few are none."""
    question = f"What is {number} plus {number}?"
    chosen = said(question, f"It is {2 * number}.")
    return {"prompt": question, "chosen": chosen,
            "rejected": chosen if number % 30 == 3 else said(question, "I do not know."),
            "score_chosen": 9.0, "score_rejected": 2.5}  # fmt: skip


CHAT = Dataset(
    features={
        "id": STRING, "messages": MESSAGES, "source": STRING,
        "score": {"dtype": "float64", "_type": "Value"},
        "quality": {"names": ["low", "high"], "_type": "ClassLabel"},
    },
    splits={
        ("default", "train"): [chat_row(n) for n in range(430)],
        ("default", "test"): [chat_row(n) for n in range(1000, 1020)],
        ("long", "train"): [chat_row(n) for n in range(2000, 2030)],
    },
    statistics=[
        {"column_name": "messages", "column_type": "list", "column_statistics": {
            "nan_count": 0, "nan_proportion": 0.0, "min": 1, "max": 7, "mean": 4.2504,
            "median": 4.0, "std": 1.71}},
        {"column_name": "quality", "column_type": "class_label", "column_statistics": {
            "nan_count": 0, "nan_proportion": 0.0, "no_label_count": 0, "no_label_proportion": 0.0,
            "n_unique": 2, "frequencies": {"low": 215, "high": 215}}},
        {"column_name": "score", "column_type": "float", "column_statistics": {
            "nan_count": 1, "nan_proportion": 0.00233, "min": 0.0, "max": 42.9, "mean": 21.4956,
            "median": 21.5, "std": 12.43}},
        {"column_name": "source", "column_type": "string_label", "column_statistics": {
            "nan_count": 0, "nan_proportion": 0.0, "n_unique": 3,
            "frequencies": {"web": 144, "books": 143, "synthetic": 143}}},
    ],
)  # fmt: skip

PAIRS = Dataset(
    features={
        "prompt": STRING, "chosen": [MESSAGE], "rejected": [MESSAGE],
        "score_chosen": {"dtype": "float64", "_type": "Value"},
        "score_rejected": {"dtype": "float64", "_type": "Value"},
    },
    splits={("default", "train_prefs"): [pair_row(n) for n in range(90)]},
    statistics=[],
)  # fmt: skip


def parquet(rows: Sequence[Mapping[str, Any]], **options: Any) -> bytes:
    """A parquet file of these rows."""
    pyarrow: Any = importlib.import_module("pyarrow")
    writer: Any = importlib.import_module("pyarrow.parquet")
    table = pyarrow.Table.from_pylist([dict(row) for row in rows])
    file = io.BytesIO()
    writer.write_table(table, file, **options)
    return file.getvalue()


def jsonl(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A JSON lines file of these rows."""
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
