"""`trending` and `search`: papers by day and by subject."""

from __future__ import annotations

from collections.abc import Sequence

from ml_intern.tools.papers import hub
from ml_intern.tools.papers.arguments import PapersArgs
from ml_intern.tools.papers.listing import call, entries
from ml_intern.tools.papers.paper import Paper, hub_paper, scholar_paper
from ml_intern.tools.papers.scholar import Scholar
from ml_intern.tools.papers.untrusted import number_of, rows_of
from ml_intern.tools.services import Services
from ml_intern.tools.web.errors import WebError

_DAILY = 100
"""Papers of a daily list that are looked through for a query: all there are on one page."""
_FOUND = 120
"""The most that the Hub's search gives."""
_BULK = 1000
"""The most that a search by another order than relevance gives at once."""


async def trending(args: PapersArgs, services: Services) -> str:
    """The list of today, or of a day; only what has the words of a query."""
    most = _DAILY if args.query else min(_DAILY, args.offset + args.limit + 1)
    rows = await hub.daily(services.hub, args.date, most)
    papers = [hub_paper(row) for row in rows]
    name = f"papers of {args.date} on the Hub" if args.date else "papers that trend on the Hub"
    if not papers:
        return f"There are no {name}. On weekends there are none; try another date."
    if args.query:
        matching = [paper for paper in papers if _has(paper, args.query.casefold().split())]
        head = f'{len(matching)} of the {len(papers)} {name} have "{args.query}"'
        if not matching:
            return f"{head}. {call('search', query=args.query)} searches all papers."
        papers = matching
    else:
        head = f"The {name}"
    return _page(args, papers, head, _DAILY)


def _has(paper: Paper, words: Sequence[str]) -> bool:
    text = " ".join([paper.title, paper.abstract, paper.summary, *paper.keywords]).casefold()
    return all(word in text for word in words)


async def search(args: PapersArgs, services: Services) -> str:
    """Papers about something; where anything is filtered or sorted, Semantic Scholar's."""
    if args.sort_by in ("citationCount", "publicationDate"):
        return await _filtered(args, services, by_relevance=False)
    if args.filtered:
        return await _filtered(args, services, by_relevance=True)
    most = min(_FOUND, args.offset + args.limit + 1)
    rows = await hub.search(services.hub, args.words, most)
    if not rows:
        elsewhere = call("search", query=args.query, sort_by="relevance")
        return f'The Hub has no paper about "{args.query}". {elsewhere} asks Semantic Scholar.'
    head = f'Papers on the Hub about "{args.query}", the most relevant first'
    return _page(args, [hub_paper(row) for row in rows], head, _FOUND)


async def _filtered(args: PapersArgs, services: Services, *, by_relevance: bool) -> str:
    scholar = Scholar(services)
    try:
        found = await (scholar.search(args) if by_relevance else scholar.sorted_search(args))
    except WebError as error:
        plain = call("search", query=args.query)
        raise WebError(
            f"{error} Nothing was searched. {plain} asks the Hub instead, which has no filters "
            "and no other order than relevance.",
            error.status,
        ) from None
    rows = rows_of(found.get("data"))[:_BULK]
    total = number_of(found.get("total"))
    if not rows and not args.offset:
        return f'Semantic Scholar has no paper about "{args.query}"{_where(args)}. Loosen filters.'
    head = f'Papers at Semantic Scholar about "{args.query}"{_where(args)}, {_order(args)}'
    head += f"; about {total:,} match" if total else ""
    papers = [scholar_paper(row) for row in rows]
    if by_relevance:
        more = found.get("next") is not None
        return _listed(args, papers[: args.limit], head, more=more)
    return _page(args, papers, head, _BULK)


def _order(args: PapersArgs) -> str:
    if args.sort_by == "citationCount":
        return "with all of the words, the most cited first (not by relevance)"
    if args.sort_by == "publicationDate":
        return "with all of the words, the newest first (not by relevance)"
    return "the most relevant first"


def _where(args: PapersArgs) -> str:
    parts = [
        f"from {args.date_from}" if args.date_from else "",
        f"to {args.date_to}" if args.date_to else "",
        f"in {args.categories}" if args.categories else "",
        f"with {args.min_citations:,} citations or more" if args.min_citations else "",
    ]
    return "".join(f" {part}" for part in parts if part)


def _page(args: PapersArgs, papers: Sequence[Paper], head: str, most: int) -> str:
    """The entries that are asked for, of those that were fetched: at most `most`."""
    end = args.offset + args.limit
    more = len(papers) > end
    text = _listed(args, papers[args.offset : end], head, more=more)
    return text if more or len(papers) < most else f"{text}\n[No more than {most:,} can be had.]"


def _listed(args: PapersArgs, papers: Sequence[Paper], head: str, *, more: bool) -> str:
    if not papers:
        return f"{head}: no entry from number {args.offset + 1:,} on. Give a smaller offset."
    foot = f"\n[more: {_again(args)}]" if more else ""
    return f"{head}:\n\n{entries(papers, args.offset + 1)}{foot}"


def _again(args: PapersArgs) -> str:
    """The same call for the entries that follow."""
    given = args.model_dump(exclude_defaults=True, exclude={"operation", "offset"})
    return call(args.operation, **given, offset=args.offset + args.limit)
