"""The blocks of a LaTeXML page in their order: paragraphs, lists, tables, formulas, captions."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from ml_intern.tools.papers.document import Heading
from ml_intern.tools.papers.inline import TEX, Element, classes, dropped, inline, spelled, squeezed
from ml_intern.tools.papers.tables import table

_BLOCKS = frozenset({
    "address", "article", "blockquote", "body", "dd", "div", "dl", "dt", "figcaption", "figure",
    "h1", "h2", "h3", "h4", "h5", "h6", "li", "main", "ol", "p", "pre", "section", "table", "ul",
})  # fmt: skip
_BLOCK_CLASSES = frozenset({"ltx_tabular", "ltx_p", "ltx_para", "ltx_listing", "ltx_caption"})
_FORMULAS = frozenset({"ltx_equation", "ltx_equationgroup"})
_CODE = frozenset({"ltx_listing", "ltx_verbatim"})
_BULLETS = "\u2022\u25e6\u2219\u2013-* \n"
_MARK = 6
"""Characters of the longest number of an item, as in `(iii)`."""


def held(root: Element) -> set[Element]:
    """The elements that have a block in them."""
    found: set[Element] = set()
    for element in root.iter():
        if _is_block(element):
            above = element.getparent()
            while above is not None and above not in found:
                found.add(above)
                above = above.getparent()
    return found


def _is_block(element: Element) -> bool:
    return element.tag in _BLOCKS or bool(classes(element) & _BLOCK_CLASSES)


class Flow:
    """Reads blocks; `holds` is what `held` says of the whole page."""

    apart: ClassVar[frozenset[str]] = frozenset()
    """Classes of what is not read."""

    def __init__(self, holds: set[Element]) -> None:
        self._holds = holds

    def special(self, element: Element, names: frozenset[str]) -> Heading | None:
        """A heading, if the element is one."""
        del element, names
        return None

    def blocks(self, element: Element) -> list[Heading | str]:
        """What is in an element."""
        out: list[Heading | str] = []
        line = [element.text or ""]
        for child in element:
            if isinstance(child.tag, str) and not (dropped(child) or classes(child) & self.apart):
                if (blocks := self._block(child)) is None:
                    line.append(spelled(child))
                else:
                    out += [*_line(line), *blocks]
                    line = []
            line.append(child.tail or "")
        return [*out, *_line(line)]

    def _block(self, element: Element) -> list[Heading | str] | None:
        """The blocks that an element is; None if it is part of a line."""
        names = classes(element)
        if found := self.special(element, names):
            return [found]
        reader = self._reader(element, names)
        if reader:
            return [text] if (text := reader(element)) else []
        if element in self._holds:
            return self._listed(element) if element.tag in ("ul", "ol") else self.blocks(element)
        return [*_line([inline(element)])] if _is_block(element) else None

    def _reader(self, element: Element, names: frozenset[str]) -> Callable[[Element], str] | None:
        if names & _FORMULAS:
            return _formula
        if names & _CODE or element.tag == "pre":
            return _code
        if "ltx_tabular" in names or element.tag == "table":
            return table
        return None

    def _listed(self, element: Element) -> list[Heading | str]:
        """One block for the whole list; on a broken page, where it has headings, its blocks."""
        read = [item for child in element if (item := self._item(child))]
        if any(isinstance(block, Heading) for item in read for block in item):
            return [block for item in read for block in item]
        items = [_item([block for block in item if isinstance(block, str)]) for item in read]
        return ["\n".join(items)] if items else []

    def _item(self, element: Element) -> list[Heading | str]:
        if not isinstance(element.tag, str) or dropped(element):
            return []
        return self.blocks(element)


def _line(parts: list[str]) -> list[Heading | str]:
    text = squeezed("".join(parts))
    return [text] if text else []


def _item(texts: list[str]) -> str:
    # LaTeXML writes the bullet, or the number, as text of its own.
    mark, *rest = texts
    if rest and len(mark) <= _MARK:
        texts = [f"{mark} {rest[0]}", *rest[1:]]
    body = "\n".join(texts).lstrip(_BULLETS)
    return "- " + body.replace("\n", "\n  ")


def _formula(element: Element) -> str:
    rows = [row for row in element.iter("tr") if "ltx_equation" in classes(row)] or [element]
    return "\n".join(text for row in rows if (text := _equation(row)))


def _equation(row: Element) -> str:
    tex = " ".join(formula.text for formula in row.iter(TEX) if formula.text)
    numbers = [inline(tag) for tag in row.iter() if "ltx_tag" in classes(tag)]
    if not tex:
        return inline(row)
    return " ".join([f"$$ {tex} $$", *numbers])


def _code(element: Element) -> str:
    lines = [line for line in element.iter() if "ltx_listingline" in classes(line)]
    text = "\n".join("".join(_raw(line)).rstrip() for line in lines or [element]).strip("\n")
    return f"```\n{text}\n```" if text.strip() else ""


def _raw(element: Element) -> list[str]:
    """Text with its spaces, which code lives by; the numbers of lines left out."""
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str) and "ltx_tag" not in classes(child) and not dropped(child):
            parts += _raw(child) if child.tag != TEX else [f"${child.text}$"]
        parts.append(child.tail or "")
    return parts
