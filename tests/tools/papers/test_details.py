"""`paper_details`: the Hub's entry, with Semantic Scholar's counts if they come quickly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from emulators.papers import PAPER, UNREAD, ScholarSite
from emulators.site import Reply, Site

Ask = Callable[..., Awaitable[str]]


async def test_all_that_is_known_of_a_paper(
    ask: Ask, hub: Site, scholar: ScholarSite, golden: Callable[[str, str], None]
) -> None:
    golden("hub/papers_details.txt", await ask("paper_details", arxiv_id=f"{PAPER}v3"))
    assert hub.lines == [f"GET /api/papers/{PAPER}"]
    assert scholar.lines == [f"GET /graph/v1/paper/ARXIV:{PAPER}"]


async def test_without_semantic_scholar_the_counts_are_not_known(
    ask: Ask, scholar: ScholarSite
) -> None:
    scholar.fail("ARXIV", Reply(status=429, body={"message": "Too Many Requests"}))
    said = await ask("paper_details", arxiv_id=PAPER)
    assert "Citations: not known. Semantic Scholar is asked too often (429)" in said
    assert "Models that name it: 1,204, such as noether-lab/margin-1b" in said
    assert len(scholar.ledger) == 1


async def test_semantic_scholar_is_not_waited_for(
    ask: Ask, scholar: ScholarSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_intern.tools.papers.scholar._PATIENCE", 0.3)
    scholar.fail("ARXIV", Reply(delay=30))
    said = await ask("paper_details", arxiv_id=PAPER)
    assert "Citations: not known. Semantic Scholar gave no answer: 127.0.0.1 did not" in said
    assert "Abstract: Preference tuning" in said


async def test_what_is_not_known_is_not_zero(ask: Ask) -> None:
    said = await ask("paper_details", arxiv_id=UNREAD)
    assert "upvotes" not in said
    assert "Citations: not known. Semantic Scholar does not know arXiv:2402.09876." in said
    assert "Authors" not in said


async def test_a_paper_that_the_hub_does_not_have_is_semantic_scholars(ask: Ask, hub: Site) -> None:
    hub.fail("papers", Reply(status=404, body={"error": "Paper not found"}))
    said = await ask("paper_details", arxiv_id=PAPER)
    assert f"[The Hub has no page of arXiv:{PAPER}. This is Semantic Scholar's entry.]" in said
    assert "4,321 citations (812 influential)" in said
    assert "Abstract: As at Semantic Scholar." in said


async def test_a_paper_that_nobody_has_is_an_error_of_both(refusal: Ask) -> None:
    assert await refusal("paper_details", arxiv_id="2401.00001") == (
        "The Hub has no page of arXiv:2401.00001. Semantic Scholar does not know arXiv:2401.00001."
    )


@pytest.mark.parametrize(
    "page",
    [
        {"title": 5, "authors": "x", "summary": None, "linkedModels": "x", "numTotalModels": "9"},
        {"paper": ["x"], "organization": "x", "ai_keywords": [None, 3], "linkedSpaces": [None, {}]},
        {"summary": "word " * 100_000, "title": "t" * 100_000},
    ],
    ids=["types", "nested", "huge"],
)
async def test_odd_fields_are_left_out(ask: Ask, hub: Site, page: dict[str, object]) -> None:
    hub.fail("papers", Reply(body={**page, "id": PAPER}))
    said = await ask("paper_details", arxiv_id=PAPER)
    assert f"arXiv:{PAPER}" in said
    assert len(said) < 10_000


@pytest.mark.parametrize("body", ["<html>", [], None, {}])
async def test_an_answer_of_another_form_is_said_to_be_one(
    ask: Ask, hub: Site, body: object
) -> None:
    hub.fail("papers", Reply(body=body))
    said = await ask("paper_details", arxiv_id=PAPER)
    assert "has a form that cannot be read. This is Semantic Scholar's entry.]" in said
