"""Pages as text: sections and anchors, what is cleaned away, what stays, HTML, passages."""

from __future__ import annotations

import time

import pytest

from emulators.docs_pages import METHODS, SFT, SIGNATURES
from ml_intern.tools.docs.documents import parsed, slug
from ml_intern.tools.docs.passages import passages
from ml_intern.tools.docs.webpage import links, readable


def test_sections_have_the_anchors_that_the_page_gives_or_those_of_their_titles() -> None:
    found = [(one.level, one.title, one.anchor) for one in parsed(SFT).sections]
    assert found == [
        (1, "SFT Trainer", "sft-trainer"),
        (2, "Overview", "overview"),
        (2, "Quick start", "quick-start"),
        (2, "Customization", "customization"),
        (3, "Packing", "packing"),
        (3, "Train on completion only", "train-on-completion-only"),
        (2, "SFTTrainer", "trl.SFTTrainer"),
        (4, "trl.SFTTrainer", "trl.SFTTrainer-1"),
        (4, "train", "trl.SFTTrainer.train"),
        (2, "SFTConfig", "trl.SFTConfig"),
    ]


def test_a_section_goes_on_to_the_next_of_its_level() -> None:
    document = parsed(SFT)
    section = document.find("customization")
    assert section
    whole = document.whole(section)
    assert whole.startswith("## Customization\n")
    assert "completion_only_loss" in whole
    assert "## SFTTrainer" not in whole
    assert document.whole(document.sections[-1]).startswith("## SFTConfig\n")


@pytest.mark.parametrize(
    ("name", "anchor"),
    [
        ("packing", "packing"),
        ("#Packing", "packing"),
        ("trl.SFTTrainer", "trl.SFTTrainer"),
        ("trl.sfttrainer.TRAIN", "trl.SFTTrainer.train"),
        ("Quick start", "quick-start"),
        ("quick_start", "quick-start"),
        ("on completion", "train-on-completion-only"),
    ],
)
def test_a_section_is_found_however_its_name_is_written(name: str, anchor: str) -> None:
    section = parsed(SFT).find(name)
    assert section
    assert section.anchor == anchor


def test_a_section_that_could_be_several_or_none_is_not_guessed() -> None:
    document = parsed("# A\n\n## One part\n\n## Other part\n")
    assert document.find("part") is None
    assert document.find("") is None
    assert document.find("!") is None


def test_a_comment_in_code_is_no_heading_and_code_stays_as_it_is() -> None:
    document = parsed(SFT)
    assert "# Load the data\n" in document.text
    assert "# a <div> in code stays" in document.text
    nested = "# A\n\n> ~~~py\n> # no\n> ~~~\n\n````\n```\n# no\n````\n\n```\n# unclosed\n"
    assert [one.title for one in parsed(nested).sections] == ["A"]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("- ```py\n  # no\n  ```\n# yes\n", ["yes"]),
        ("1. ~~~\n   # no\n   ~~~\n# yes\n", ["yes"]),
        ("``` x ``` in a line\n# yes\n", ["yes"]),
        ("```\n- ```\n# no\n```\n# yes\n", ["yes"]),
        ("# In C#\n# Closed ##\n# F# [[f]]\n", ["In C#", "Closed", "F#"]),
        ("# A\r\n\r\ntext\r\n## B\r\n", ["A", "B"]),
    ],
)
def test_headings_are_told_from_code_in_every_form(text: str, titles: list[str]) -> None:
    document = parsed(text)
    assert [one.title for one in document.sections] == titles
    assert "\r" not in document.text


def test_every_section_has_an_anchor_of_its_own_that_finds_it() -> None:
    document = parsed(
        "# A\n# A\n# A 1\n# A\n# 🤗\n# 🤗\n# Train [[x.train]]\n# x.train [[y]]\n"
        '# Q [[a "quoted" one]]\n# Section\n# ' + "x" * 9000 + "\n# 中文 標題\n"
    )
    assert len({one.anchor for one in document.sections}) == len(document.sections)
    for one in document.sections:
        assert document.find(one.anchor) is one
        assert '"' not in one.anchor
        assert 0 < len(one.anchor) < 300
        assert len(one.title) <= 200
    assert "x" * 9000 in document.text


