"""Semantic Scholar: search with filters, citations, snippets, recommendations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ml_intern.tools.papers.arguments import PapersArgs
from ml_intern.tools.papers.untrusted import Row, row_of
from ml_intern.tools.services import Services
from ml_intern.tools.web.client import Request
from ml_intern.tools.web.errors import WebError

Direction = Literal["citations", "references"]
KEY = "S2_API_KEY"
_DAY = 86_400.0
_SECONDS = 15.0
"""For all attempts of a request: who waits longer is told that the service is busy."""
_PATIENCE = 6.0
"""The same for what is only an extra."""
_LISTED = "title,externalIds,corpusId,year,publicationDate,venue,authors,citationCount"
_RANKED = f"{_LISTED},influentialCitationCount"
_FULL = f"{_RANKED},tldr"
"""With what only search by relevance and single papers give."""
_DETAILS = f"{_FULL},abstract,referenceCount"
_CITED = f"contexts,intents,isInfluential,{_RANKED}"
_SNIPPET = "snippet.text,snippet.snippetKind,snippet.section"


class Scholar:
    """Semantic Scholar, asked with the user's key if there is one."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @property
    def keyed(self) -> bool:
        """Whether the user has a key."""
        return bool(self._services.keys.get(KEY))

    async def search(self, args: PapersArgs) -> Row:
        """Papers by relevance: `data`, and `total` and `next` where there are more."""
        page = {"limit": str(args.limit), "offset": str(args.offset)}
        params = {"query": unhyphened(args.words), "fields": _FULL, **_filters(args), **page}
        return await self._ask("/graph/v1/paper/search", params, "`search`")

    async def sorted_search(self, args: PapersArgs) -> Row:
        """The first thousand papers that have all words, in another order than relevance."""
        params = {"query": unhyphened(args.words), "fields": _RANKED, **_filters(args)}
        order = {"sort": f"{args.sort_by}:desc"}
        return await self._ask("/graph/v1/paper/search/bulk", {**params, **order}, "`search`")

    async def paper(self, paper: str) -> Row:
        """One paper; quickly or not at all."""
        path, params = f"/graph/v1/paper/ARXIV:{paper}", {"fields": _DETAILS}
        return await self._ask(path, params, f"arXiv:{paper}", quick=True)

    async def graph(self, paper: str, way: Direction, offset: int, most: int) -> Row:
        """What cites a paper, or what it cites."""
        params = {"fields": _CITED, "limit": str(most), "offset": str(offset)}
        return await self._ask(f"/graph/v1/paper/ARXIV:{paper}/{way}", params, f"arXiv:{paper}")

    async def snippets(self, args: PapersArgs, paper: str) -> Row:
        """Passages of papers about something; of one paper if `paper` is given."""
        within = {"paperIds": f"ARXIV:{paper}"} if paper else {}
        params = {"query": args.words, "fields": _SNIPPET, "limit": str(args.limit)}
        return await self._ask(
            "/graph/v1/snippet/search", {**params, **_filters(args), **within}, "`snippet_search`"
        )

    async def like(self, liked: Sequence[str], unliked: Sequence[str], most: int) -> Row:
        """Papers to read next."""
        params = {"fields": _RANKED, "limit": str(most)}
        path, named = "/recommendations/v1/papers/", ", ".join(f"arXiv:{p}" for p in liked)
        if len(liked) == 1 and not unliked:
            params["from"] = "recent"
            return await self._ask(f"{path}forpaper/ARXIV:{liked[0]}", params, named)
        names = {"positivePaperIds": liked, "negativePaperIds": unliked}
        body = {key: [f"ARXIV:{paper}" for paper in papers] for key, papers in names.items()}
        return await self._ask(path, params, named, body=body)

    async def _ask(
        self,
        path: str,
        params: Mapping[str, str],
        what: str,
        *,
        body: Any = None,  # noqa: ANN401 - JSON
        quick: bool = False,
    ) -> Row:
        key = self._services.keys.get(KEY)
        request = Request(
            url=f"{self._services.settings.semantic_scholar_url.rstrip('/')}{path}",
            params=params,
            body=body,
            credentials={"x-api-key": key} if key else {},
            lifetime=_DAY,
            seconds=_PATIENCE if quick else _SECONDS,
            attempts=1 if quick else 3,
        )
        try:
            found = row_of(await self._services.web.json(request))
        except WebError as error:
            raise WebError(self._explained(error, what), error.status) from None
        if not found:
            raise WebError(
                f"Semantic Scholar's answer about {what} has a form that cannot be read."
            )
        return found

    def _explained(self, error: WebError, what: str) -> str:
        if error.status == 404:
            return f"Semantic Scholar does not know {what}."
        if error.status == 429 and not self.keyed:
            return (
                "Semantic Scholar is asked too often (429): without a key, everyone shares one "
                f"limit. Try again in a minute; a free {KEY} that the user sets lifts the limit."
            )
        if error.status == 429:
            return f"Semantic Scholar is asked too often (429) with this {KEY}. Wait a few seconds."
        if error.status in (401, 403):
            return f"Semantic Scholar refused the request ({error.status}): check {KEY}."
        if error.status == 400:
            return f"Semantic Scholar did not accept this: {error}"
        return f"Semantic Scholar gave no answer: {error}"


def _filters(args: PapersArgs) -> dict[str, str]:
    dates = f"{args.date_from}:{args.date_to}" if args.date_from or args.date_to else ""
    filters = {
        "publicationDateOrYear": dates,
        "fieldsOfStudy": ",".join(part.strip() for part in args.categories.split(",")),
        "minCitationCount": str(args.min_citations or ""),
    }
    return {name: value for name, value in filters.items() if value}


def unhyphened(query: str) -> str:
    """Semantic Scholar finds nothing for a word with a hyphen, or takes it for "without"."""
    return " ".join(
        word.replace("-", " ") if not word.startswith("-") else word for word in query.split()
    )
