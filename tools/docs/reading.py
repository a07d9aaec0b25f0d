"""Reading one page of documentation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ml_intern.tools.docs.addresses import Sites
from ml_intern.tools.docs.documents import Document, parsed
from ml_intern.tools.docs.webpage import is_html, readable
from ml_intern.tools.errors import ToolError
from ml_intern.tools.web.client import Request, Web
from ml_intern.tools.web.errors import StrayError, WebError
from ml_intern.tools.web.kept import Page
from ml_intern.tools.web.origins import origin_of

LIFETIME = 86_400.0
"""Seconds for which a page, or a list of pages, is as good as new."""
ABSENT = frozenset({403, 404, 405, 410})
"""Statuses of an address at which there is nothing for us."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A page as it was found."""

    url: str
    document: Document
    age: float
    """Seconds since it was fetched."""


def asked(sites: Sites, url: str, seconds: float = 30) -> Request:
    """The request for something of the documentation: never with a token."""
    # The shared cache keeps no refusals: what is missing now is asked for again next time.
    return Request(
        url=url,
        origins=[origin_of(root) for root in sites.roots],
        lifetime=LIFETIME,
        seconds=seconds,
        attempts=2,
    )


async def read_page(web: Web, sites: Sites, url: str, seconds: float = 30) -> Reading:
    """A page, its Markdown if there is one.

    Raises:
        WebError: it is not to be had; the status is 404 if there is none.
    """
    for candidate in _candidates(sites, url):
        try:
            page = await web.page(asked(sites, candidate, seconds))
        except WebError as error:
            if error.status not in ABSENT:
                raise
            continue
        require_covered(sites, candidate, page)
        document = await asyncio.to_thread(_document, page)
        if document.text.strip():
            return Reading(url, document, page.age)
    raise WebError(f"{sites.shown(url)}: there is no such page, or it has no text.", 404)


def of_old(age: float) -> str:
    """What to say of copies that are older than they should be; "" of others."""
    if age <= LIFETIME:
        return ""
    return f"The site does not answer: this is as it was {age / 3600:,.0f} hours ago."


def require_covered(sites: Sites, url: str, page: Page) -> None:
    """A redirect must not lead from the documentation to other parts of the same host."""
    if not sites.covers(page.url):
        raise StrayError(f"{url} redirects to {page.url}, which is no documentation: not read.")


def unknown_page(sites: Sites, url: str) -> ToolError:
    """What to do about a page that is not there."""
    library = sites.library(url) or "transformers"
    words = " ".join(url.rpartition("/")[2].replace("_", " ").replace("-", " ").split())
    return ToolError(
        f"There is no page {sites.shown(url)} in the documentation. Look for it with "
        f'explore_hf_docs(library="{library}", query="{words}").'
    )


def _candidates(sites: Sites, url: str) -> list[str]:
    """Where the page may be, best form first."""
    if url.endswith(".txt"):
        return [url]
    depth = sites.depth(url)
    if depth == 0:
        return [f"{url}/llms.txt", url]
    return [f"{url}/index.md", url] if depth == 1 else [f"{url}.md", url]


def _document(page: Page) -> Document:
    return parsed(readable(page.text) if is_html(page.text, page.kind) else page.text)
