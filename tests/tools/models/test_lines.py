"""Licences, templates, lineage, evaluations and weights: from metadata to one line."""

from __future__ import annotations

import time
from typing import Any

import pytest
from huggingface_hub import EvalResultEntry

from emulators.hub_models_catalogue import LLAMA_TEMPLATE, QWEN_TEMPLATE
from ml_intern.tools.models.evaluations import results
from ml_intern.tools.models.fields import amount, bytes_in_words, gigabytes, short, text, texts
from ml_intern.tools.models.licences import licence_line, meaning
from ml_intern.tools.models.lineage import adapter_line, base_line
from ml_intern.tools.models.templates import template_line, template_of, tokenizer_line
from ml_intern.tools.models.weights import File, count_line, count_of, files_line, main_weights


@pytest.mark.parametrize(
    ("name", "own", "word"),
    [
        ("apache-2.0", "", "permissive"),
        ("bsd-3-clause", "", "permissive"),
        ("llama3.1", "", "700 million"),
        ("gemma", "", "restricts kinds of use"),
        ("cc-by-nc-4.0", "", "non-commercial"),
        ("cc-by-nc-sa-4.0", "", "non-commercial"),
        ("cc-by-sa-4.0", "", "share alike"),
        ("creativeml-openrail-m", "", "restricts kinds of use"),
        ("agpl-3.0", "", "copyleft, also for network"),
        ("other", "flux-1-dev-non-commercial-license", "non-commercial"),
        ("other", "qwen-research", "research only"),
        ("other", "", "read them"),
        ("unknown", "", "read them"),
    ],
)
def test_a_licence_says_what_it_restricts(name: str, own: str, word: str) -> None:
    assert word in meaning(name, own)


def test_a_licence_is_the_cards_or_the_tags_or_not_stated() -> None:
    assert licence_line({"license": "mit"}, ["license:gemma"]) == "mit: permissive"
    assert licence_line({}, ["x", "license:mit"]) == "mit: permissive"
    assert "not stated" in licence_line({"license": 5}, [])
    assert licence_line({"license": ["mit", "apache-2.0"]}, []).startswith("mit, apache-2.0")


def test_a_template_is_judged_by_its_text() -> None:
    assert template_line(LLAMA_TEMPLATE).endswith(
        "has system role, tools; no thinking, {% generation %} marks for assistant-only loss"
    )
    assert "no " not in template_line(QWEN_TEMPLATE)
    gemma = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    )
    assert "no system role" in template_line(gemma)
    assert template_line("{{ x }}").startswith("7 characters; has nothing special")
    assert template_line(" \n") == "none found"
    for said in ("System messages are not supported", "This model does not support system prompts"):
        assert "no system role" in template_line(f"{{{{ raise_exception('{said}') }}}} 'system'")
    # A word of the prose, of a comment or of a refusal is no variable of the template.
    assert "no system role, tools" in template_line("{# {{ tools }} #}{{ messages }}")
    assert "no system role, tools" in template_line("{{ raise_exception('no tools here') }}")
    assert "no system role, tools" in template_line("You may use tools.{{ messages }}")


@pytest.mark.parametrize("part", ["{%", "{#", "{{", "raise_exception("])
def test_a_template_made_to_be_slow_is_not(part: str) -> None:
    began = time.process_time()
    template_line(part * 200_000)
    assert time.process_time() - began < 5


