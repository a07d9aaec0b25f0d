"""What stands within a line of a LaTeXML page, as text: formulas as TeX, and short links."""

from __future__ import annotations

import re
from typing import Any

Element = Any
"""An element of lxml, which has no types."""
TEX = "tex"
"""What a formula is renamed to: its text is TeX then."""
_DROPPED = frozenset({
    "ltx_note_mark", "ltx_tag_note", "ltx_note_type", "ltx_ERROR", "ltx_bib_cited", "ltx_rule",
    "ltx_pagination", "ltx_page_footer", "ltx_page_header", "ltx_TOC", "sr-only",
})  # fmt: skip
_DROPPED_TAGS = frozenset({
    "script", "style", "nav", "button", "svg", "img", "head", "footer", "iframe", "noscript",
    "object", "video", "template", "dialog", "form",
})  # fmt: skip
_TITLES = frozenset({"thanks", "institutetext", "address", "email"})
_LONGEST = 120
"""Characters of an address that is worth its place."""


def classes(element: Element) -> frozenset[str]:
    """What LaTeXML says of an element: the names in its `class`."""
    return frozenset((element.get("class") or "").split())


def dropped(element: Element) -> bool:
    """Whether it says nothing: furniture of the page, marks, pictures."""
    names = classes(element)
    if names & _DROPPED or element.tag in _DROPPED_TAGS:
        return True
    return bool(names & {f"ltx_role_{role}" for role in _TITLES})


def with_tex(root: Element) -> None:
    """Put the TeX of each formula in its place."""
    for formula in list(root.iter("math")):
        tex, tail = _tex(formula), formula.tail
        formula.clear()
        formula.tag, formula.text, formula.tail = TEX, tex, tail


def _tex(formula: Element) -> str:
    tex = formula.get("alttext") or ""
    if not tex:
        for note in formula.iter("annotation"):
            if note.get("encoding") == "application/x-tex":
                tex = "".join(note.itertext())
                break
    tex = tex or "".join(formula.itertext())
    tex = " ".join(tex.replace("%\n", "").split())
    return tex.removeprefix(r"\displaystyle").removeprefix(r"\textstyle").strip()


def inline(element: Element) -> str:
    """The text of an element on one line."""
    return squeezed("".join(_parts(element)))


def squeezed(text: str) -> str:
    """On one line, with no space before what closes a phrase."""
    return re.sub(r" (?=[,.;:)\]](?:\s|$))", "", " ".join(text.split()))


def _parts(element: Element) -> list[str]:
    parts = [element.text or ""]
    for child in element:
        parts += [spelled(child), child.tail or ""]
    return parts


def spelled(element: Element) -> str:
    """An element among text, as it is to be read; whitespace as it comes."""
    if not isinstance(element.tag, str) or dropped(element):
        return ""
    if element.tag == TEX:
        return f"${element.text}$" if element.text else ""
    text = "".join(_parts(element))
    names = classes(element)
    if "ltx_note" in names:
        return f" (footnote: {squeezed(text)})" if text.strip() else ""
    return _marked(element, text, names)


def _marked(element: Element, text: str, names: frozenset[str]) -> str:
    if element.tag == "br" or names & {"ltx_bibblock", "ltx_tr"}:
        return f"{text} "
    if element.tag == "sup" and text.strip():
        return f"^{squeezed(text)}"
    if element.tag == "sub" and text.strip():
        return f"_{squeezed(text)}"
    if element.tag == "a":
        return text + _target(element.get("href") or "", text)
    if names & {"ltx_td", "ltx_th"} or element.tag in ("td", "th"):
        return f"{text} "
    return text


def _target(href: str, text: str) -> str:
    """Where a link leads, where that is outside of the paper and not said already."""
    outside = href.startswith(("http://", "https://")) and len(href) <= _LONGEST
    if not outside or "arxiv.org/" in href or "labs.arxiv" in href:
        return ""
    bare = href.split("://", 1)[1].rstrip("/")
    return "" if bare in text or not text.strip() else f" ({href})"
