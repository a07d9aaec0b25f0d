"""The model card: written whole, or added to what somebody wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulators.model_folders import LORA, adapter, causal
from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.args import PushModelArgs
from ml_intern.tools.push.body import table
from ml_intern.tools.push.card import Card, read, written
from ml_intern.tools.push.defaults import filled
from ml_intern.tools.push.gather import Facts, base_of
from ml_intern.tools.push.licenses import Base
from ml_intern.tools.push.local import looked_at
from ml_intern.tools.push.metadata import merged
from ml_intern.tools.push.plan import Plan, planned
from ml_intern.tools.push.target import Target

HUB = "https://hub.test"
RICH: dict[str, Any] = {
    "base_model": "meta/llama",
    "datasets": ["me/chats", "our own notes"],
    "method": "SFT with TRL, then DPO.",
    "hyper_parameters": {"learning_rate": 2e-05, "epochs": 3, "packing": True, "a|b": "x\ny",
                         "betas": [0.9, 0.95]},
    "metrics": [
        {"name": "Accuracy", "value": 0.8125, "dataset": "me/chats", "split": "test",
         "run": "job 66f0"},
        {"name": "loss", "value": 1.5, "dataset": "me/chats", "split": "test"},
        {"name": "speed", "value": 1234567},
    ],
    "license": "Apache-2.0",
    "languages": ["en", "no"],
    "notes": "Weak at arithmetic.",
}  # fmt: skip


def plan_of(root: Path, bases: tuple[Base, ...] = (), card: str = "", **args: Any) -> Plan:
    """The plan for a new repository `me/m`, all that is asked of the Hub given."""
    local = looked_at(root, (), ())
    there = read(card, "README.md") if card else local.card or Card()
    call = PushModelArgs(folder=str(root), repo_id="me/m", **args)
    call = filled(call, there, local.model)
    known = bases or tuple(Base(repo_id=name, license="mit") for name in call.base_model)
    return planned(
        Facts(
            args=call,
            local=local,
            target=Target(repo_id="me/m", exists=False, user="me"),
            card=there,
            card_from="README.md" if there.body else "",
            bases=known,
            session="s-1",
            hub=HUB,
            collection=True,
        )
    )


def front(card: str) -> Any:
    return yaml.safe_load(card.split("---\n")[1])


def test_the_card_says_everything_that_is_known(
    tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    golden("hub/push_card.txt", plan_of(causal(tmp_path), **RICH).card)


def test_the_card_of_an_adapter_tells_how_to_load_it(
    tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    golden("hub/push_card_adapter.txt", plan_of(adapter(tmp_path), license="mit").card)


def test_the_least_that_is_known_makes_a_card_that_claims_nothing(tmp_path: Path) -> None:
    root = causal(tmp_path, **{"config.json": {}})
    card = plan_of(root).card
    assert front(card) == {"tags": ["ml-intern"]}
    body = card.split("---\n")[2]
    assert body.startswith("\n# m\n\nA model.\n\n43 parameters (40 BF16, 3 F32); chat template.\n")
    assert "##" not in body


def test_metrics_go_into_the_metadata_by_dataset_and_split(tmp_path: Path) -> None:
    plan = plan_of(causal(tmp_path), **RICH)
    [entry] = front(plan.card)["model-index"]
    [result] = entry["results"]
    assert result["task"] == {"type": "text-generation"}
    assert result["dataset"] == {"name": "me/chats", "type": "me/chats", "split": "test"}
    assert [m["value"] for m in result["metrics"]] == [0.8125, 1.5]
    assert any("only in the text: speed" in said for said in plan.warnings)
    assert any("marked as 'source not given': loss, speed" in said for said in plan.warnings)
    assert "| loss | 1.5 | me/chats | test | source not given |" in plan.card


@pytest.mark.parametrize(
    ("files", "snippet"),
    [
        ({}, '[{"role": "user", "content": "Hello!"}]'),
        ({"tokenizer_config.json": {}}, '"Once upon a time"'),
        (
            {"config.json": {"architectures": ["BertForSequenceClassification"]}},
            'pipeline("text-classification", model="me/m")',
        ),
        ({"modules.json": []}, 'SentenceTransformer("me/m")'),
        ({"config.json": {"architectures": ["BertForMaskedLM"]}}, ""),
        ({"config.json": {}}, ""),
    ],
)
def test_the_snippet_fits_the_model_or_there_is_none(
    tmp_path: Path, files: dict[str, Any], snippet: str
) -> None:
    card = plan_of(causal(tmp_path, **files)).card
    assert snippet in card
    assert ("## Use" in card) == bool(snippet)


def test_an_adapter_of_a_kind_that_is_not_known_gets_no_snippet(tmp_path: Path) -> None:
    files = {"adapter_config.json": {**LORA, "task_type": None, "peft_type": "IA3"}}
    plan = plan_of(adapter(tmp_path, **files))
    assert "A PEFT adapter (IA3) for [meta/llama]" in plan.card
    assert "python" not in plan.card


@pytest.mark.parametrize(
    ("args", "relation"),
    [
        ({"base_model": "a/b"}, "finetune"),
        ({"base_model": ["a/b", "c/d"]}, "merge"),
        ({"base_model": "a/b", "base_relation": "quantized"}, "quantized"),
        ({}, None),
    ],
)
def test_the_relation_to_the_base_is_given_or_told_from_the_files(
    tmp_path: Path, args: dict[str, Any], relation: str | None
) -> None:
    card = plan_of(causal(tmp_path), **args).card
    assert front(card).get("base_model_relation") == relation


def test_what_a_quantized_model_is_to_its_base_is_left_to_the_hub(tmp_path: Path) -> None:
    config = {"architectures": ["LlamaForCausalLM"], "quantization_config": {"bits": 4}}
    card = plan_of(causal(tmp_path, **{"config.json": config}), base_model="a/b").card
    assert "base_model_relation" not in front(card)
    assert "43 stored numbers" in card


@pytest.mark.parametrize(
    ("make", "args", "words"),
    [
        (causal, {"base_relation": "merge"}, "of what? Pass base_model"),
        (causal, {"base_relation": "adapter", "base_model": "a/b"}, "no adapter_config.json"),
        (adapter, {"base_relation": "finetune"}, "the folder has an adapter_config.json"),
        (adapter, {"base_model": "a/b"}, "belongs to meta/llama, the call or README.md says a/b"),
    ],
)
def test_what_the_files_contradict_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], args: dict[str, Any], words: str
) -> None:
    with pytest.raises(ToolError, match=re.escape(words)):
        plan_of(make(tmp_path), **args)


def test_an_adapter_brings_its_base_and_a_local_one_is_doubted(tmp_path: Path) -> None:
    assert plan_of(adapter(tmp_path / "a")).facts.args.base_model == ["meta/llama"]
    local = {"adapter_config.json": {**LORA, "base_model_name_or_path": "/root/models/x"}}
    plan = plan_of(adapter(tmp_path / "b", **local))
    assert any("a folder of this machine as its base (/root/models/x)" in w for w in plan.warnings)
    assert any("no base_model is known" in w for w in plan.warnings)
    given = plan_of(adapter(tmp_path / "b"), base_model="meta/llama")
    assert not any("no base_model" in w for w in given.warnings)


THEIRS = """---
license: mit
tags:
- generated_from_trainer
base_model: a/b
model-index:
- name: run
  results: []
