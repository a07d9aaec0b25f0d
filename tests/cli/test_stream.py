"""Text that arrives in pieces is shown in blocks that mean the same."""

from __future__ import annotations

import time
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ml_intern.cli.stream import Blocks

LINES = [
    "A sentence.",
    "",
    "  ",
    "```",
    "```python",
    "~~~",
    "~~~~",
    "````",
    "``` not a fence `",
    "```a```",
    "  ```",
    "- item",
    "x = 1",
    "# Title",
    "> quote",
]
texts = st.lists(st.sampled_from(LINES), max_size=14).map("\n".join)


def pieces(text: str, cuts: list[int]) -> list[str]:
    ends = [*sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def shown(parts: list[str]) -> list[str]:
    """What is handed on, piece by piece, the rest last."""
    blocks = Blocks()
    return [*(blocks.feed(part) for part in parts), blocks.flush()]


def fences(text: str) -> list[range]:
    """The lines of each code fence, as the renderer's own parser sees them."""
    tokens = MarkdownIt().parse(text)
    return [range(*token.map) for token in tokens if token.type == "fence" and token.map]


@given(
    texts | st.text(st.sampled_from("a`~\n \r\x0b\x85\u2028"), max_size=40),
    st.lists(st.integers(0)),
)
def test_nothing_is_lost_however_it_was_cut(text: str, cuts: list[int]) -> None:
    assert "".join(shown(pieces(text, cuts))) == text


@given(texts, st.lists(st.integers(0)))
def test_a_code_fence_is_never_split(text: str, cuts: list[int]) -> None:
    parts = shown(pieces(text, cuts))
    breaks = {part.count("\n") for part in accumulate(parts[:-1]) if part}
    inside = {line for fence in fences(text) for line in list(fence)[1:]}
    assert not breaks & inside


@given(texts, st.lists(st.integers(0)))
def test_only_whole_blocks_are_handed_on_before_the_end(text: str, cuts: list[int]) -> None:
    for part in shown(pieces(text, cuts))[:-1]:
        assert part == "" or not part.splitlines()[-1].strip()


def test_a_paragraph_is_shown_when_it_is_over() -> None:
    parts = ["One", ".\n", "\nTwo", ".\n\n", "Thr", "ee."]
    assert shown(parts) == ["", "", "One.\n\n", "Two.\n\n", "", "", "Three."]


@pytest.mark.parametrize(
    "fence",
    [
        "```python\na = 1\n\nb = 2\n```\n",
        "~~~\n```\n\nx\n~~~\n",
        "````markdown\n```python\n\nx\n```\n\n````\n",
        "```\n~~~\n\nx\n```\n",
        "```\n```python\n\nx\n```\n",
        "- ```python\n  a = 1\n\n  b = 2\n  ```\n",
    ],
)
def test_a_fence_comes_whole(fence: str) -> None:
    parts = shown([f"{line}\n" for line in f"{fence}\nAfter.".split("\n")])
    assert fence + "\n" in parts


def test_backticks_within_a_line_open_no_fence() -> None:
    assert shown(["```a``` is code.\n\n", "More."]) == ["```a``` is code.\n\n", "", "More."]


def test_a_fence_that_never_ends_is_shown_at_the_end() -> None:
    assert shown(["```\na\n\n", "b\n\n"]) == ["", "", "```\na\n\nb\n\n"]


def test_a_long_fence_in_small_pieces_is_quick() -> None:
    began = time.monotonic()
    parts = shown(["```\n", *["some code\n\n"] * 30_000])
    assert len(parts[-1]) == 330_004
    assert time.monotonic() - began < 5


def test_flushing_begins_anew() -> None:
    blocks = Blocks()
    blocks.feed("```\nopen")
    blocks.flush()
    assert blocks.feed("Text.\n\n") == "Text.\n\n"
    assert blocks.flush() == ""


def test_a_paragraph_that_is_one_long_line_stays_visible() -> None:
    blocks = Blocks()
    blocks.feed("short\n" + "word " * 1000)
    assert blocks.pending(300) == "word " * 60
