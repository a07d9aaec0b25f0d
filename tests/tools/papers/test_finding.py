"""`trending` and `search`: the Hub without filters, Semantic Scholar with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from emulators.papers import HUB_PAPERS, OTHER, PAPER, ScholarSite, listed, scholar_row
from emulators.site import Reply, Site

Ask = Callable[..., Awaitable[str]]
Golden = Callable[[str, str], None]


async def test_trending_papers_are_listed(ask: Ask, hub: Site, golden: Golden) -> None:
    """What the Hub has below `paper` only, such as the code, is there."""
    golden("hub/papers_trending.txt", await ask("trending"))
    [asked] = hub.ledger
    assert asked.query == {"sort": "trending", "limit": "11"}
    assert asked.token == "hf_secret"


async def test_a_query_filters_the_whole_list_by_all_its_words(ask: Ask, hub: Site) -> None:
    said = await ask("trending", query="dpo ADAPTIVE", limit=1)
    assert said.startswith(
        '1 of the 3 papers that trend on the Hub have "dpo ADAPTIVE":\n\n1. Marg'
    )
    assert hub.ledger[-1].query["limit"] == "100"
    none = await ask("trending", query="dpo quantum")
    assert 'have "dpo quantum". hf_papers(operation="search", query="dpo quantum")' in none


async def test_a_day_has_its_list_or_none(ask: Ask, hub: Site) -> None:
    said = await ask("trending", date="2023-11-08")
    assert "The papers of 2023-11-08 on the Hub:\n\n1. Tokens Without Borders" in said
    assert "sort" not in hub.ledger[-1].query
    assert "There are no papers of 2023-11-11 on the Hub." in await ask(
        "trending", date="2023-11-11"
    )


async def test_search_without_filters_asks_the_hub_only(
    ask: Ask, hub: Site, scholar: ScholarSite, golden: Golden
) -> None:
    golden("hub/papers_search.txt", await ask("search", query="preference tuning", limit=1))
    assert hub.ledger[-1].query == {"q": "preference tuning", "limit": "2"}
    assert scholar.ledger == []


async def test_entries_go_on_where_they_were_cut(ask: Ask, hub: Site) -> None:
    first = await ask("search", query="the a", limit=2)
    assert '[more: hf_papers(operation="search", query="the a", limit=2, offset=2)]' in first
    second = await ask("search", query="the a", limit=2, offset=2)
    assert "\n\n3. A Short Note on Warmup" in second
    assert "[more" not in second
    assert "Give a smaller offset" in await ask("search", query="the a", offset=50)


async def test_an_offset_beyond_the_end_does_not_say_that_there_is_nothing(ask: Ask) -> None:
    said = await ask("search", query="margins", sort_by="relevance", offset=500)
    assert "about 30 match: no entry from number 501 on. Give a smaller offset." in said


async def test_the_end_of_what_a_service_gives_is_told(ask: Ask, hub: Site) -> None:
    """The Hub's search gives 120 papers at most: that is not all there are."""
    hub.fail("search", Reply(body=[{"title": f"T{n}"} for n in range(120)]), times=2)
    last = await ask("search", query="a", limit=50, offset=100)
    assert "\n120. T119\n" in last
    assert last.endswith("[No more than 120 can be had.]")
    assert "can be had" not in await ask("search", query="a", limit=50)


async def test_odd_entries_are_shown_as_far_as_they_go(ask: Ask, hub: Site) -> None:
    odd = [
        None, 7, {}, {"paper": None, "title": None}, {"paper": {"id": 5, "title": ["x"]}},
        {"paper": {"authors": [None, {"name": 3}, {"name": "\x1b[31mEve\x00"}], "upvotes": -1,
                   "publishedAt": "soon", "githubRepo": "javascript:alert(1)"}, "title": "A\n# B"},
        listed(HUB_PAPERS[OTHER]),
    ]  # fmt: skip
    hub.fail("daily", Reply(body=odd))
    said = await ask("trending")
    assert "4. A # B\n   no id\n   \\x1b[31mEve\\x00\n5. Tokens" in said
    assert said.count("(no title)") == 3
    assert "-1 upvotes" not in said
    assert "javascript" not in said


@pytest.mark.parametrize("body", [{}, "<html>", None, 3, {"error": "x"}, "[1, 2"])
async def test_an_answer_of_another_form_is_said_to_be_one(
    refusal: Ask, hub: Site, body: object
) -> None:
    hub.fail("search", Reply(body=body))
    assert "has a form that cannot be read" in await refusal("search", query="x")