custom: {x: 1}
---

# What I wrote

By hand.
"""


def test_a_card_that_somebody_wrote_is_kept_and_its_metadata_added_to(tmp_path: Path) -> None:
    metrics = [{"name": "f1", "value": 0.5, "dataset": "d/d", "run": "r"}]
    root = causal(tmp_path, **{"README.md": THEIRS})
    plan = plan_of(root, metrics=metrics, datasets=["d/d"])
    assert plan.card.endswith("---\n\n# What I wrote\n\nBy hand.\n")
    data = front(plan.card)
    assert data["tags"] == ["generated_from_trainer", "ml-intern"]
    assert (data["license"], data["base_model"], data["custom"]) == ("mit", "a/b", {"x": 1})
    assert data["model-index"][0]["name"] == "run"
    assert data["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.5
    assert [base.repo_id for base in plan.facts.bases] == ["a/b"]
    assert any("is kept as it is" in w and "metrics of the call" in w for w in plan.warnings)


@pytest.mark.parametrize("args", [{"license": "apache-2.0"}, {"base_model": "c/d"}])
def test_a_call_that_contradicts_the_card_is_refused(tmp_path: Path, args: Any) -> None:
    root = causal(tmp_path, **{"README.md": THEIRS})
    with pytest.raises(ToolError, match="Correct the one that is wrong"):
        plan_of(root, **args)


def test_a_card_that_was_generated_and_not_touched_is_written_anew(tmp_path: Path) -> None:
    root = causal(tmp_path)
    first = plan_of(root, license="mit", notes="Old.").card
    second = plan_of(root, card=first, notes="New.").card
    assert "New." in second
    assert "Old." not in second
    assert front(second)["license"] == "mit"  # what the call leaves out is not lost
    touched = first.replace("Old.", "Mine.")
    assert "Mine." in plan_of(root, card=touched, notes="New.").card


def test_a_card_of_nothing_but_metadata_gets_a_text(tmp_path: Path) -> None:
    card = plan_of(causal(tmp_path), card="---\nlicense: mit\ncustom: 1\n---\n").card
    assert front(card)["custom"] == 1
    assert "# m" in card


@pytest.mark.parametrize("bad", ["---\na: [\n---\nx", "---\n- a\n---\nx", "---\na: b: c\n---\n"])
def test_metadata_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(ToolError, match=r"README\.md has metadata that"):
        read(bad, "README.md")


def test_windows_line_ends_and_marks_are_read() -> None:
    card = read("\ufeff---\r\nlicense: mit\r\n---\r\nText", "x")
    assert (card.metadata, card.body) == ({"license": "mit"}, "Text")
    assert written(Card(), {"a": "å"}, "text").startswith("---\na: å\n---\n\ntext")


@pytest.mark.parametrize("there", [None, "x", [], [3], [{"results": "x"}]])
def test_an_index_of_another_form_is_survived(there: Any) -> None:
    ours = [{"name": "m", "results": [{"a": 1}]}]
    found = merged({"model-index": there}, {"model-index": ours})["model-index"]
    assert found[0]["results"] == [{"a": 1}]


def test_results_that_are_there_are_not_doubled() -> None:
    index = {"model-index": [{"name": "m", "results": [{"a": 1}]}]}
    assert merged(index, index) == index


def test_tables_have_no_empty_columns() -> None:
    assert table(("A", "B", "C"), [("1", "", "2"), ("3", "", "")]) == (
        "| A | C |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |"
    )
    assert table(("A",), []) == ""


@pytest.mark.parametrize(
    ("about", "license_"),
    [
        ({"license": " MIT "}, "mit"),
        ({"license": ["mit"]}, "mit"),
        ({"license": ["mit", "gpl"]}, ""),
        ({"license": 3, "license_name": []}, ""),
        ({}, ""),
    ],
)
def test_the_bases_license_is_read_from_whatever_is_there(about: Any, license_: str) -> None:
    assert base_of("a/b", about, gated=False).license == license_


def test_a_license_with_a_name_of_its_own_is_handed_on(tmp_path: Path) -> None:
    base = Base(repo_id="a/b", license="other", name="n-1", link="https://l.test")
    data = front(plan_of(causal(tmp_path), (base,), base_model="a/b", license="other").card)
    assert (data["license_name"], data["license_link"]) == ("n-1", "https://l.test")


def test_a_license_that_the_base_forbids_stops_everything(tmp_path: Path) -> None:
    base = Base(repo_id="meta/llama", license="llama3.1", gated=True)
    with pytest.raises(ToolError, match=r"Pass license='llama3.1'\. Nothing was uploaded"):
        plan_of(adapter(tmp_path), (base,), license="mit")
    plan = plan_of(adapter(tmp_path), (base,), license="llama3.1")
    assert plan.licenses == ("ok: llama3.1 suits llama3.1 of the base meta/llama.",)
    assert any("meta/llama is gated" in w for w in plan.warnings)


def test_words_that_old_yaml_takes_for_no_stay_as_they_are() -> None:
    there = read(
        "---\nlanguage:\n- no\n- en\npretty_name: on\nspam: no\nok: true\n---\nText\n", "x"
    )
    assert there.metadata == {
        "language": ["no", "en"], "pretty_name": "on", "spam": "no", "ok": True,
    }  # fmt: skip
    text = written(there, {"tags": ["ml-intern"]}, "ours")
    assert read(text, "x").metadata["language"] == ["no", "en"]
    assert "false" not in text


def test_references_without_end_do_not_stop_everything() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    there = read(f"---\n{bomb}license: *a11\n---\nText\n", "x")
    assert "license: mit" not in written(there, {"license": "mit"}, "ours")


def test_a_name_of_a_data_set_is_no_markup(tmp_path: Path) -> None:
    odd = "me/x](javascript:alert)[y"
    card = plan_of(causal(tmp_path), datasets=[odd, "me/chats"]).card
    assert f"[{odd}]" not in card
    assert f"[me/chats]({HUB}/datasets/me/chats)" in card
