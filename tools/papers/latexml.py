"""Papers as LaTeXML writes them in HTML, for arXiv and for ar5iv."""

from __future__ import annotations

import importlib
import re

from ml_intern.tools.papers.document import TOP, Document, Heading, Section, heading, tree
from ml_intern.tools.papers.flow import Flow, held
from ml_intern.tools.papers.inline import Element, classes, inline, with_tex
from ml_intern.tools.papers.untrusted import excerpt

_LEVELS = {
    "ltx_title_part": 1,
    "ltx_title_chapter": 2,
    "ltx_title_section": 3,
    "ltx_title_subsection": 4,
    "ltx_title_subsubsection": 5,
    "ltx_title_paragraph": 6,
    "ltx_title_subparagraph": 7,
    "ltx_title_appendix": TOP,
    "ltx_title_bibliography": TOP,
    "ltx_title_acknowledgements": TOP,
    "ltx_title_glossary": TOP,
    "ltx_title_index": TOP,
}
_KIND = re.compile(r"(?:appendix|annex|section|chapter|part)\s+", re.IGNORECASE)
_AUTHORS = 600
"""Characters of the authors' names: some pages have their addresses among them."""

_OPENING = 300
"""Characters above which what stands before the first heading is text, not dates and notes."""


class NoTextError(Exception):
    """A page does not have the full text of a paper."""


def parse(html: str) -> Document:
    """The paper on a page. Slow: for threads.

    Raises:
        NoTextError: there is none.
    """
    lxml = importlib.import_module("lxml.html")
    # Without `huge_tree`, what is nested deeper than 256 is lost in silence.
    parser = lxml.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        # lxml takes no text that declares its own encoding.
        return _read(lxml.document_fromstring(html.encode("utf-8", "replace"), parser=parser))
    except (lxml.etree.LxmlError, ValueError, RecursionError) as error:
        raise NoTextError(
            f"the page is no HTML that can be read ({type(error).__name__})"
        ) from None


def _read(root: Element) -> Document:
    article = next((e for e in root.iter("article", "div") if "ltx_document" in classes(e)), None)
    if article is None:
        raise NoTextError("the page has no paper on it")
    with_tex(article)
    holds = held(article)
    sections, before = tree(_Body(holds).blocks(article))
    if sum(map(len, before)) >= _OPENING:
        sections.insert(0, Section("Before the first section", blocks=before))
    if not sections:
        raise NoTextError("the page has no text besides the abstract")
    return Document(
        title=_first(article, "ltx_title_document"),
        authors=excerpt(", ".join(_all(article, "ltx_personname")), _AUTHORS),
        abstract=_abstract(article, holds),
        sections=sections,
    )


class _Body(Flow):
    """The blocks of the paper with its headings among them; what stands before them left out."""

    apart = frozenset({"ltx_abstract", "ltx_authors", "ltx_title_document", "ltx_dates"})

    def special(self, element: Element, names: frozenset[str]) -> Heading | None:
        for name in names & _LEVELS.keys():
            return _heading(element, _LEVELS[name])
        return None


def _heading(element: Element, level: int) -> Heading:
    number = ""
    for tag in element.iter():
        if "ltx_tag" in classes(tag):
            said = inline(tag)
            match = _KIND.match(said)
            number = said[match.end() if match else 0 :].rstrip(".: ")
            tag.text, tag[:] = None, []
            break
    title = inline(element)
    return Heading(level, title, number) if number else heading(level, title)


def _abstract(root: Element, holds: set[Element]) -> str:
    for element in root.iter():
        if "ltx_abstract" in classes(element):
            blocks = [b for b in Flow(holds).blocks(element) if isinstance(b, str)]
            return "\n\n".join(b for b in blocks if b.strip(" .:").casefold() != "abstract")
    return ""


def _first(root: Element, name: str) -> str:
    return next(iter(_all(root, name)), "")


def _all(root: Element, name: str) -> list[str]:
    found = (inline(element) for element in root.iter() if name in classes(element))
    return [text for text in found if text]
