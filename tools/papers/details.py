"""`paper_details`: all that is known of one paper."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.papers import hub
from ml_intern.tools.papers.arguments import PapersArgs
from ml_intern.tools.papers.listing import call, cited, code, facts, names
from ml_intern.tools.papers.paper import Linked, Paper, hub_paper, linked, scholar_paper
from ml_intern.tools.papers.scholar import Scholar
from ml_intern.tools.papers.untrusted import Row, excerpt
from ml_intern.tools.services import Services
from ml_intern.tools.web.errors import WebError

_AUTHORS = 30
_ABSTRACT = 6_000
_NAMED = 3
_KEYWORDS = 15


async def details(args: PapersArgs, services: Services) -> str:
    """What the Hub says, with Semantic Scholar's counts if they can be had quickly."""
    paper = args.paper.paper
    page, counts = await asyncio.gather(at_hub(services, paper), _at_scholar(services, paper))
    if isinstance(page, WebError):
        if isinstance(counts, WebError):
            raise WebError(f"{page} {counts}", page.status)
        return _described(scholar_paper(counts), str(page), counts=None, links=())
    return _described(hub_paper(page), "", counts=counts, links=linked(page))


async def at_hub(services: Services, paper: str) -> Row | HubError:
    """The Hub's entry, or why there is none."""
    try:
        return await hub.details(services.hub, paper)
    except HubError as error:
        if error.kind != "missing":
            return error
        return HubError(f"The Hub has no page of arXiv:{paper}.", "missing", error.status)


async def _at_scholar(services: Services, paper: str) -> Row | WebError:
    try:
        return await Scholar(services).paper(paper)
    except WebError as error:
        return error


def _described(
    paper: Paper, missing: str, *, counts: Row | WebError | None, links: Sequence[Linked]
) -> str:
    keywords = ", ".join(paper.keywords[:_KEYWORDS])
    parts = [
        f"# {paper.title or '(no title)'}",
        "\n".join(
            line
            for line in (
                facts(paper),
                f"Authors: {names(paper.authors, _AUTHORS)}" if paper.authors else "",
                f"Organization: {paper.organization}" if paper.organization else "",
                code(paper),
                f"Project page: {paper.project}" if paper.project else "",
                _counted(counts),
                f"Keywords: {keywords}" if keywords else "",
                *map(_linked, links),
                f"[{missing} This is Semantic Scholar's entry.]" if missing else "",
            )
            if line
        ),
        f"Summary: {paper.summary}" if paper.summary else "",
        f"Abstract: {excerpt(paper.abstract, _ABSTRACT) or '(none given)'}",
        f"[{call('read_paper', arxiv_id=paper.arxiv)} gives the contents of the full text; "
        f"{call('find_all_resources', arxiv_id=paper.arxiv)} what is linked on the Hub.]",
    ]
    return "\n\n".join(part for part in parts if part)


def _counted(counts: Row | WebError | None) -> str:
    if counts is None:
        return ""
    if isinstance(counts, WebError):
        return f"Citations: not known. {counts}"
    paper = scholar_paper(counts)
    references = f"{paper.references:,} references" if paper.references is not None else ""
    known = [part for part in (cited(paper), references, paper.venue) if part]
    return f"Semantic Scholar: {' | '.join(known) or 'no counts'}"


def _linked(link: Linked) -> str:
    if link.total is None and not link.names:
        return ""
    total = f"at least {len(link.names)}" if link.total is None else f"{link.total:,}"
    some = ", ".join(link.names[:_NAMED])
    such = f", such as {some}" if some else ""
    return f"{link.kind.capitalize()} that name it: {total}{such}"