@pytest.mark.parametrize(
    ("status", "times", "said"),
    [
        (400, 1, "The Hub did not accept this of the papers of 2999-01-01: "),
        (401, 1, "The Hub refused the papers"),
        (403, 1, "The Hub refused the papers"),
        (429, 3, "The Hub is asked too often"),
        (500, 3, "The Hub did not answer"),
    ],
)
async def test_refusals_of_the_hub_are_told(
    refusal: Ask, hub: Site, status: int, times: int, said: str
) -> None:
    hub.fail("daily", Reply(status=status, body={"error": "because"}), times=times)
    assert said in await refusal("trending", date="2999-01-01")
    assert len(hub.ledger) == times


async def test_nothing_found_says_where_else_to_look(ask: Ask, hub: Site) -> None:
    said = await ask("search", query="zzz")
    assert 'hf_papers(operation="search", query="zzz", sort_by="relevance") asks Semantic' in said


async def test_filters_ask_semantic_scholar_by_relevance(
    ask: Ask, hub: Site, scholar: ScholarSite, golden: Golden
) -> None:
    """W7: the search in bulk is not ranked by relevance."""
    said = await ask(
        "search", query="adaptive margins", date_from="2024-01", categories="Computer Science",
        min_citations=20, limit=3, offset=3,
    )  # fmt: skip
    golden("hub/papers_search_filtered.txt", said)
    [asked] = scholar.ledger
    assert asked.path == "/graph/v1/paper/search"
    assert {k: v for k, v in asked.query.items() if k != "fields"} == {
        "query": "adaptive margins", "publicationDateOrYear": "2024-01:", "limit": "3",
        "fieldsOfStudy": "Computer Science", "minCitationCount": "20", "offset": "3",
    }  # fmt: skip
    assert asked.headers["x-api-key"] == "s2_secret"
    assert asked.token == ""
    assert hub.ledger == []


async def test_a_hyphen_does_not_hide_what_there_is(ask: Ask, scholar: ScholarSite) -> None:
    assert "1. Following" in await ask("search", query="fine-tuning -vision", sort_by="relevance")
    assert scholar.ledger[-1].query["query"] == "fine tuning -vision"


@pytest.mark.parametrize(
    ("order", "first", "words"),
    [
        ("citationCount", "Following Margins, Part 30", "the most cited first (not by relevance)"),
        ("publicationDate", "Following Margins, Part 27", "the newest first (not by relevance)"),
    ],
)
async def test_another_order_is_said_not_to_be_relevance(
    ask: Ask, scholar: ScholarSite, order: str, first: str, words: str
) -> None:
    said = await ask("search", query="margins", sort_by=order, limit=5)
    assert words in said.splitlines()[0]
    assert f"\n\n1. {first}\n" in said
    assert f'query="margins", sort_by="{order}", limit=5, offset=5)]' in said
    assert scholar.ledger[-1].path == "/graph/v1/paper/search/bulk"
    assert "\n\n6. " in await ask("search", query="margins", sort_by=order, limit=5, offset=5)
    assert len(scholar.ledger) == 1


async def test_a_failing_filter_is_no_reason_to_search_without(
    refusal: Ask, hub: Site, scholar: ScholarSite
) -> None:
    """Results that were not filtered must not pass for filtered ones."""
    scholar.fail("search", Reply(status=500, body="oops"), times=3)
    said = await refusal("search", query="margins", min_citations=10)
    assert "Semantic Scholar gave no answer: 127.0.0.1 answered 500" in said
    assert 'Nothing was searched. hf_papers(operation="search", query="margins") asks' in said
    assert hub.ledger == []


async def test_odd_papers_of_semantic_scholar_are_shown_as_far_as_they_go(
    ask: Ask, scholar: ScholarSite
) -> None:
    odd = [
        None, {"paperId": "abc"}, scholar_row(3, externalIds=None, tldr=None, authors=None),
        scholar_row(4, citationCount="9", year=None, publicationDate=None, venue=7,
                    externalIds={"DOI": "10.1/x"}, authors=[{"name": None}, "x"]),
    ]  # fmt: skip
    scholar.fail("search", Reply(body={"total": "many", "data": odd}))
    said = await ask("search", query="x", sort_by="relevance")
    assert "1. (no title)\n   abc\n2. Following" in said
    assert "CorpusId:26000003 | 2024-05-04 | 30 citations" in said
    assert "3. Following Margins, Part 4\n   DOI:10.1/x\n" in said


async def test_no_result_of_a_filter_is_said_with_the_filter(ask: Ask) -> None:
    said = await ask("search", query="margins", min_citations=9999, date_to="2024")
    assert said == (
        'Semantic Scholar has no paper about "margins" to 2024 with 9,999 citations or more. '
        "Loosen filters."
    )


async def test_what_was_asked_once_is_not_asked_again(ask: Ask, scholar: ScholarSite) -> None:
    first = await ask("search", query=PAPER, sort_by="relevance")
    assert await ask("search", query=PAPER, sort_by="relevance") == first
    assert len(scholar.ledger) == 1
