"""Passages of pages: what a search finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from ml_intern.tools.docs.documents import Document, Section
from ml_intern.tools.docs.fts import humps

_ROOM = 1500
"""Characters of a passage; one paragraph may be longer, up to twice that."""
_TARGET = re.compile(r"\[([^\[\]\n]{1,300})\]\((?:https?:|/|#|\.)[^()\s]*\)")
"""A link: where it leads to says nothing about the passage."""
MOST = 5000
"""Passages of a page that are kept."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a section."""

    heading: str
    """The titles of the sections it is in, without that of the page."""
    words: str
    """Names in the heading and the address, taken apart."""
    body: str
    anchor: str
    start: int
    """The character of the page at which it begins."""


def passages(url: str, document: Document) -> list[Passage]:
    """The passages of a page."""
    found = list[Passage]()
    above = list[Section]()
    address = " ".join(humps(urlsplit(url).path))
    first = document.sections[0].start if document.sections else len(document.text)
    for section in (Section("", 1, "", 0, first), *document.sections):
        above = [*(one for one in above if one.level < section.level), section]
        heading = " > ".join(one.title for one in above if one.level > 1 and one.title)
        names = f"{address} {' '.join(humps(section.title))}"
        for start, body in _parts(document.text, _below(document.text, section), section.end):
            shown = _TARGET.sub(r"\1", body)
            found.append(Passage(heading, names, shown, section.anchor, start))
    return found[:MOST]


def _below(text: str, section: Section) -> int:
    """Where the text under a heading begins."""
    if not section.title:
        return section.start
    line = text.find("\n", section.start, section.end)
    return line + 1 if line >= 0 else section.end


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """The paragraphs from `start` to `end`, as many together as have room."""
    at = start
    for stop in (*_stops(text, start, end), end):
        if stop - at >= _ROOM or stop == end:
            for cut in range(at, stop, 2 * _ROOM):
                if (body := text[cut : min(cut + 2 * _ROOM, stop)]).strip():
                    yield cut, body
            at = stop


def _stops(text: str, start: int, end: int) -> Iterator[int]:
    for match in re.compile(r"\n[ \t]*\n").finditer(text, start, end):
        yield match.end()
