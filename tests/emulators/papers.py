"""Papers: the Hub's routes about them, arXiv and ar5iv, and a strict Semantic Scholar."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from typing_extensions import override

from emulators.site import Ask, Reply, Site

_FOLDER = Path(__file__).parent
PAGE = (_FOLDER / "papers_paper.html").read_text(encoding="utf-8")
"""arXiv's page of `PAPER`, with all that such pages have."""
MARKDOWN = (_FOLDER / "papers_paper.md").read_text(encoding="utf-8")
"""The Hub's markdown of it."""

PAPER = "2404.01234"
OTHER = "2311.04567"
UNREAD = "2402.09876"
"""A paper that nobody has the full text of."""
KEY = "s2_secret"


def _author(name: str) -> dict[str, Any]:
    return {"_id": "65f0", "name": name, "hidden": False}


HUB_PAPERS: dict[str, dict[str, Any]] = {
    PAPER: {
        "id": PAPER,
        "title": "Margin Matters:\n  Preference Tuning with Adaptive Margins",
        "authors": [
            _author(name) for name in ("Ada Noether", "Émile Kovač", "Li Wei", "Jo Ö", "K")
        ],
        "publishedAt": "2024-04-01T17:59:59.000Z",
        "summary": "Preference tuning treats every pair alike. " * 12,
        "ai_summary": "Adaptive margins make preference tuning robust to noisy pairs.",
        "ai_keywords": ["preference tuning", "DPO", "adaptive margin"],
        "upvotes": 1234,
        "numComments": 3,
        "githubRepo": "https://github.com/noether-lab/margin",
        "githubStars": 2100,
        "projectPage": "https://margin.example.org/",
        "organization": {"name": "noether-lab", "fullname": "Noether Lab"},
    },
    OTHER: {
        "id": OTHER,
        "title": "Tokens Without Borders",
        "authors": [_author("Zoë Adeyemi")],
        "publishedAt": "2023-11-08T00:00:00.000Z",
        "summary": "One tokenizer for a hundred scripts.",
        "upvotes": 7,
    },
    UNREAD: {
        "id": UNREAD,
        "title": "A Short Note on Warmup",
        "authors": [],
        "publishedAt": None,
        "summary": "Warmup helps. We say when.",
        "upvotes": "many",
    },
}
"""Entries by id; fields may be missing or odd, as the Hub's are."""


