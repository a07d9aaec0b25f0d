"""`read_paper`: the contents of a paper, and its sections page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ml_intern.tools.errors import ToolError
from ml_intern.tools.papers.arguments import PapersArgs
from ml_intern.tools.papers.details import at_hub
from ml_intern.tools.papers.document import Document, Section
from ml_intern.tools.papers.fulltext import FullText, full_text
from ml_intern.tools.papers.latexml import NoTextError
from ml_intern.tools.papers.listing import call
from ml_intern.tools.papers.lookup import address, find
from ml_intern.tools.papers.paper import hub_paper, scholar_paper
from ml_intern.tools.papers.scholar import Scholar
from ml_intern.tools.papers.untrusted import excerpt
from ml_intern.tools.services import Services
from ml_intern.tools.web.errors import WebError

PAGE = 16_000
"""Characters of a section shown at once."""
_ABSTRACT = 6_000
_LABEL = 120
"""Characters of a section's title in a list."""
_LINES = 80
"""Sections listed; of a longer list, the deepest are left out first."""
_SLACK = 3_000
"""Characters by which a page may be shorter, so as to end with a paragraph."""


async def read_paper(args: PapersArgs, services: Services) -> str:
    """A section, or what there is to be read."""
    if args.offset and not args.section:
        raise ToolError("read_paper needs section with offset: it counts a section's characters.")
    try:
        found = await full_text(args.paper, services)
    except NoTextError as error:
        return await _without(args, services, str(error))
    # In a thread: a paper may have thousands of sections.
    return await asyncio.to_thread(_section if args.section else _overview, args, found)


def _overview(args: PapersArgs, found: FullText) -> str:
    document = found.document
    first = address(document, document.sections[0])
    example = call("read_paper", arxiv_id=str(args.paper), section=first)
    parts = [
        f"# {_title(args, document)}",
        "\n".join(
            line
            for line in (
                _origin(args, found),
                f"Authors: {document.authors}" if document.authors else "",
            )
            if line
        ),
        f"Abstract: {excerpt(document.abstract, _ABSTRACT) or '(the page has none)'}",
        f"Contents, with characters ({document.size:,} in all; those of subsections count in):",
        _contents(document),
        f"[{example} reads a section; numbers and titles do.]",
    ]
    return "\n\n".join(parts)


def _origin(args: PapersArgs, found: FullText) -> str:
    said = [f"Full text of arXiv:{args.paper} from {found.source.name}.", found.source.note]
    if found.failures:
        said.append(f"({'; '.join(found.failures)}.)")
    return " ".join(part for part in said if part)


def _contents(document: Document) -> str:
    lines = list(_lines(document.sections, 0))
    deepest = max(depth for depth, _ in lines)
    while deepest and len(lines) > _LINES:
        lines = [line for line in lines if line[0] < deepest]
        deepest -= 1
    hidden = len(document.every()) - len(lines)
    shown = [f"{'  ' * depth}{text}" for depth, text in lines[:_LINES]]
    cut = len(lines) - len(shown) + hidden
    more = [f"({cut:,} deeper or later sections are not listed; their titles find them, too)"]
    return "\n".join([*shown, *(more if cut else [])])


def _lines(sections: Iterable[Section], depth: int) -> list[tuple[int, str]]:
    """Depth and line of every section."""
    lines: list[tuple[int, str]] = []
    for section in sections:
        lines.append((depth, f"{excerpt(section.label, _LABEL)} ({len(section.text()):,})"))
        lines += _lines(section.parts, depth + 1)
    return lines


def _section(args: PapersArgs, found: FullText) -> str:
    document = found.document
    if args.section.casefold() == "abstract" and document.abstract:
        section = Section("Abstract", blocks=[document.abstract])
    else:
        section = find(document, args.section)
    text, label = section.text(), excerpt(section.label, _LABEL)
    if args.offset and args.offset >= len(text):
        raise ToolError(f'Section "{label}" has {len(text):,} characters; give a smaller offset.')
    end = page_end(text, args.offset)
    head = f"{_title(args, document)} (arXiv:{args.paper}, from {found.source.name})"
    foot = _on(args, end, len(text)) if end < len(text) else f"[end of section {label}]"
    return "\n\n".join([head, text[args.offset : end].strip("\n"), foot])


def _title(args: PapersArgs, document: Document) -> str:
    return excerpt(document.title, 300) or f"arXiv:{args.paper}"


def page_end(text: str, start: int) -> int:
    """Where a page that begins at `start` ends: after a paragraph, or a line, or a word."""
    end = start + PAGE
    if end >= len(text):
        return len(text)
    for mark in ("\n\n", "\n", " "):
        at = text.rfind(mark, end - _SLACK, end)
        if at > start:
            return at + len(mark)
    return end


def _on(args: PapersArgs, end: int, total: int) -> str:
    again = call("read_paper", arxiv_id=str(args.paper), section=args.section, offset=end)
    return f"[{total - end:,} of {total:,} characters more; read on with {again}]"


async def _without(args: PapersArgs, services: Services, reasons: str) -> str:
    """The abstract, and why there is no more."""
    why = f"The full text of arXiv:{args.paper} cannot be had. {reasons}."
    if args.section:
        raise ToolError(
            f"{why} So no section can be read; {call('read_paper', arxiv_id=str(args.paper))} "
            "gives the abstract."
        )
    title, abstract = await _abstract(args, services)
    if not abstract:
        raise ToolError(f"{why} Nor its abstract.")
    return f"# {title}\n\n[{why} This is the abstract only.]\n\nAbstract: {abstract}"


async def _abstract(args: PapersArgs, services: Services) -> tuple[str, str]:
    page = await at_hub(services, args.paper.paper)
    if not isinstance(page, WebError):
        paper = hub_paper(page)
        if paper.abstract:
            return paper.title, paper.abstract
    try:
        paper = scholar_paper(await Scholar(services).paper(args.paper.paper))
    except WebError:
        return "", ""
    return paper.title, paper.abstract
