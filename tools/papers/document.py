"""A paper as a tree of sections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

TOP = 0
"""The level of what is a part of its own wherever it stands: an appendix, the references."""
_NUMBER = r"\d+(?:\.\d+)*|[A-Z](?:\.\d+)+|[IVXL]+(?:-[A-Z]\d*)?"
_NUMBERED = re.compile(
    rf"(?:(?:appendix|annex)\s+(?P<appendix>[A-Z](?:\.\d+)*|\d+|[IVX]+)\b[.:]?"
    rf"|(?:(?:section|chapter)\s+)?(?P<number>{_NUMBER}|[A-Z](?=\.))[.:]?(?=\s))\s*(?P<title>.*)",
    re.IGNORECASE | re.DOTALL,
)
_REFERENCES = re.compile(r"references|bibliography|literature cited", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heading:
    """A title and how deep it stands: of two, the lower number holds the other."""

    level: int
    title: str
    number: str = ""


@dataclass(slots=True, eq=False)
class Section:
    """A part of a paper."""

    title: str
    number: str = ""
    """As in `4.2` or `A.1`; "" if it has none."""
    blocks: list[str] = field(default_factory=list)
    """Its own text, that of its parts left out: paragraphs, tables, formulas, captions."""
    parts: list[Section] = field(default_factory=list)

    @property
    def label(self) -> str:
        """Number and title."""
        # With a point after a letter, which could be a word of the title.
        number = f"{self.number}." if self.number.isalpha() else self.number
        return f"{number} {self.title}".strip()

    def within(self) -> Iterator[Section]:
        """This one and every one in it, in the order of the paper."""
        yield self
        for part in self.parts:
            yield from part.within()

    def text(self, level: int = 2) -> str:
        """Its text and then its parts', as markdown; each once."""
        own = [f"{'#' * min(level, 6)} {self.label}", *self.blocks]
        return "\n\n".join([*own, *(part.text(level + 1) for part in self.parts)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The full text of a paper."""

    title: str = ""
    authors: str = ""
    abstract: str = ""
    sections: Sequence[Section] = ()

    def every(self) -> list[Section]:
        """All sections at all depths, in the order of the paper."""
        return [inner for section in self.sections for inner in section.within()]

    @property
    def size(self) -> int:
        """Characters of all sections."""
        return sum(len(section.text()) for section in self.sections)


def heading(level: int, title: str) -> Heading:
    """A heading whose title may begin with its number."""
    match = _NUMBERED.fullmatch(title.strip())
    if not match:
        return Heading(level, title.strip())
    number = match["appendix"] or match["number"]
    if not number[0].isdigit() and number != number.upper():
        return Heading(level, title.strip())  # A word, such as the "mix" of "Mix of experts".
    return Heading(level, match["title"].strip() or title.strip(), number)


def tree(items: Sequence[Heading | str]) -> tuple[list[Section], list[str]]:
    """Sections out of headings and blocks in their order, and the blocks before the first heading.

    The references come last, wherever they stood.
    """
    top = min((i.level for i in items if isinstance(i, Heading) and i.level != TOP), default=1)
    roots: list[Section] = []
    before: list[str] = []
    open_: list[tuple[int, Section]] = []
    for item in items:
        if isinstance(item, str):
            (open_[-1][1].blocks if open_ else before).append(item)
            continue
        level = top if item.level == TOP else item.level
        while open_ and open_[-1][0] >= level:
            open_.pop()
        section = Section(item.title, item.number)
        (open_[-1][1].parts if open_ else roots).append(section)
        open_.append((level, section))
    return sorted(roots, key=_is_references), before


def _is_references(section: Section) -> bool:
    return bool(_REFERENCES.fullmatch(section.title))
