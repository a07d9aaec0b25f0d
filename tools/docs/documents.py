"""A page of documentation and its sections."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ml_intern.tools.docs.cleaning import blocks, cleaned, without_hashes

_LARGEST = 2_000_000
"""Characters of a page that are kept."""
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_ANCHOR = re.compile(r"\[\[([^\[\]]+)\]\]")
_QUOTED = re.compile(r"[\s\"\\]+")
"""What an anchor must not have, for it is given between quotes."""
_TITLE = 200
"""Characters of a title, or of an anchor, by which a section goes."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading; what stands under it goes on to the next of its level or above."""

    title: str
    level: int
    anchor: str
    start: int
    """The character of the page at which the heading begins."""
    end: int
    """The character at which the next heading of any level begins."""


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a page, and where its sections are."""

    text: str
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """The first heading; "" if there is none."""
        return self.sections[0].title if self.sections else ""

    def whole(self, section: Section) -> str:
        """The text of a section with all that is under it."""
        index = self.sections.index(section)
        rest = self.sections[index + 1 :]
        end = next((next_.start for next_ in rest if next_.level <= section.level), len(self.text))
        return self.text[section.start : end]

    def find(self, name: str) -> Section | None:
        """The section with an anchor or a title, however it is written."""
        wanted = name.strip().lstrip("#").strip()
        # An anchor is one section's alone; a title may be that of several.
        names = [(one.anchor, one) for one in self.sections]
        names += [(one.title, one) for one in self.sections]
        for form in _FORMS:
            said = form(wanted)
            for own, section in names:
                if said and form(own) == said:
                    return section
        part = _letters(wanted)
        found = [one for one in self.sections if part and part in _letters(one.title)]
        return found[0] if len(found) == 1 else None


def parsed(markdown: str) -> Document:
    """A page from its Markdown."""
    lines, heads, at = list[str](), list[tuple[int, str, str, int]](), 0
    for line, match in _lines(cleaned(markdown[:_LARGEST].replace("\r\n", "\n"))):
        kept = line
        if match:
            named = _ANCHOR.search(match[2])
            title = " ".join(without_hashes(_ANCHOR.sub(" ", match[2])).split())
            anchor = _QUOTED.sub("-", named[1].strip()) if named else slug(title)
            heads.append((len(match[1]), title[:_TITLE], anchor[:_TITLE] or "section", at))
            kept = f"{match[1]} {title}\n"
        lines.append(kept)
        at += len(kept)
    return Document("".join(lines), _sections(heads, at))


def slug(title: str) -> str:
    """The anchor that a heading gets; "" if it has no letters."""
    return "-".join(re.sub(r"[^\w\s-]", "", title.lower()).split())


def _lines(text: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """Lines, and those that are headings: a comment in code is none."""
    for code, block in blocks(text):
        for line in block.splitlines(keepends=True):
            yield line, None if code else _HEADING.match(line)


def _sections(heads: list[tuple[int, str, str, int]], size: int) -> tuple[Section, ...]:
    used, counts = set[str](), Counter[str]()
    found = list[Section]()
    ends = (*(start for *_, start in heads[1:]), size)
    for (level, title, anchor, start), end in zip(heads, ends, strict=False):
        unique = anchor
        while unique in used:
            counts[anchor] += 1
            unique = f"{anchor}-{counts[anchor]}"
        used.add(unique)
        found.append(Section(title, level, unique, start, end))
    return tuple(found)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


_FORMS: tuple[Callable[[str], str], ...] = (str, str.casefold, slug, _letters)
"""How exactly a name must fit, strictest first."""
