"""Papers as the Hub's markdown has them."""

from __future__ import annotations

import time

import pytest

from emulators.papers import MARKDOWN
from ml_intern.tools.papers.latexml import NoTextError
from ml_intern.tools.papers.markdown import parse, plain

DOCUMENT = parse(MARKDOWN)


def test_headings_of_both_kinds_make_the_tree() -> None:
    assert DOCUMENT.title == "Margin Matters: Preference Tuning with Adaptive Margins"
    assert DOCUMENT.abstract == "We give each pair a margin m i m_{i}."
    assert [s.label for s in DOCUMENT.every()] == [
        "1 Introduction", "Contributions.", "2 Method", "2.1 Loss", "A. Proofs", "A.1 Setup",
        "References",
    ]  # fmt: skip


def test_links_pictures_and_the_list_of_contents_are_gone() -> None:
    text = "\n".join(s.text() for s in DOCUMENT.sections)
    assert "Tuning[1, 2] is common. Our code (https://github.com/noether-lab/margin) is" in text
    assert "arxiv.org" not in text
    assert "Image 1" not in text
    assert "Figure 1: Margins over time." in text
    assert "- A margin." in text
    assert "- [1]R. Rafe (2023)Direct tuning." in text


def test_code_has_no_headings() -> None:
    assert "```\n# no heading\nx = 1\n```" in DOCUMENT.sections[1].text()


@pytest.mark.parametrize(
    "code",
    ["````\n```\n## no\n```\n## no\n````", "~~~\n## no\n~~~", "- ```py\n  ## no\n  ```"],
    ids=["longer", "tildes", "in a list"],
)
def test_code_of_any_fence_has_no_headings_and_stays_as_it_is(code: str) -> None:
    code += "\n\n```py\nx[1](y)\n\n\n\n* z\n```"
    document = parse(f"# T\n\n## In C#\n\n{code}\n\n## Next ##\n\ntext")
    assert [section.label for section in document.every()] == ["In C#", "Next"]
    assert "".join(document.sections[0].blocks).replace("\n", "") == code.replace("\n", "")
    assert "x[1](y)\n\n\n\n* z\n" in document.sections[0].text()


def test_markdown_without_a_head_is_read_as_it_is() -> None:
    document = parse("Abstract\n--------\n\nShort.\n\n## 1 Aim\n\nText.\n| a |\n---\n")
    assert document.abstract == "Short."
    assert [s.text() for s in document.sections] == ["## 1 Aim\n\nText.\n| a |\n---"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (MARKDOWN.replace("https://arxiv.org/html/", "https://huggingface.co/papers/"), "page"),
        ("<!DOCTYPE html><html><h1>404</h1></html>", "page about the paper"),
        ("", "no sections"),
        ("###### Abstract\n\nShort.", "no sections"),
    ],
)
def test_the_page_about_a_paper_is_not_the_paper(text: str, why: str) -> None:
    with pytest.raises(NoTextError, match=why):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000 + "](" * 1000,
        "![" * 20_000,
        " " * 100_000 + "x",
        "* " * 50_000,
        "\n" * 50_000,
        "#" * 100_000 + "x",
    ],
    ids=["brackets", "pictures", "spaces", "bullets", "lines", "hashes"],
)
def test_no_text_takes_long_to_read(text: str) -> None:
    began = time.monotonic()
    assert plain(text)
    assert parse(f"## a{text}b\n\ntext")
    assert time.monotonic() - began < 5