def test_what_stands_before_the_first_heading_is_searched_too() -> None:
    [before, below] = passages("https://a/docs/b", parsed("A flamingo.\n\n# T\n\ntext\n"))
    assert (before.heading, before.anchor, before.start, before.body.strip()) == (
        "", "", 0, "A flamingo.",
    )  # fmt: skip
    assert below.anchor == "t"


def test_what_only_a_browser_needs_is_left_out() -> None:
    text = parsed(
        "<!-- a\n comment --># T\n<script>\nbad()\n</script>\n<style>p</style>\n"
        "<Tip warning={true}>\nmind <a href='x'\n>this</a> &lt;b&gt; `<img>`\n</Tip>\n"
        '<hfoption id="bash">x</hfoption>\n<Model> stays, 1 < 2\n'
        "![](data:image/png;base64,AAAA)![alt](u.png)[![b](u)](l)\n\n\n\n<td>1</td><td>2</td></tr>\n"
    ).text
    assert "mind this <b> `<img>`" in text
    assert "**bash:**x" in text
    assert "<Model> stays, 1 < 2" in text
    assert "(image: alt)\n\n1 | 2 |" in text
    for gone in ("comment", "bad", "style", "Tip", "base64", "[b]", "\n\n\n"):
        assert gone not in text


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<script",
        "![",
        "[![a](",
        "<a ",
        "`",
        "[[",
        "# [[",
        "\n",
        " ",
        "id='a' ",
        "id='",
        "#",
    ],
)
def test_a_page_made_to_be_slow_is_not(piece: str) -> None:
    began = time.monotonic()
    for start in ("", "# a", "<hfoption "):
        text = f"{start}{piece * (500_000 // len(piece))}b"
        passages("https://a/docs/b", parsed(text))
    assert time.monotonic() - began < 20


def test_slugs_are_those_of_the_site() -> None:
    assert slug("Which dataset type to use?") == "which-dataset-type-to-use"
    assert slug("Chunked cross-entropy (CCE)") == "chunked-cross-entropy-cce"


def test_two_sections_of_one_name_have_two_anchors() -> None:
    found = [one.anchor for one in parsed("# A\n## Example\n## Example\n## 🤗\n").sections]
    assert found == ["a", "example", "example-1", "section"]


def test_a_web_page_becomes_markdown() -> None:
    assert parsed(readable(METHODS)).text == (
        "# Main methods\n\nLoad a metric with `evaluate.load`;\nit is cached.\n\n"
        "## compute\n\n- predictions: a list\n- references\n\n"
        '```\naccuracy = evaluate.load("accuracy")\n'
        "accuracy.compute(references=[0], predictions=[0])\n```\n\n"
        "Key | Value | \naccuracy | 1.0 |\n"
    )


@pytest.mark.parametrize(
    "page",
    ["", "   ", "<", "\x00", '<?xml version="1.0" encoding="latin-1"?><p>x', "<div>" * 20_000],
)
def test_a_web_page_that_is_none_breaks_nothing(page: str) -> None:
    readable(page)
    assert links(page) == []


def test_what_is_nested_deep_is_read() -> None:
    page = f"<html><body><main>{'<div>' * 2000}deep<p>down</p>"
    assert parsed(readable(page)).text.split() == ["deep", "down"]


def test_passages_are_cut_at_paragraphs_and_know_where_they_are() -> None:
    document = parsed(SIGNATURES)
    found = passages("https://a/llms.txt", document)
    assert len(found) > 3
    for one in found:
        assert document.text[one.start :].startswith(one.body[:50])
    assert "".join(one.body for one in found) == document.text
    long = passages("https://a/b", parsed("# T\n\n" + "word " * 2000))
    assert [len(one.body) for one in long][:3] == [3000, 3000, 3000]


def test_a_heading_alone_is_no_passage() -> None:
    found = passages("https://a/docs/trl/sft_trainer", parsed(SFT))
    assert "customization" not in [one.anchor for one in found]
    packing = next(one for one in found if one.anchor == "packing")
    assert packing.heading == "Customization > Packing"
    assert packing.words == "docs trl sft trainer Packing"
    assert "in the SFTConfig." in packing.body
