"""Searching a library: the likely pages are read first, and what was read stays searchable."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_intern.tools.docs.addresses import Sites
from ml_intern.tools.docs.contents import Contents, Entry
from ml_intern.tools.docs.fts import expression, humps, ranked
from ml_intern.tools.docs.gathering import Gathering
from ml_intern.tools.docs.reading import LIFETIME
from ml_intern.tools.docs.store import Hit, Store
from ml_intern.tools.web.client import Web

BEST = 25
"""Pages that are read for one search; a fourth of what the Hub allows in five minutes."""
DEEP = 75
"""The same for a deep search."""
SMALL = 150
"""Pages of a library that is downloaded whole, if it can be: one request instead of many."""
_FEW = 10
"""Pages that are better read one by one."""
OF_ONE = 3
"""Passages of the same page that are shown."""
_CANDIDATES = 3000
"""Passages of which those are chosen: one page may have hundreds that match."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    hits: Sequence[Hit]
    more: bool
    """Whether more passages match."""
    crowded: bool
    """Whether there are others of a page of which some are shown."""
    pages: int
    searched: int
    titles: Sequence[Entry]
    """Pages that match by title or address, but have not been searched."""
    troubles: Sequence[str]
    age: float
    """Seconds since the oldest page that was read for this search was fetched."""


class Search:
    """One search."""

    def __init__(self, web: Web, sites: Sites, contents: Sequence[Contents], query: str) -> None:
        self._gathering = Gathering(web, sites)
        self._contents = contents
        self._query = query
        self._entries = [entry for one in contents for entry in one.entries]

    async def run(self, cache: Path | None, limit: int, deep: bool) -> Found:
        """Read what is likely to help, then search all that was read in the last day."""
        store = Store(cache / "docs.sqlite" if cache else None, LIFETIME)
        try:
            likely = await asyncio.to_thread(self._by_title)
            await self._read(store, likely, deep)
            return await asyncio.to_thread(self._found, store, likely, limit)
        finally:
            await asyncio.to_thread(store.close)

    async def _read(self, store: Store, likely: Sequence[Entry], deep: bool) -> None:
        missing = await self._missing(store)
        for contents in self._contents:
            absent = sum(entry.url in missing for entry in contents.entries)
            if absent > _FEW and self._better_whole(contents, likely, deep):
                pages = await self._gathering.whole(contents)
                await asyncio.to_thread(store.add, pages)
        missing = await self._missing(store)
        # With neither titles that fit nor one file for all, any page may be the one.
        rest = self._entries if deep or len(likely) < _FEW else []
        wanted = [one for one in dict.fromkeys([*likely, *rest]) if one.url in missing]
        pages = await self._gathering.pages(wanted[: DEEP if deep else BEST])
        await asyncio.to_thread(store.add, pages)

    def _better_whole(self, contents: Contents, likely: Sequence[Entry], deep: bool) -> bool:
        small = len(self._contents) == 1 and len(contents.entries) <= SMALL
        return bool(contents.whole) and (deep or small or not likely)

    async def _missing(self, store: Store) -> set[str]:
        urls = [entry.url for entry in self._entries]
        return set(urls) - await asyncio.to_thread(store.known, urls)

    def _by_title(self) -> list[Entry]:
        rows = [(one.title, _words(one.url), one.section) for one in self._entries]
        return [self._entries[index] for index in ranked(rows, (3, 2, 1), self._query)]

    def _found(self, store: Store, likely: Sequence[Entry], limit: int) -> Found:
        urls = [entry.url for entry in self._entries]
        known = store.known(urls)
        hits, crowded = _spread(store.find(urls, expression(self._query), _CANDIDATES))
        shown = hits[:limit]
        return Found(
            shown,
            more=len(hits) > limit,
            crowded=any(hit.url in crowded for hit in shown),
            pages=len(urls),
            searched=len(known),
            titles=[entry for entry in likely if entry.url not in known],
            troubles=self._gathering.troubles,
            age=self._gathering.age,
        )


def _spread(hits: Sequence[Hit]) -> tuple[list[Hit], set[str]]:
    """One hit of each section without those of a page that has enough, and those pages."""
    shown, count, crowded = dict[tuple[str, str, str], Hit](), Counter[str](), set[str]()
    for hit in hits:
        # Passages without headings stand for themselves.
        place = (hit.url, hit.anchor, "" if hit.anchor else str(hit.start))
        if place in shown:
            continue
        if hit.anchor and count[hit.url] >= OF_ONE:
            crowded.add(hit.url)
            continue
        count[hit.url] += 1
        shown[place] = hit
    return list(shown.values()), crowded


def _words(url: str) -> str:
    """The words of an address below its library."""
    return " ".join(humps(url.split("/", 5)[-1]))
