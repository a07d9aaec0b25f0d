"""Which pages a library's documentation has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote

from ml_intern.tools.docs.addresses import Sites, is_course
from ml_intern.tools.docs.libraries import near
from ml_intern.tools.docs.reading import ABSENT, asked, require_covered
from ml_intern.tools.docs.webpage import is_html, links
from ml_intern.tools.errors import ToolError
from ml_intern.tools.web.client import Web
from ml_intern.tools.web.errors import WebError

_MOST = 5000
"""Pages of a library that are looked at."""
_FEW = 3
"""Links below which a list of pages is none, but a document itself."""
_LINK = re.compile(r"\s*[-*+]\s+\[(.*)\]\(([^()\s]+)\)")
_ANCHOR = re.compile(r"\[\[[^\[\]]*\]\]")
_GENERIC = frozenset({"", "docs", "documentation", "pages", "optional"})


class NoLibraryError(ToolError):
    """Nothing is documented under a name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the list of a library's pages."""

    title: str
    url: str
    section: str
    """The heading it is listed under, or the folder it is in; "" for neither."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The pages of one library."""

    library: str
    entries: tuple[Entry, ...]
    whole: str = ""
    """Where all of them can be had at once; "" if nowhere."""


async def contents_of(web: Web, sites: Sites, library: str) -> Contents:
    """The pages of a library.

    Raises:
        NoLibraryError: there is none of that name.
        WebError: the list cannot be had.
    """
    if library == "gradio":
        return await _gradio(web, sites)
    roots = [sites.learn, sites.hub] if is_course(library) else [sites.hub]
    for root in roots:
        place = f"{root}/{library}"
        for url, parse in ((f"{place}/llms.txt", llms), (place, navigation)):
            entries = await _entries(web, sites, url, partial(parse, sites, place))
            if entries:
                whole = f"{place}/llms-full.txt" if parse is llms else ""
                return Contents(library, entries, whole)
    raise NoLibraryError(
        f"There is no documentation of {library!r} at {sites.hub}. {near(library)}"
    )


async def _gradio(web: Web, sites: Sites) -> Contents:
    url = f"{sites.gradio}/llms.txt"
    entries = await _entries(web, sites, url, partial(llms, sites, sites.gradio))
    if len(entries) < _FEW:  # Gradio's file is not a list of its pages, but their text.
        entries = (Entry("Gradio: classes, functions, guides and examples", url, ""),)
    return Contents("gradio", entries)


async def _entries(
    web: Web, sites: Sites, url: str, parse: Callable[[str, str], list[Entry]]
) -> tuple[Entry, ...]:
    try:
        page = await web.page(asked(sites, url, seconds=20))
    except WebError as error:
        if error.status in ABSENT:
            return ()
        raise
    require_covered(sites, url, page)
    found = await asyncio.to_thread(parse, page.text, page.url)
    once = dict[str, Entry]()
    for entry in found:
        once.setdefault(entry.url, entry)
    return tuple(once.values())[:_MOST]


def llms(sites: Sites, place: str, text: str, _: str = "") -> list[Entry]:
    """The pages that an `llms.txt` links to."""
    if is_html(text):
        return []
    section, found = "", list[Entry]()
    for line in text.splitlines():
        if line.startswith("## "):
            section = " ".join(line[3:].split())
        elif match := _LINK.match(line):
            target = sites.link(match[2], f"{place}/")
            if target and not target.endswith(".txt"):
                title = " ".join(_ANCHOR.sub("", match[1]).split())
                found.append(_entry(title, target, section, place))
    return found


def navigation(sites: Sites, place: str, page: str, base: str) -> list[Entry]:
    """The pages that the navigation of a web page links to."""
    found = list[Entry]()
    for section, title, href in links(page):
        target = sites.link(href, base)
        # The library itself is no page of its own, and the header links to others.
        if target and target.startswith(f"{place}/"):
            found.append(_entry(title, target, section, place))
    return found


def _entry(title: str, url: str, section: str, place: str) -> Entry:
    folder = url.removeprefix(f"{place}/").rpartition("/")[0]
    name = unquote(url.rpartition("/")[2]).replace("_", " ").replace("-", " ")
    generic = section.lower() in _GENERIC
    return Entry(title or name, url, _unversioned(folder) if generic else section)


def _unversioned(folder: str) -> str:
    parts = folder.split("/")
    if parts and re.fullmatch(r"main|v\d[\w.]*|pr_\d+", parts[0]):
        parts = parts[1:]
    if parts and re.fullmatch(r"[a-z]{2}(-[A-Za-z]+)?", parts[0]):
        parts = parts[1:]
    return "/".join(parts)
