"""Semantic Scholar: citations, snippets, recommendations, the key, and refusals."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emulators.papers import OTHER, PAPER, ScholarSite, scholar_row
from emulators.site import Reply, Site

Ask = Callable[..., Awaitable[str]]
Golden = Callable[[str, str], None]
BUSY = Reply(status=429, body={"message": "Too Many Requests. Please wait."})


async def test_the_citation_graph_has_both_directions(
    ask: Ask, scholar: ScholarSite, golden: Golden
) -> None:
    golden("hub/papers_citation_graph.txt", await ask("citation_graph", arxiv_id=PAPER, limit=5))
    assert [ask.path.rpartition("/")[2] for ask in scholar.ledger] == ["citations", "references"]
    assert {(ask.query["limit"], ask.query["offset"]) for ask in scholar.ledger} == {("200", "0")}


async def test_one_direction_is_read_page_by_page(ask: Ask, scholar: ScholarSite) -> None:
    """All of a block are ranked, and none is on two pages."""
    scholar.found = [scholar_row(number) for number in range(1, 231)]
    seen: list[str] = []
    said = ""
    for offset in range(0, 230, 50):
        said = await ask(
            "citation_graph", arxiv_id=PAPER, direction="citations", limit=50, offset=offset
        )
        assert "References" not in said
        seen += [line for line in said.splitlines() if line.startswith("- ")]
    assert [ask.query["offset"] for ask in scholar.ledger] == ["0", "200"]
    assert len(set(seen)) == len(seen) == 230
    assert seen[0] == "- Following Margins, Part 200 [influential]"
    assert "Cited by (arXiv:2404.01234), 201 to 230 of entries 201 to 230, the infl" in said
    assert "[more" not in said
    none = await ask("citation_graph", arxiv_id=PAPER, direction="references", offset=999)
    assert none == f"References (arXiv:{PAPER}): no more at Semantic Scholar."


async def test_entries_that_cannot_be_read_do_not_end_the_pages(
    ask: Ask, scholar: ScholarSite
) -> None:
    """References that a publisher holds back are null in the answer."""
    rows = [{"citedPaper": scholar_row(n)} if n % 40 else None for n in range(200)]
    scholar.fail("references", Reply(body={"data": rows, "next": 200}))
    scholar.found = [scholar_row(number) for number in range(1, 231)]
    more = 'direction="references", limit=50, offset=200)]'
    asked = {"arxiv_id": PAPER, "direction": "references", "limit": 50}
    last = await ask("citation_graph", **asked, offset=150)
    assert last.startswith(f"References (arXiv:{PAPER}), 151 to 195 of entries 1 to 195, ")
    assert last.endswith(more)
    beyond = await ask("citation_graph", **asked, offset=196)
    assert beyond.startswith(f"References (arXiv:{PAPER}): nothing from entry 197 to 200 at")
    assert beyond.endswith(more)
    assert "201 to 230 of" in await ask("citation_graph", **asked, offset=200)


async def test_semantic_scholar_is_not_asked_for_more_than_it_gives(
    ask: Ask, refusal: Ask, scholar: ScholarSite
) -> None:
    rows = [{"citingPaper": scholar_row(n)} for n in range(200)]
    scholar.fail("citations", Reply(body={"data": rows, "next": 9800}))
    asked = {"arxiv_id": PAPER, "direction": "citations"}
    said = await ask("citation_graph", **asked, offset=9790)
    assert said.endswith("[Semantic Scholar gives no more than the first 9,800.]")
    assert "only the first 9,800 entries" in await refusal("citation_graph", **asked, offset=9800)
    assert len(scholar.ledger) == 1


async def test_a_direction_that_fails_is_named(ask: Ask, scholar: ScholarSite) -> None:
    scholar.fail("citations", Reply(status=500, body="x"), times=3)
    said = await ask("citation_graph", arxiv_id=PAPER, limit=2)
    assert said.startswith("Cited by: not known. Semantic Scholar gave no answer")
    assert f"References (arXiv:{PAPER}), 1 to 2 of all 30 entries" in said


async def test_a_paper_that_is_not_known_is_asked_about_once(
    refusal: Ask, scholar: ScholarSite
) -> None:
    said = await refusal("citation_graph", arxiv_id=OTHER)
    assert said.startswith(f"Semantic Scholar does not know arXiv:{OTHER}. hf_papers(")
    assert len(scholar.ledger) == 1


async def test_snippets_name_their_papers(ask: Ask, scholar: ScholarSite, golden: Golden) -> None:
    """Only fields of snippets may be asked for; the arXiv id stands in the notice."""
    said = await ask("snippet_search", query="margin for noisy pairs", date_from="2024-01-01")
    golden("hub/papers_snippets.txt", said)
    assert scholar.ledger[0].query["publicationDateOrYear"] == "2024-01-01:"


async def test_snippets_of_one_paper(ask: Ask, scholar: ScholarSite) -> None:
    assert f'Passages of arXiv:{PAPER} about "margin"' in await ask(
        "snippet_search", query="margin", arxiv_id=f"{PAPER}v1"
    )
    assert scholar.ledger[0].query["paperIds"] == f"ARXIV:{PAPER}"


async def test_recommendations_for_one_paper_and_for_several(
    ask: Ask, scholar: ScholarSite, golden: Golden
) -> None:
    golden("hub/papers_recommend.txt", await ask("recommend", arxiv_id=PAPER, limit=2))
    assert scholar.lines == [f"GET /recommendations/v1/papers/forpaper/ARXIV:{PAPER}"]
    said = await ask("recommend", positive_ids=f"{PAPER},{OTHER}v2", negative_ids=["cs/9901001"])
    assert f"Papers like arXiv:{PAPER}, arXiv:{OTHER}, unlike arXiv:cs/9901001" in said
    assert scholar.lines[-1] == "POST /recommendations/v1/papers/"
    assert scholar.ledger[-1].json == {
        "positivePaperIds": [f"ARXIV:{PAPER}", f"ARXIV:{OTHER}"],
        "negativePaperIds": ["ARXIV:cs/9901001"],
    }


async def test_a_wrong_id_among_several_is_named(refusal: Ask, scholar: ScholarSite) -> None:
    assert '"nonsense" is no arXiv id' in await refusal(
        "recommend", positive_ids=[PAPER, "nonsense"]
    )
    assert scholar.ledger == []


OPERATIONS = [
    ("search", {"query": "x", "min_citations": 1}, "asks the Hub instead"),
    ("citation_graph", {"arxiv_id": PAPER, "direction": "references"}, 'section="References")'),
    ("snippet_search", {"query": "x"}, 'hf_papers(operation="search", query="x") works without'),
    ("recommend", {"arxiv_id": PAPER}, "`search` and `trending` ask the Hub."),
]


class TestWithoutAKey:
    @pytest.fixture
    def keys(self) -> dict[str, str]:
        return {"HF_TOKEN": "hf_secret"}

    @pytest.mark.parametrize(("operation", "args", "instead"), OPERATIONS)
    async def test_a_busy_service_is_told_at_once_with_what_works(
        self, refusal: Ask, scholar: ScholarSite, operation: str, args: Any, instead: str
    ) -> None:
        """W12: a call slept for two minutes."""
        scholar.fail("/", BUSY, times=3)
        began = time.monotonic()
        said = await refusal(operation, **args)
        assert time.monotonic() - began < 15
        assert "a free S2_API_KEY that the user sets lifts the limit" in said
        assert instead in said
        assert len(scholar.ledger) == 3

    async def test_no_key_and_no_token_is_sent(self, ask: Ask, scholar: ScholarSite) -> None:
        await ask("citation_graph", arxiv_id=PAPER)
        assert "x-api-key" not in scholar.ledger[0].headers
        assert "secret" not in str(scholar.ledger)


@pytest.mark.parametrize(
    ("reply", "times", "said"),
    [
        (BUSY, 3, "asked too often (429) with this S2_API_KEY"),
        (Reply(status=429, headers={"Retry-After": "60"}), 1, "asked too often (429) with this"),
        (Reply(status=400, body={"error": "bad fields"}), 1, "did not accept this: 127.0.0.1"),
        (Reply(status=401, body="x"), 1, "refused the request (401): check S2_API_KEY."),
        (Reply(status=403, body="x"), 1, "refused the request (403): check S2_API_KEY."),
        (Reply(status=404, body="x"), 1, "does not know"),
        (Reply(status=503, body="x"), 3, "gave no answer: 127.0.0.1 answered 503"),
        (Reply(body="x" * 1000, cut=True), 3, "gave no answer: 127.0.0.1 could not be reached"),
        (Reply(body="<html>"), 1, "is not JSON"),
        (Reply(body=[1]), 1, "has a form that cannot be read"),
        (Reply(body=None), 1, "has a form that cannot be read"),
    ],
    ids=["busy", "long", "400", "401", "403", "404", "503", "cut", "html", "list", "null"],
)
async def test_refusals_of_semantic_scholar_are_told(
    refusal: Ask, scholar: ScholarSite, reply: Reply, times: int, said: str
) -> None:
    scholar.fail("snippet", reply, times=times)
    assert said in await refusal("snippet_search", query="x")
    assert len(scholar.ledger) == times


@pytest.mark.parametrize(
    "data",
    [
        [None, {}, {"citingPaper": None}, {"citingPaper": [], "contexts": "x", "intents": 3}],
        "x",
        None,
    ],
)
async def test_odd_answers_are_shown_as_far_as_they_go(
    ask: Ask, scholar: ScholarSite, data: object
) -> None:
    scholar.fail("citations", Reply(body={"data": data, "next": "x"}))
    scholar.fail("snippet", Reply(body={"data": data, "x": 1}))
    scholar.fail("recomm", Reply(body={"recommendedPapers": data, "x": 1}))
    graph = await ask("citation_graph", arxiv_id=PAPER, direction="citations")
    assert graph.startswith(f"Cited by (arXiv:{PAPER})")
    assert "(no text)" in await ask("snippet_search", query="x") or not isinstance(data, list)
    assert f"arXiv:{PAPER}" in await ask("recommend", arxiv_id=PAPER)


async def test_the_key_does_not_follow_a_redirect(
    ask: Ask, scholar: ScholarSite, call: Callable[..., Awaitable[Any]]
) -> None:
    with Site() as foreign:
        foreign.on("GET /x", {"recommendedPapers": []})
        scholar.fail("recomm", Reply(status=302, headers={"Location": f"{foreign.url}/x"}))
        await ask("recommend", arxiv_id=PAPER)
    [asked] = foreign.ledger
    assert "secret" not in str(asked.headers)