def listed(paper: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of a list: most of it stands below `paper`."""
    inner = {key: value for key, value in paper.items() if key != "numComments"}
    return {
        "paper": inner,
        "publishedAt": paper.get("publishedAt"),
        "title": paper.get("title"),
        "summary": paper.get("summary"),
        "numComments": paper.get("numComments", 0),
        "submittedBy": {"_id": "1", "fullname": "S", "name": "s", "type": "user", "isPro": False},
        "isAuthorParticipating": False,
    }


def detailed(paper: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of a paper's own page."""
    models = [{"id": f"noether-lab/margin-{size}b", "likes": 3, "downloads": 9} for size in (1, 7)]
    return {
        **paper,
        "linkedModels": models,
        "numTotalModels": 1204,
        "linkedDatasets": [{"id": "noether-lab/pairs"}],
        "numTotalDatasets": 1,
        "linkedSpaces": [{"id": "noether-lab/demo"}],
    }


MODELS = [
    {
        "id": f"noether-lab/margin-{n}", "downloads": 120_000 // (n + 1), "likes": 40 - n,
        "private": False, "tags": [f"arxiv:{PAPER}"], "pipeline_tag": "text-generation",
        "library_name": "transformers", "gated": "auto" if n == 1 else False,
    }
    for n in range(14)
]  # fmt: skip
DATASETS = [
    {
        "id": "noether-lab/pairs", "downloads": 5321, "likes": 77, "private": False,
        "tags": [f"arxiv:{PAPER}"], "description": "Pairs with a measure of agreement. " * 20,
    },
    {"id": "someone/pairs-de", "downloads": 12, "likes": 0, "private": False, "tags": []},
]  # fmt: skip
COLLECTIONS = [
    {
        "slug": "noether-lab/margins-660f", "title": "Margins", "upvotes": 41, "items": [],
        "owner": {"name": "noether-lab", "fullname": "Noether Lab", "type": "org"},
        "lastUpdated": "2024-05-02T10:00:00.000Z", "private": False, "theme": "green",
        "description": "Models and pairs of the paper.",
    },
    {
        "slug": "reader/to-read-77aa", "title": "To read", "upvotes": 0, "items": [],
        "owner": {"name": "reader"}, "lastUpdated": "2024-06-01T00:00:00.000Z",
        "private": False, "theme": "blue",
    },
]  # fmt: skip


def known(*names: str) -> Callable[[Callable[[Ask], Any]], Callable[[Ask], Any]]:
    """A handler that refuses parameters that the service does not have."""

    def strict(handler: Callable[[Ask], Any]) -> Callable[[Ask], Any]:
        def answer(ask: Ask) -> Any:
            if strange := sorted(set(ask.query) - set(names)):
                return Reply(status=400, body={"error": f"Unacceptable query params: {strange}"})
            return handler(ask)

        return answer

    return strict


def add_papers(site: Site) -> None:
    """The Hub's papers, and the lists that can be asked for what names one."""
    papers = list(HUB_PAPERS.values())

    @known("q", "limit")
    def search(ask: Ask) -> Any:
        words = ask.query["q"].casefold().split()
        found = [p for p in papers if any(word in str(p).casefold() for word in words)]
        return [listed(paper) for paper in found][: int(ask.query["limit"])]

    @known("limit", "date", "sort", "p")
    def daily(ask: Ask) -> Any:
        if ask.query.get("sort", "publishedAt") not in ("publishedAt", "trending"):
            return Reply(status=400, body={"error": "bad sort"})
        date = ask.query.get("date", "")
        found = [p for p in papers if str(p["publishedAt"]).startswith(date) or not date]
        return [listed(paper) for paper in found][: int(ask.query.get("limit", 50))]

    @known()
    def page(ask: Ask) -> Any:
        paper = HUB_PAPERS.get(ask.parts["id"])
        return detailed(paper) if paper else Reply(status=404, body={"error": "Paper not found"})

    site.on("GET /api/papers/search", search)
    site.on("GET /api/daily_papers", daily)
    site.on("GET /api/papers/{id+}", page)
    site.on("GET /papers/{id}.md", lambda ask: _hub_markdown(ask.parts["id"]))
    for kind, rows in (("models", MODELS), ("datasets", DATASETS)):
        site.on(f"GET /api/{kind}", _tagged(rows))
    site.on("GET /api/collections", _collections)


def _tagged(rows: list[dict[str, Any]]) -> Callable[[Ask], Any]:
    @known("filter", "sort", "limit")
    def answer(ask: Ask) -> Any:
        if ask.query["sort"] not in ("downloads", "likes", "trendingScore"):
            return Reply(status=400, body={"error": "Invalid sort"})
        mine = ask.query["filter"] == f"arxiv:{PAPER}"
        return rows[: int(ask.query["limit"])] if mine else []

    return answer


@known("item", "sort", "limit")
def _collections(ask: Ask) -> Any:
    mine = ask.query["item"] == f"papers/{PAPER}"
    return COLLECTIONS[: int(ask.query["limit"])] if mine else []


def _hub_markdown(paper: str) -> Any:
    if paper == PAPER:
        return MARKDOWN
    if paper in HUB_PAPERS:
        return (
            f"Title: Paper page\n\nURL Source: https://huggingface.co/papers/{paper}\n\n"
            "Markdown Content:\n## Paper page\n\nJoin the discussion.\n"
        )
    return Reply(status=404, body="<!DOCTYPE html><html><h1>404</h1></html>")


class ArxivSite(Site):
    """arXiv, or ar5iv: pages by id."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        super().__init__()
        self.pages = dict(pages)
        self.on("GET /html/{id+}", self._page)

    def _page(self, ask: Ask) -> Any:
        page = self.pages.get(re.sub(r"v\d+$", "", ask.parts["id"]))
        return page or Reply(
            status=404, body=f"<html><h1>No HTML for '{ask.parts['id']}'</h1></html>"
        )


_BASE_FIELDS = frozenset({
    "paperId", "corpusId", "externalIds", "url", "title", "abstract", "venue", "publicationVenue",
    "year", "referenceCount", "citationCount", "influentialCitationCount", "isOpenAccess",
    "openAccessPdf", "fieldsOfStudy", "s2FieldsOfStudy", "publicationTypes", "publicationDate",
    "journal", "citationStyles", "authors",
})  # fmt: skip
_FULL_FIELDS = _BASE_FIELDS | {"tldr", "embedding", "citations", "references"}
_EDGE_FIELDS = _BASE_FIELDS | {"contexts", "intents", "contextsWithIntent", "isInfluential"}
_SNIPPET_FIELDS = frozenset({
    "snippet.text", "snippet.snippetKind", "snippet.section", "snippet.snippetOffset",
    "snippet.annotations.refMentions", "snippet.annotations.sentences",
})  # fmt: skip
_FILTERS = ("publicationDateOrYear", "fieldsOfStudy", "minCitationCount", "year", "venue")


def scholar_row(number: int, **changes: Any) -> dict[str, Any]:
    """A paper of Semantic Scholar's."""
    return {
        "paperId": f"{number:040x}",
        "corpusId": 26_000_000 + number,
        "externalIds": {"ArXiv": f"2405.{number:05}", "CorpusId": 26_000_000 + number},
        "title": f"Following Margins, Part {number}",
        "year": 2024,
        "publicationDate": f"2024-05-{1 + number % 28:02}",
        "venue": "Conference on Margins",
        "authors": [{"authorId": "1", "name": "R. Author"}, {"authorId": "2", "name": "S. Author"}],
        "citationCount": number * 10,
        "influentialCitationCount": number // 5,
        "referenceCount": 40,
        "abstract": None,
        "tldr": {"model": "tldr@v2", "text": f"Margins follow, {number} times."},
        **changes,
    }


class ScholarSite(Site):
    """Semantic Scholar: 400 for a field or a parameter that an endpoint does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.paper = scholar_row(
            1, title=HUB_PAPERS[PAPER]["title"], abstract="As at Semantic Scholar.",
            externalIds={"ArXiv": PAPER, "CorpusId": 5}, citationCount=4321,
            influentialCitationCount=812, venue="Neural Margins",
        )  # fmt: skip
        self.found = [scholar_row(number) for number in range(1, 31)]
        edges = "GET /graph/v1/paper/ARXIV:{id}"
        self.on(f"{edges}/citations", self._edges("citingPaper"))
        self.on(f"{edges}/references", self._edges("citedPaper"))
        page = ("offset", "limit")
        self._route("GET /graph/v1/paper/search", _FULL_FIELDS, self._search,
                    "query", *page, *_FILTERS)  # fmt: skip
        self._route("GET /graph/v1/paper/search/bulk", _BASE_FIELDS, self._bulk,
                    "query", "sort", "token", *_FILTERS)  # fmt: skip
        self._route("GET /graph/v1/snippet/search", _SNIPPET_FIELDS, self._snippets,
                    "query", "limit", "paperIds", *_FILTERS)  # fmt: skip
        self._route("GET /graph/v1/paper/ARXIV:{id+}", _FULL_FIELDS, self._one)
        self._route("GET /recommendations/v1/papers/forpaper/ARXIV:{id+}", _BASE_FIELDS,
                    self._recommend, "from", "limit")  # fmt: skip
        self._route("POST /recommendations/v1/papers/", _BASE_FIELDS, self._recommend, "limit")

    @override
    def answer(self, ask: Ask) -> Reply:
        if (key := ask.headers.get("x-api-key")) not in (None, KEY):
            self.ledger.append(ask)
            return Reply(status=403, body={"message": f"Forbidden: {key}"})
        return super().answer(ask)

    def _route(
        self, line: str, fields: Iterable[str], handler: Callable[[Ask], Any], *names: str
    ) -> None:
        def checked(ask: Ask) -> Any:
            return _refused(ask, frozenset(fields)) or handler(ask)

        self.on(line, known("fields", *names)(checked))

    def _edges(self, inner: str) -> Callable[[Ask], Any]:
        @known("fields", "offset", "limit", "publicationDateOrYear")
        def answer(ask: Ask) -> Any:
            if refused := _refused(ask, _EDGE_FIELDS):
                return refused
            if ask.parts["id"] != PAPER:
                return Reply(status=404, body={"error": "Paper not found"})
            start, most = int(ask.query["offset"]), int(ask.query["limit"])
            rows = [_edge(inner, row, n) for n, row in enumerate(self.found)][start : start + most]
            more = start + most < len(self.found)
            return {"offset": start, "data": rows, **({"next": start + most} if more else {})}

        return answer

    def _search(self, ask: Ask) -> Any:
        start, most = int(ask.query.get("offset", 0)), int(ask.query.get("limit", 100))
        rows = self._matching(ask)
        more = {"next": start + most} if start + most < len(rows) else {}
        return {"total": len(rows), "offset": start, "data": rows[start : start + most], **more}

    def _bulk(self, ask: Ask) -> Any:
        name, _, way = ask.query["sort"].partition(":")
        if name not in ("citationCount", "publicationDate", "paperId") or way not in (
            "asc",
            "desc",
        ):
            return Reply(status=400, body={"error": f"bad sort {ask.query['sort']}"})
        rows = sorted(self._matching(ask), key=lambda row: row[name], reverse=way == "desc")
        return {"total": len(rows), "token": None, "data": [_without_tldr(row) for row in rows]}

    def _matching(self, ask: Ask) -> list[dict[str, Any]]:
        # A word with a hyphen matches nothing at Semantic Scholar.
        if re.search(r"\w-\w", ask.query["query"]):
            return []
        least = int(ask.query.get("minCitationCount") or 0)
        return [row for row in self.found if row["citationCount"] >= least]

    def _one(self, ask: Ask) -> Any:
        mine = ask.parts["id"] == PAPER
        return self.paper if mine else Reply(status=404, body={"error": "Paper not found"})

    def _snippets(self, ask: Ask) -> Any:
        return {"retrievalVersion": "pa1-v1", "data": SNIPPETS[: int(ask.query.get("limit", 10))]}

    def _recommend(self, ask: Ask) -> Any:
        rows = [_without_tldr(row) for row in self.found]
        return {"recommendedPapers": rows[: int(ask.query.get("limit", 100))]}


def _refused(ask: Ask, fields: frozenset[str]) -> Reply | None:
    asked = [name for name in ask.query.get("fields", "").split(",") if name]
    strange = [name for name in asked if name not in fields]
    said = {"error": f"Unrecognized or unsupported fields: [{', '.join(strange)}]"}
    return Reply(status=400, body=said) if strange else None


def _edge(inner: str, row: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {
        "isInfluential": number % 7 == 3,
        "intents": ["methodology"] if number % 3 == 0 else [],
        "contexts": [f"As in the margins of [1], we take number {number}. " + "On and on. " * 40],
        inner: _without_tldr(row),
    }


def _without_tldr(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "tldr"}


SNIPPETS = [
    {
        "score": 0.9,
        "snippet": {
            "text": "We set the margin\nto 0.3 for noisy pairs. " + "It held at every scale. " * 90,
            "snippetKind": "body",
            "section": "Experiments",
        },
        "paper": {
            "corpusId": "26000001",
            "title": "Following Margins, Part 1",
            "authors": [["R. Author", "S. Author", "T. Author"]],
            "openAccessInfo": {
                "license": "CCBY",
                "disclaimer": "Notice: available at https://arxiv.org/abs/2405.00001, subject to",
            },
        },
    },
    {
        "score": 0.5,
        "snippet": {"text": "Margins", "snippetKind": "title", "section": None},
        "paper": {"corpusId": "77", "title": "Margins", "authors": [], "openAccessInfo": None},
    },
]
