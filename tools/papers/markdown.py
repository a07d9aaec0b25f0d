"""Papers as the Hub's markdown has them: made from arXiv's page, with less of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ml_intern.tools.docs.cleaning import blocks, without_hashes
from ml_intern.tools.papers.document import Document, Heading, heading, tree
from ml_intern.tools.papers.latexml import NoTextError

_HEAD = re.compile(
    r"Title: (?P<title>[^\n]*)\n+URL Source: (?P<source>\S+)\n.*?^Markdown Content:\n",
    re.DOTALL | re.MULTILINE,
)
_ATX = re.compile(r"(#{1,6})\s+(\S.*)")
_UNDERLINE = re.compile(r"=+|-{2,}")
_IMAGE = re.compile(r'!\[(?:[^\[\]]|\[[^\[\]]*\])*\]\([^()\s]*(?:\s+"[^"\n]*")?\)')
_LINK = re.compile(r'\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]*)(?:\s+"[^"\n]*")?\)')
_BULLET = re.compile(r"^([ \t]*)\*[ \t]+\u2022?[ \t]*", re.MULTILINE)
_CITED = re.compile(r" ?Cited by: .*$", re.MULTILINE)


def parse(text: str) -> Document:
    """The paper in the Hub's markdown. Slow: for threads.

    Raises:
        NoTextError: it has no more than the paper's page at the Hub.
    """
    head = _HEAD.match(text.lstrip())
    title = head["title"].strip() if head else ""
    if text.lstrip()[:1] == "<" or (head and "arxiv.org/" not in head["source"]):
        raise NoTextError("it has the page about the paper only")
    body = text.lstrip()[head.end() :] if head else text
    sections, _ = tree([item for item in _items(body) if not _is_title(item, title)])
    abstract = next((s for s in sections if s.title.rstrip(".").casefold() == "abstract"), None)
    rest = [section for section in sections if section is not abstract]
    if not rest:
        raise NoTextError("it has no sections")
    return Document(
        title=title, abstract="\n\n".join(abstract.blocks) if abstract else "", sections=rest
    )


def _is_title(item: Heading | str, title: str) -> bool:
    return isinstance(item, Heading) and (item.level == 1 or item.title == title)


def _items(text: str) -> list[Heading | str]:
    """Headings and blocks in their order; code is a block."""
    parts = [(code, part.rstrip()) for code, part in blocks(text)]
    return [
        item
        for code, part in parts
        for item in ([part] if code and part else _prose(part.splitlines()))
    ]


def _prose(lines: Sequence[str]) -> list[Heading | str]:
    out: list[Heading | str] = []
    block: list[str] = []
    for line in lines:
        found = _heading(line, block)
        if found or not line.strip():
            out += _block(block)
            block = []
        else:
            block.append(line)
        if found:
            out.append(found)
    return [*out, *_block(block)]


def _heading(line: str, block: list[str]) -> Heading | None:
    """The heading that a line is, or, as a line of dashes, makes of the one before it."""
    if match := _ATX.fullmatch(line):
        return _leveled(len(match[1]), without_hashes(match[2]))
    if len(block) == 1 and _UNDERLINE.fullmatch(line.strip()) and not block[0].startswith("|"):
        return _leveled(1 if "=" in line else 2, block.pop())
    return None


def _leveled(level: int, title: str) -> Heading:
    found = heading(level, plain(title))
    # Levels are as the page had them, except the abstract's, which is its smallest.
    return Heading(2, found.title) if found.title.rstrip(".") == "Abstract" else found


def _block(lines: list[str]) -> list[str]:
    text = plain("\n".join(lines)).strip()
    return [text] if text else []


def plain(text: str) -> str:
    """Markdown without pictures, and with only the text of links within arXiv."""
    text = _LINK.sub(_text_of_link, _IMAGE.sub("", text))
    return _BULLET.sub(r"\1- ", _CITED.sub("", text))


def _text_of_link(match: re.Match[str]) -> str:
    said, target = match[1], match[2]
    bare = target.partition("://")[2].rstrip("/")
    if not bare or "arxiv.org/" in bare or bare in said:
        return said
    return f"{said} ({target})"
