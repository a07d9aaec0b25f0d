"""What is too long keeps its ends, and says how much is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml_intern.nodes.policies.clipping import clip_middle, clip_strings, clip_to


@given(st.text(max_size=60), st.integers(0, 60))
def test_clipping_keeps_head_and_tail(text: str, cap: int) -> None:
    clipped = clip_middle(text, cap)
    half = cap // 2
    assert clipped.startswith(text[:half])
    assert clipped.endswith(text[len(text) - half :])
    assert (clipped == text) == (len(text) <= cap)


@given(st.text(max_size=400), st.integers(0, 300), st.sampled_from([0.25, 1, 4]))
def test_a_text_fits_its_tokens_however_they_are_counted(
    text: str, tokens: int, rate: float
) -> None:
    def count(some: str) -> int:
        return int(len(some) * rate)

    clipped = clip_to(text, tokens, count)
    assert count(clipped) <= tokens
    assert (clipped == text) == (count(text) <= tokens)


def test_strings_are_clipped_wherever_they_are() -> None:
    value = {"a": ["x" * 100, 1, None], "b": {"c": "short"}}
    clipped = clip_strings(value, 10)
    assert clipped["a"][0].startswith("xxxxx\n[… 90")
    assert (clipped["a"][1:], clipped["b"]) == ([1, None], {"c": "short"})
    assert value["a"] == ["x" * 100, 1, None]
