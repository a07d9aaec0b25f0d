"""The full text of a paper, from the best of those who have it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ml_intern.tools.papers import latexml, markdown
from ml_intern.tools.papers.document import Document
from ml_intern.tools.papers.identifier import ArxivId
from ml_intern.tools.papers.latexml import NoTextError
from ml_intern.tools.services import Services
from ml_intern.tools.web.client import Request
from ml_intern.tools.web.errors import WebError

_WEEK = 7 * 86_400.0
_SECONDS = 30.0
"""For all attempts at one source: pages of 5 MB come slowly."""
_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Source:
    """Someone who may have the text."""

    name: str
    url: str
    parse: Callable[[str], Document]
    note: str = ""
    """What the model should know of texts from there."""


@dataclass(frozen=True, slots=True)
class FullText:
    """A text and where it comes from."""

    document: Document
    source: Source
    failures: Sequence[str]
    """Why those that were asked before do not have it."""


def sources(paper: ArxivId, services: Services) -> list[Source]:
    """In the order in which they are asked.

    The Hub makes its markdown from arXiv's page: most tables are lost, each formula stands twice.
    """
    settings = services.settings
    return [
        Source("arXiv", f"{_base(settings.arxiv_url)}/html/{paper}", latexml.parse),
        Source(
            "ar5iv",
            f"{_base(settings.ar5iv_url)}/html/{paper}",
            latexml.parse,
            "It may be an older version of the paper.",
        ),
        Source(
            "the Hub",
            f"{_base(settings.hf_endpoint)}/papers/{paper.paper}.md",
            markdown.parse,
            "Tables may be missing from it, and formulas stand twice.",
        ),
    ]


def _base(url: str) -> str:
    return url.rstrip("/")


async def full_text(paper: ArxivId, services: Services) -> FullText:
    """The text from the first source that has it.

    Raises:
        NoTextError: none has; the message says why.
    """
    failures: list[str] = []
    for source in sources(paper, services):
        try:
            page = await services.web.page(_request(source))
            document = await asyncio.to_thread(partial(source.parse, page.text))
        except (WebError, NoTextError) as error:
            failures.append(f"{source.name}: {_reason(error)}")
        else:
            return FullText(document, source, failures)
    raise NoTextError("; ".join(failures))


def _request(source: Source) -> Request:
    return Request(url=source.url, lifetime=_WEEK, seconds=_SECONDS, attempts=_ATTEMPTS)


def _reason(error: Exception) -> str:
    """Shortly: what a page says of its absence is long."""
    if isinstance(error, WebError) and error.status in (404, 410):
        return f"it has none ({error.status})"
    if isinstance(error, WebError) and error.status is not None:
        return f"it answered {error.status}"
    return str(error).rstrip(".")
