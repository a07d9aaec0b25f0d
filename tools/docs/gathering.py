"""Reading many pages at once, within bounds: the Hub allows 100 in five minutes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace

from ml_intern.tools.docs.addresses import Sites
from ml_intern.tools.docs.contents import Contents, Entry
from ml_intern.tools.docs.documents import Document, parsed
from ml_intern.tools.docs.passages import passages
from ml_intern.tools.docs.reading import ABSENT, asked, read_page, require_covered
from ml_intern.tools.docs.store import Stored
from ml_intern.tools.web.client import Web
from ml_intern.tools.web.errors import WebError

_AT_ONCE = 5
_PATIENCE = 40.0
"""Seconds after which what has arrived must do."""
_STRIKES = 3
"""Failures after which the service is left alone."""
_WHOLE_SECONDS = 45.0
_START = re.compile(r"^### [^\n]*\n(https?://\S+)[ \t]*$", re.MULTILINE)
"""How each page begins in the file that has them all."""


class Gathering:
    """Reads pages, and remembers why some could not be read."""

    def __init__(self, web: Web, sites: Sites) -> None:
        self._web = web
        self._sites = sites
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._strikes = 0
        self.troubles: list[str] = []
        self.age = 0.0
        """Seconds since the oldest page that was read was fetched."""

    async def pages(self, entries: Sequence[Entry]) -> list[Stored]:
        """What could be read of these, in time."""
        tasks = [asyncio.create_task(self._page(entry)) for entry in entries]
        if not tasks:
            return []
        try:
            done, late = await asyncio.wait(tasks, timeout=_PATIENCE)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if late:
            self.troubles.append(f"of {len(late)} nothing came in {_PATIENCE:.0f} s")
        found = [task.result() for task in tasks if task in done]
        return [page for page in found if page]

    async def whole(self, contents: Contents) -> list[Stored]:
        """All pages of a library in one download; [] if there is none."""
        request = replace(asked(self._sites, contents.whole, _WHOLE_SECONDS), lifetime=0)
        try:
            page = await self._web.page(request)
            require_covered(self._sites, contents.whole, page)
        except WebError:
            return []  # The pages themselves are read then.
        return await asyncio.to_thread(split, self._sites, page.text, contents)

    async def _page(self, entry: Entry) -> Stored | None:
        async with self._gate:
            if self._strikes >= _STRIKES:
                return None
            try:
                reading = await read_page(self._web, self._sites, entry.url, seconds=20)
            except WebError as error:
                self._note(error)
                return None
        self.age = max(self.age, reading.age)
        return await asyncio.to_thread(_stored, entry.url, reading.document, entry.title)

    def _note(self, error: WebError) -> None:
        self.troubles.append(str(error))
        if error.status == 429:
            self._strikes = _STRIKES
        elif error.status not in ABSENT:
            self._strikes += 1


def split(sites: Sites, text: str, contents: Contents) -> list[Stored]:
    """The pages in a file that has them all."""
    titles = {entry.url: entry.title for entry in contents.entries}
    starts = [(match, sites.link(match[1], "")) for match in _START.finditer(text)]
    marks = [(match, url) for match, url in starts if url in titles]
    ends = (*(match.start() for match, _ in marks[1:]), len(text))
    return [
        _stored(url, parsed(text[match.end() : end]), titles[url])
        for (match, url), end in zip(marks, ends, strict=False)
        if url
    ]


def _stored(url: str, document: Document, title: str) -> Stored:
    return Stored(url, document.title or title, passages(url, document))
