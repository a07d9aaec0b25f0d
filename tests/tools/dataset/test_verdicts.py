"""Which training a dataset fits, on the shapes that datasets have in real life."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pytest

from emulators.viewer_datasets import MESSAGES, STRING, said
from ml_intern.tools.dataset.feature import features_of
from ml_intern.tools.dataset.harm import harms
from ml_intern.tools.dataset.preference import dpo, kto
from ml_intern.tools.dataset.prompts import grpo
from ml_intern.tools.dataset.sample import Row, Sample
from ml_intern.tools.dataset.shape import Verdict, shape_of
from ml_intern.tools.dataset.supervised import sft

Cells = Mapping[str, Any]
TESTS = {"SFT": sft, "DPO": dpo, "KTO": kto, "GRPO": grpo}

SHAREGPT = [{"from": "system", "value": "s"}, {"from": "human", "value": "q"},
            {"from": "gpt", "value": "a"}]  # fmt: skip
TALK = said("q", "a")
WHOLE = {"chosen": said("q", "good"), "rejected": said("q", "bad")}
ANSWERS = {"chosen": [{"role": "assistant", "content": "good"}],
           "rejected": [{"role": "assistant", "content": "bad"}]}  # fmt: skip


def sample(*rows: Cells, features: Any = None) -> Sample:
    return Sample(rows=[Row(n, row) for n, row in enumerate(rows)], features=features_of(features))


def verdicts(found: Sample) -> dict[str, Verdict]:
    shape = shape_of(found)
    return {method: test(shape) for method, test in TESTS.items()}


REAL: dict[str, tuple[Cells, str]] = {
    "ultrachat": ({"prompt": "q", "prompt_id": "1", "messages": TALK}, "m--y"),
    "no_robots": ({"prompt": "q", "messages": TALK, "category": "x"}, "m--y"),
    "openhermes": ({"conversations": SHAREGPT, "source": "x"}, "m--m"),
    "alpaca": ({"instruction": "i", "input": "", "output": "o"}, "m--m"),
    "dolly": ({"instruction": "i", "context": "c", "response": "r", "category": "x"}, "m--m"),
    "gsm8k": ({"question": "q", "answer": "#### 1"}, "m--m"),
    "openr1": ({"problem": "p", "solution": "s", "answer": "1", "messages": TALK}, "y--m"),
    "dapo": ({"prompt": TALK[:1], "reward_model": {"ground_truth": "1"}}, "---y"),
    "tldr": ({"prompt": "q", "completion": "a"}, "y--y"),
    "orca pairs": ({"system": "s", "question": "q", "chosen": "a", "rejected": "b"}, "mmmm"),
    "hh-rlhf": ({"chosen": "Human: q\n\nAI: a", "rejected": "Human: q\n\nAI: b"}, "mymm"),
    "ultrafeedback": ({"prompt": "q", "prompt_id": "1", **WHOLE, "messages": TALK}, "mmmy"),
    "explicit text": ({"prompt": "q", "chosen": "a", "rejected": "b"}, "mymy"),
    "explicit chats": ({"prompt": TALK[:1], **ANSWERS}, "mymy"),
    "implicit chats": (WHOLE, "mymm"),
    "kto mix": ({"prompt": TALK[:1], "completion": TALK[1:], "label": True}, "y-yy"),
    "math labelled": ({"problem": "p", "solution": "s", "is_correct": False}, "m-mm"),
    "safe rlhf": ({"prompt": "q", "response_0": "a", "response_1": "b", "better_response_id": 1},
                  "-mmy"),
    "llamafactory pairs": ({"conversations": SHAREGPT[:2], "chosen": SHAREGPT[2],
                            "rejected": {"from": "gpt", "value": "b"}}, "mmmm"),
    "fineweb": ({"text": "t", "url": "u"}, "y---"),
    "imdb": ({"text": "t", "label": 1}, "y---"),
    "wikipedia dump": ({"id": "1", "url": "u", "title": "t", "content": "c"}, "m---"),
    "json in text": ({"conversation": json.dumps(SHAREGPT)}, "m--m"),
    "struct of lists": ({"messages": {"from": ["human", "gpt"], "value": ["q", "a"]}}, "m--m"),
    "squad": ({"id": "1", "title": "t", "context": "c", "question": "q",
               "answers": {"text": ["a"], "answer_start": [1]}}, "---m"),
    "boolq": ({"question": "q", "answer": True, "passage": "p"}, "m--m"),
    "cosmopedia": ({"prompt": "q", "text": "t"}, "m--y"),
    "tldr with a text": ({"prompt": "q", "completion": "a", "text": "qa"}, "m--y"),
    "tokens": ({"input_ids": [1, 2], "attention_mask": [1, 1]}, "y---"),
    "tokens beside text": ({"input_ids": [1, 2], "text": "t"}, "m---"),
    "system prompt beside messages": ({"system": "s", "messages": TALK}, "m--m"),
    "only system prompts": ({"messages": [{"role": "system", "content": "s"}]}, "---m"),
    "pairs beside messages": ({"prompt": "q", "chosen": "a", "rejected": "b", "messages": TALK},
                              "mmmy"),
    "pairs without a prompt": ({"chosen": "a", "rejected": "b"}, "m---"),
    "ultrainteract": ({"trajectory": SHAREGPT[:2], "chosen": "a", "rejected": "b"}, "mmmm"),
    "numbers for labels": ({"prompt": "q", "completion": "a", "label": 1}, "y--y"),
    "pictures with messages": ({"image": "i", "conversations": SHAREGPT}, "m--m"),
    "pictures": ({"image": {"bytes": b"", "path": "a.png"}, "label": 1}, "----"),
    "numbers": ({"a": 1.5, "b": 2}, "----"),
}  # fmt: skip
"""A row, and for SFT, DPO, KTO and GRPO: fits (y), after mapping (m), or not (-)."""


@dataclass
class Table:
    """As much of `datasets.Dataset` as the code of a verdict uses."""

    rows: list[dict[str, Any]]

    @property
    def column_names(self) -> list[str]:
        return list(self.rows[0])

    def map(self, work: Callable[[Cells], Cells], remove_columns: Sequence[str] = ()) -> Self:
        kept = [{k: v for k, v in row.items() if k not in remove_columns} for row in self.rows]
        new = [{**old, **work(row)} for old, row in zip(kept, self.rows, strict=True)]
        return type(self)(new)

    def rename_column(self, old: str, new: str) -> Self:
        return type(self)([{new if k == old else k: v for k, v in r.items()} for r in self.rows])

    def remove_columns(self, names: Sequence[str]) -> Self:
        assert set(names) <= set(self.column_names)
        return type(self)([{k: v for k, v in r.items() if k not in names} for r in self.rows])

    def select_columns(self, names: Sequence[str]) -> Self:
        return type(self)([{name: row[name] for name in names} for row in self.rows])


class Trl:
    """What the code takes from trl."""

    @staticmethod
    def extract_prompt(row: Cells) -> Cells:
        good, bad = row["chosen"], row["rejected"]
        same = next((n for n, (g, b) in enumerate(zip(good, bad, strict=False)) if g != b), 0)
        assert same, "nothing in common"
        return {"prompt": good[:same], "chosen": good[same:], "rejected": bad[same:]}

    @staticmethod
    def unpair_preference_dataset(table: Table) -> Table:
        assert set(table.column_names) == {"prompt", "chosen", "rejected"}
        return Table([{"prompt": row["prompt"], "completion": row[name], "label": name == "chosen"}
                      for row in table.rows for name in ("chosen", "rejected")])  # fmt: skip


def run(code: str, table: Table, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setitem(sys.modules, "trl", Trl)
    names: dict[str, Any] = {"ds": table}
    exec(code, names)
    result = names["ds"]
    assert isinstance(result, Table)
    return result


@pytest.mark.parametrize("name", REAL)
def test_real_shapes_are_told_apart(name: str) -> None:
    row, expected = REAL[name]
    marks = {"as is": "y", "after mapping": "m", "no": "-"}
    assert "".join(marks[v.fits] for v in verdicts(sample(row)).values()) == expected


@pytest.mark.parametrize("name", REAL)
def test_the_code_given_makes_the_data_fit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row, _ = REAL[name]
    found = verdicts(sample(row))
    for method, verdict in found.items():
        assert bool(verdict.code) == (verdict.fits == "after mapping")
        if verdict.fits == "no":
            continue
        table = Table([dict(row)])
        if method == "KTO" and "unpair" in verdict.code and found["DPO"].code:
            table = run(found["DPO"].code, table, monkeypatch)
        table = run(verdict.code, table, monkeypatch)
        again = verdicts(sample(*table.rows))[method]
        assert again.fits == "as is", (method, verdict.code, table.rows)


def test_alpaca_joins_instruction_and_input(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"instruction": "Add.", "input": "1 2", "output": "3"},
            {"instruction": "Sing.", "input": "", "output": "La."}]  # fmt: skip
    code = verdicts(sample(*rows))["SFT"].code
    first, second = run(code, Table(rows), monkeypatch).rows
    assert first["prompt"] == [{"role": "user", "content": "Add.\n\n1 2"}]
    assert second["prompt"] == [{"role": "user", "content": "Sing."}]
    assert second["completion"] == [{"role": "assistant", "content": "La."}]


def test_a_system_prompt_beside_the_question_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"system": s, "question": "q", "chosen": "a", "rejected": "b"} for s in ("Be.", "")]
    first, second = run(verdicts(sample(*rows))["DPO"].code, Table(rows), monkeypatch).rows
    assert [m["role"] for m in first["prompt"]] == ["system", "user"]
    assert [m["role"] for m in second["prompt"]] == ["user"]


def test_the_better_response_becomes_the_chosen_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"prompt": "q", "response_0": "a", "response_1": "b", "better_response_id": n}
            for n in (0, 1)]  # fmt: skip
    table = run(verdicts(sample(*rows))["DPO"].code, Table(rows), monkeypatch)
    assert [row["chosen"][0]["content"] for row in table.rows] == ["a", "b"]
    assert [row["rejected"][0]["content"] for row in table.rows] == ["b", "a"]


def test_what_is_declared_decides_where_the_sample_is_empty() -> None:
    declared = {"messages": MESSAGES, "label": {"dtype": "bool", "_type": "Value"}}
    assert verdicts(sample(features=declared))["SFT"].fits == "as is"
    pairs = {"prompt": STRING, "completion": STRING, "label": {"dtype": "bool", "_type": "Value"}}
    assert verdicts(sample(features=pairs))["KTO"].fits == "as is"


CALL = [{"function": {"name": "f", "arguments": {"x": 1}}}]
CALLING = [{"role": "human", "content": "q"},
           {"role": "assistant", "content": None, "tool_calls": CALL},
           {"role": "function", "content": "r", "name": "f"},
           {"role": "assistant", "content": "a"}]  # fmt: skip


@pytest.mark.parametrize("form", [CALLING, json.dumps(CALLING)])
def test_calls_and_tools_and_pictures_outlive_the_mapping(
    form: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"conversations": form, "tools": "[]", "images": ["i"], "source": "x"}]
    [row] = run(verdicts(sample(*rows))["SFT"].code, Table(rows), monkeypatch).rows
    assert set(row) == {"messages", "tools", "images"}
    assert [m["role"] for m in row["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert row["messages"][1]["tool_calls"] == CALL
    assert row["messages"][2]["name"] == "f"


@pytest.mark.parametrize("name", ["messages", "conversations"])
def test_a_system_prompt_beside_conversations_begins_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"system": s, name: said("q", "a")} for s in ("Be.", "")]
    table = run(verdicts(sample(*rows))["SFT"].code, Table(rows), monkeypatch)
    talks = [[m["content"] for m in row["messages"]] for row in table.rows]
    assert talks == [["Be.", "q", "a"], ["q", "a"]]
    inside = [{"system": "Be.", name: [{"role": "system", "content": "Be."}, *TALK]}]
    code = verdicts(sample(*inside))["SFT"].code
    assert "system" not in code.replace("system_prompt", "")


def test_columns_that_the_trainer_takes_for_its_own_are_removed() -> None:
    verdict = verdicts(sample({"prompt": "q", "messages": TALK, "tools": "[]"}))["SFT"]
    assert verdict.code == "ds = ds.remove_columns(['prompt'])"
    verdict = verdicts(sample({"prompt": "q", "conversations": TALK}))["SFT"]
    assert verdict.code.startswith("ds = ds.remove_columns(['prompt'])\n")


def test_prompts_for_rewards_end_where_the_answer_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"conversations": SHAREGPT[:2], "chosen": SHAREGPT[2], "rejected": SHAREGPT[2]}]
    [row] = run(verdicts(sample(*rows))["GRPO"].code, Table(rows), monkeypatch).rows
    assert [m["role"] for m in row["prompt"]] == ["system", "user"]
    pairs = [{"trajectory": SHAREGPT[:2], "chosen": "a", "rejected": "b"}]
    [row] = run(verdicts(sample(*pairs))["GRPO"].code, Table(pairs), monkeypatch).rows
    assert [m["role"] for m in row["prompt"]] == ["system", "user"]


def test_a_prompt_that_the_answers_repeat_is_trained_on_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [{"prompt": "Q: x A:", "chosen": "Q: x A: y", "rejected": "Q: x A: z"}]
    table = run(verdicts(sample(*rows))["SFT"].code, Table(rows), monkeypatch)
    assert table.rows == [{"text": "Q: x A: y"}]


def test_numbers_that_are_0_or_1_are_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"prompt": "q", "completion": "a", "label": n} for n in (0, 1)]
    verdict = verdicts(sample(*rows))["KTO"]
    assert "check that `1` is good" in verdict.why
    table = run(verdict.code, Table(rows), monkeypatch)
    assert [row["label"] for row in table.rows] == [False, True]
    rows.append({"prompt": "q", "completion": "a", "label": 2})
    assert verdicts(sample(*rows))["KTO"].fits == "no"


def test_names_outside_the_basic_plane_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"\N{ROBOT FACE}": SHAREGPT}]
    table = run(verdicts(sample(*rows))["SFT"].code, Table(rows), monkeypatch)
    assert len(table.rows[0]["messages"]) == 3


def test_a_label_with_more_than_two_classes_is_no_good_or_bad() -> None:
    label = {"_type": "ClassLabel", "names": ["a", "b", "c"]}
    found = sample(features={"prompt": STRING, "completion": STRING, "label": label})
    assert verdicts(found)["KTO"].fits == "no"
    label["names"] = ["bad", "good"]
    found = sample(features={"prompt": STRING, "completion": STRING, "label": label})
    assert "check that `good`" in verdicts(found)["KTO"].why


def test_names_count_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"Question": "q", "Response": "r"}]
    assert run(verdicts(sample(*rows))["SFT"].code, Table(rows), monkeypatch).rows == [
        {"prompt": [{"role": "user", "content": "q"}],
         "completion": [{"role": "assistant", "content": "r"}]}
    ]  # fmt: skip


def test_a_column_name_with_quotes_stays_a_text_in_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = 'x"] or exit() or row["x'
    rows = [{name: SHAREGPT}]
    table = run(verdicts(sample(*rows))["SFT"].code, Table(rows), monkeypatch)
    assert [m["role"] for m in table.rows[0]["messages"]] == ["system", "user", "assistant"]


def told(*rows: Cells) -> list[str]:
    shape = shape_of(sample(*rows))
    return harms(shape, [test(shape) for test in TESTS.values()])


MISSING = "is missing or empty: leave such rows out, a trainer may stop at one"


def test_what_harms_is_counted() -> None:
    good = {"messages": said("q1", "a1")}
    assert told(good) == []
    rows: list[Cells] = [
            good, {"messages": said("Q1 ", "a1")}, {"messages": None}, {"messages": []},
            {"messages": said("q", " ")}, {"messages": said("q")},
            {"messages": [*said("q", "a"), *said("a", first="assistant")]},
            {"messages": said("q", "a" * 80_000)}]  # fmt: skip
    assert told(*rows) == [
        f"2 of 8 (25.0%): `messages` {MISSING}",
        "1 of 6 (16.7%): `messages` has roles out of turn, which chat templates may refuse",
        "1 of 6 (16.7%): `messages` has a turn without content",
        "1 of 6 (16.7%): `messages` does not end with the assistant's turn",
        "2 of 6 (33.3%): the same text as an earlier row of the sample",
        "1 / 1 / 0 of 8: longer than 2,048 / 8,192 / 32,768 tokens (characters/4)",
    ]


def test_pairs_without_a_difference_are_counted() -> None:
    rows = [{"prompt": "p", "chosen": "a", "rejected": b} for b in ("a", "b", "")]
    assert told(*rows)[:2] == [
        f"1 of 3 (33.3%): `rejected` {MISSING}",
        "1 of 3 (33.3%): `chosen` and `rejected` are the same",
    ]


def test_what_the_viewer_cut_is_not_counted() -> None:
    cut = Row(1, {"messages": '[{"role": "us'}, frozenset({"messages"}))
    found = Sample(rows=[Row(0, {"messages": TALK}), cut], features=features_of({
        "messages": MESSAGES}))  # fmt: skip
    shape = shape_of(found)
    assert harms(shape, [sft(shape)]) == []
