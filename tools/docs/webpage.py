"""HTML pages: their text as Markdown, and the links of their navigation. For threads."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

_LEFT_OUT = frozenset({
    "script", "style", "nav", "header", "footer", "aside", "svg", "button", "form", "noscript",
    "template", "head", "iframe",
})  # fmt: skip
_BLOCKS = frozenset({
    "p", "div", "section", "article", "table", "ul", "ol", "dl", "dt", "dd", "blockquote", "figure",
})  # fmt: skip
_LABELS = frozenset({
    "h1", "h2", "h3", "h4", "h5", "h6", "span", "button", "p", "summary", "div", "li",
})  # fmt: skip
_NAVIGATION = ".//nav[contains(concat(' ', normalize-space(@class), ' '), ' flex-auto ')]"


def is_html(text: str, kind: str = "") -> bool:
    """Whether a text is an HTML page, whatever it was asked for as."""
    start = text[:500].lstrip().lower()
    return start.startswith(("<!doctype html", "<html")) or ("html" in kind and start[:1] == "<")


def readable(page: str) -> str:
    """The text of a page as Markdown; "" if it has none."""
    tree = _tree(page)
    if tree is None:
        return ""
    found = (
        tree.xpath(".//article | .//main | .//*[@role='main']") or tree.xpath(".//body") or [tree]
    )
    return "".join(_written(found[0]))


def links(page: str) -> list[tuple[str, str, str]]:
    """Section, title and target of the links in the navigation; without one, of all links."""
    tree = _tree(page)
    if tree is None:
        return []
    return [link for nav in tree.xpath(_NAVIGATION) or [tree] for link in _links(nav)]


def _tree(page: str) -> Any:  # noqa: ANN401 - lxml has no types
    html = importlib.import_module("lxml.html")
    try:
        # Bytes: of text with an encoding declaration lxml makes an error.
        data = page.encode("utf-8", "replace")
        # Without `huge_tree`, what is nested deeper than 256 is lost in silence.
        parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
        return html.document_fromstring(data, parser=parser)
    except (html.etree.LxmlError, ValueError):
        return None


def _links(nav: Any) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401
    section = ""
    for element in nav.iter():
        own = " ".join((element.text or "").split()) if isinstance(element.tag, str) else ""
        if element.tag == "a" and element.get("href"):
            yield section, " ".join(element.text_content().split()), element.get("href")
        elif own and element.tag in _LABELS and next(element.iterancestors("a"), None) is None:
            section = own


def _written(root: Any) -> Iterator[str]:  # noqa: ANN401
    """Iterative: a page may be nested deeper than Python's stack."""
    code = 0
    walk = importlib.import_module("lxml.etree").iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag if isinstance(element.tag, str) else "script"
        if event == "start":
            if tag in _LEFT_OUT:
                walk.skip_subtree()
                continue
            code += tag == "pre"
            yield _opened(element, tag, bool(code))
            yield _text(element.text, bool(code))
        else:
            if tag not in _LEFT_OUT:
                yield _closed(element, tag, bool(code))
                code -= tag == "pre"
            if element is not root:
                yield _text(element.tail, bool(code))


def _opened(element: Any, tag: str, code: bool) -> str:  # noqa: ANN401
    if tag == "pre":
        return "\n\n```\n"
    if code:
        return ""
    if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
        return f"\n\n{'#' * int(tag[1])} "
    inline = {"code": "`", "li": "\n- ", "br": "\n", "tr": "\n"}
    return inline.get(tag, "\n\n" if tag in _BLOCKS else "")


def _closed(element: Any, tag: str, code: bool) -> str:  # noqa: ANN401
    if tag == "pre":
        return "\n```\n\n"
    if code:
        return ""
    if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
        anchor = element.get("id") or element.xpath("string(.//a/@id)")
        return f" [[{anchor}]]\n\n" if anchor else "\n\n"
    inline = {"code": "`", "td": " | ", "th": " | "}
    return inline.get(tag, "\n\n" if tag in _BLOCKS else "")


def _text(text: str | None, code: bool) -> str:
    if not text or code:
        return text or ""
    # A space at either side separates words; a newline would end a heading.
    left, right = text[:1].isspace(), text[-1:].isspace()
    joined = " ".join(text.split())
    return f"{' ' * left}{joined}{' ' * right}" if joined else " "
