"""Which section of a paper is meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from ml_intern.tools.errors import ToolError
from ml_intern.tools.papers.document import Document, Section
from ml_intern.tools.papers.untrusted import excerpt

_KIND = re.compile(
    r"(?:(?:section|sec|chapter|appendix|app|annex)\b\.?|§+)\s*(?=\S)", re.IGNORECASE
)
_QUOTES = " \t\"'`\u2018\u2019\u201c\u201d()[]*"
"""What a number may stand in."""
_ALIASES = {"bibliography": "references", "reference": "references"}
_LISTED = 40
_TITLE = 120
"""Characters of a title in a list."""
_LONGEST = 200
"""Characters of a name that can be asked for; what has a longer one is asked for by its place."""


def find(document: Document, wanted: str) -> Section:
    """The section of that number, of that title, or whose title begins so or has the words.

    A number is never looked for in titles. `Outer > inner` tells apart what has the same title,
    `#3` is the third in the contents.

    Raises:
        ToolError: there is none, or several; the message names them.
    """
    found = _matching(document, wanted)
    if len(found) == 1:
        return found[0]
    raise ToolError(_several(document, wanted, found) if found else _none(document, wanted))


def _matching(document: Document, wanted: str) -> Sequence[Section]:
    """All that are meant equally well."""
    every = document.every()
    if (place := re.fullmatch(r"#(\d{1,6})", wanted.strip())) and 0 < int(place[1]) <= len(every):
        return [every[int(place[1]) - 1]]
    if found := _best(every, wanted):
        return found
    outer, _, inner = wanted.rpartition(" > ")
    if not outer:
        return []
    holders = _matching(document, outer)
    return _best([s for holder in holders for part in holder.parts for s in part.within()], inner)


def _best(pool: Sequence[Section], wanted: str) -> Sequence[Section]:
    found = ([section for section in pool if fits(section)] for fits in _ways(wanted))
    return next((sections for sections in found if sections), [])


def _ways(wanted: str) -> Iterable[Callable[[Section], bool]]:
    """Tests of a section, the strictest first."""
    number = _KIND.sub("", wanted.strip(_QUOTES), count=1).rstrip(".:)").casefold()
    title = _plain(wanted)
    title = _ALIASES.get(title, title)
    yield lambda section: bool(number) and section.number.casefold() == number
    yield lambda section: title in (_plain(section.label), _plain(f"Appendix {section.label}"))
    yield lambda section: title == _plain(section.title)
    if not title or re.fullmatch(r"[a-z]?|[a-z]?[\d.]+|[ivxl]+(?:-[a-z]\d*)?", number):
        return
    yield (
        lambda section: (
            _plain(section.title).startswith(title) or _plain(section.label).startswith(title)
        )
    )
    yield lambda section: f" {title} " in f" {_plain(section.title)} "


def _plain(text: str) -> str:
    """Letters and digits only, in small ones."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def address(document: Document, section: Section) -> str:
    """What `find` finds the section by."""
    path = _path(document.sections, section)
    for name in (section.number, section.title, " > ".join(path)):
        if 0 < len(name) <= _LONGEST and list(_matching(document, name)) == [section]:
            return name
    return f"#{document.every().index(section) + 1}"


def _path(sections: Iterable[Section], wanted: Section) -> list[str]:
    for section in sections:
        if section is wanted:
            return [section.label]
        if below := _path(section.parts, wanted):
            return [section.label, *below]
    return []


def _several(document: Document, wanted: str, found: Sequence[Section]) -> str:
    names = "; ".join(
        f'"{address(document, one)}" ({excerpt(one.label, _TITLE)})' for one in found[:_LISTED]
    )
    left = len(found) - _LISTED
    more = f"; and {left:,} more" if left > 0 else ""
    return f'"{wanted}" can mean several sections. Give one of: {names}{more}.'


def _none(document: Document, wanted: str) -> str:
    every = document.every()
    names = "; ".join(excerpt(section.label, _TITLE) for section in every[:_LISTED])
    more = f"; and {len(every) - _LISTED:,} more" if len(every) > _LISTED else ""
    return f'There is no section "{wanted}". There are: {names}{more}.'