def test_of_several_templates_the_default_one_counts() -> None:
    named = [{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]
    assert template_of({"chat_template": named}) == "d"
    assert template_of({"chat_template": named[:1]}) == "r"
    assert template_of({"chat_template": [{"name": "default"}, 5]}) == ""
    assert template_of({"chat_template": None}) == ""


def test_special_tokens_are_text_or_objects() -> None:
    tokenizer = {"tokenizer_class": "T", "bos_token": None, "eos_token": {"content": "</s>"}}
    assert tokenizer_line(tokenizer, whole=True) == "T; eos </s>; pad not set"
    assert tokenizer_line(tokenizer, whole=False) == "T; eos </s>"
    assert tokenizer_line({"pad_token": "<p>"}, whole=True) == "class not stated; pad <p>"
    assert tokenizer_line({"eos_token": 5}, whole=True) == ""


def test_a_base_has_the_relation_that_the_hub_found() -> None:
    tags = ["base_model:a/b", "base_model:quantized:a/b"]
    assert base_line({"base_model": "a/b"}, tags, {}) == "quantization of a/b"
    assert base_line({}, tags, {}) == "quantization of a/b"
    assert base_line({"base_model": ["a/b", "c/d"], "base_model_relation": "merge"}, [], {}) == (
        "merge of a/b, merge of c/d"
    )
    assert base_line({"base_model": "a/b"}, [], {}) == "made of a/b"
    assert "adapter_config.json" in base_line({}, [], {"base_model_name_or_path": "a/b"})
    assert base_line({}, ["base_model:"], {}) == ""


def test_an_adapter_is_described_by_what_is_stated() -> None:
    full = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": "all-linear"}
    assert adapter_line(full) == "LORA, r 8, lora_alpha 16, on all-linear"
    assert adapter_line({"r": "8", "target_modules": None}) == "PEFT"


def test_results_are_listed_once_wherever_they_are_reported() -> None:
    entries = [
        EvalResultEntry(dataset_id="MMLU", task_id="acc", value=0.5),
        EvalResultEntry(dataset_id="x/y", task_id="default", value=1e30),
    ]
    index: list[Any] = [
        {"results": [
            {"dataset": {"name": "mmlu"}, "metrics": [
                {"type": "acc", "value": 0.5}, {"type": "acc", "value": 0.6}, {"value": 1}, None]},
            {"metrics": [{"name": "F1", "value": "81 %"}]},
            {"dataset": 5, "metrics": {}}, 7]},
        None,
    ]  # fmt: skip
    assert results(entries, index) == [
        "MMLU, acc: 0.5",
        "mmlu, acc: 0.6",
        "dataset not stated, F1: 81 %",
    ]
    assert results([], "nonsense") == []


def test_parameters_are_counted_by_type() -> None:
    stated = {"parameters": {"BF16": 5_000, "F32": 10_000, "odd": "x"}, "total": 15_000}
    count = count_of(stated, {}, "")
    assert count_line(count) == "15,000 (F32 10,000, BF16 5,000; safetensors metadata)"
    assert count_of({"parameters": None, "total": 7}, {}, "").total == 7
    assert count_of(None, {"total": 9}, "").source == "GGUF header"
    assert count_of({"parameters": [], "total": "x"}, {}, "").total is None
    assert count_of(stated, {}, "fp8").total == 15_000


def test_elements_of_packed_weights_are_no_parameters() -> None:
    packed = count_of({"parameters": {"I32": 800, "F16": 200}, "total": 1000}, {}, "gptq, 4 bits")
    assert (packed.total, packed.packed) == (None, True)
    # Of a model that is not quantized such tensors are buffers.
    assert count_of({"parameters": {"I64": 512, "F32": 100}}, {}, "").total == 612


def test_second_copies_of_the_weights_are_not_counted_as_the_model() -> None:
    sizes = {
        "consolidated.safetensors": 9,
        "model-00001-of-00002.safetensors": 4,
        "model-00002-of-00002.safetensors": 5,
        "vae/model.safetensors": 1,
    }
    files = [File(path, size) for path, size in sizes.items()]
    assert [file.size for file in main_weights(files)] == [4, 5]
    assert [file.size for file in main_weights(files[:1])] == [9]


def test_files_are_summed_by_format() -> None:
    files = [File("a.safetensors", 3_000), File("b.SAFETENSORS", 1_000_000), File("c.bin", None),
             File("README.md", 10)]  # fmt: skip
    assert files_line(files) == (
        "2 safetensors 1 MB; 1 bin of unknown size; 4 files in all, 1 MB and 1 of unknown size"
    )
    assert files_line([File("x.txt", 5)]) == "no weights; 1 file in all, 5 bytes"


@pytest.mark.parametrize(
    ("written", "number"),
    [("8B", 8 * 10**9), ("0.5b", 5 * 10**8), ("7,000,000", 7_000_000), ("1.5e9", 1_500_000_000),
     ("500 M", 5 * 10**8), ("", None), ("-1", None), ("1e99", None), ("many", None), ("0", None)],
)  # fmt: skip
def test_amounts_are_read_as_people_write_them(written: str, number: int | None) -> None:
    assert amount(written) == number


def test_figures_are_short() -> None:
    assert [short(n) for n in (None, 7, 1234, 8_030_261_248, 10**12)] == [
        "?", "7", "1.23k", "8.03B", "1T",
    ]  # fmt: skip
    assert [gigabytes(n) for n in (5e8, 16_060_522_496, 1.484e11, 1.2e12)] == [
        "0.5", "16.1", "148", "1,200",
    ]  # fmt: skip
    assert bytes_in_words(999_900_000_000) == "1,000 GB"


def test_strange_text_is_one_line_that_shows_what_is_unseen() -> None:
    assert text("a\n\x1b[31m b\u202f") == "a \\x1b[31m b"
    assert text("x" * 1000) == "x" * 200 + "…"
    assert texts(["a", 5, "a", None, "b"]) == ["a", "b"]
    assert texts("a") == ["a"]
    assert texts({"a": 1}) == []
