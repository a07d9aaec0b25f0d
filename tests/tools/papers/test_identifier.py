"""arXiv's names of papers, in every form that people paste."""

from __future__ import annotations

import pytest

from ml_intern.tools.errors import ToolError
from ml_intern.tools.papers.identifier import arxiv_id, arxiv_id_in


@pytest.mark.parametrize(
    ("text", "paper", "version"),
    [
        ("2305.18290", "2305.18290", ""),
        (" 2305.18290v2 ", "2305.18290", "v2"),
        ("0704.0001", "0704.0001", ""),
        ("arXiv:2305.18290", "2305.18290", ""),
        ("ARXIV: 2305.18290v11", "2305.18290", "v11"),
        ("https://arxiv.org/abs/2305.18290v3", "2305.18290", "v3"),
        ("http://www.arxiv.org/pdf/2305.18290.pdf", "2305.18290", ""),
        ("arxiv.org/html/2305.18290v1#S3", "2305.18290", "v1"),
        ("https://ar5iv.labs.arxiv.org/html/2305.18290/", "2305.18290", ""),
        ("https://huggingface.co/papers/2305.18290.md?x=1", "2305.18290", ""),
        ("hf.co/papers/2305.18290", "2305.18290", ""),
        ("cs/9901001", "cs/9901001", ""),
        ("https://arxiv.org/abs/math.GT/0309136v2", "math.GT/0309136", "v2"),
        ("cond-mat/0703123", "cond-mat/0703123", ""),
        ("10.48550/arXiv.2305.18290", "2305.18290", ""),
        ("https://doi.org/10.48550/arXiv.2305.18290", "2305.18290", ""),
    ],
)
def test_every_form_of_an_id_means_its_paper(text: str, paper: str, version: str) -> None:
    found = arxiv_id(text)
    assert (found.paper, found.version, str(found)) == (paper, version, paper + version)


@pytest.mark.parametrize(
    "text",
    [
        "attention is all you need", "2313.18290", "2305.182", "2305.182901", "23051.8290", "v2",
        "2305.18290/../x", "../2305.18290", "https://evil.example/abs/2305.18290", "2305.18290 x",
        "https://notarxiv.org/abs/2305.18290", "cs/99010", "\uff12305.18290",
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ToolError, match=r'is no arXiv id. Give one such as "2305\.18290"'):
        arxiv_id(text)


def test_an_id_is_found_in_a_notice() -> None:
    assert arxiv_id_in("available at https://arxiv.org/abs/1805.02262, which is") == "1805.02262"
    assert arxiv_id_in("available at https://aclanthology.org/2020.acl-main.447") == ""
