"""`fetch_hf_docs`: a page of documentation, whole or by section."""

from __future__ import annotations

import asyncio

from pydantic import Field

from ml_intern.tools.docs.addresses import sites
from ml_intern.tools.docs.documents import Document, Section
from ml_intern.tools.docs.reading import Reading, of_old, read_page, unknown_page
from ml_intern.tools.errors import ToolError
from ml_intern.tools.output import visible
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec
from ml_intern.tools.web.errors import WebError

PAGE = 12_000
"""Characters shown at once."""
_START = 6_000
"""The same of a long page's start, which its table of contents comes before."""
_OUTLINE = 50
"""Headings that are listed."""


class FetchArgs(ToolArgs):
    """What `fetch_hf_docs` is called with."""

    url: str = Field(
        min_length=1,
        max_length=1000,
        description='Address or path of the page, or "library/page"; #anchor selects a section.',
    )
    section: str | None = Field(
        default="", max_length=300, description="Anchor or title of the section to read."
    )
    offset: int = Field(
        default=0, ge=0, description="Character of the page or section to start at."
    )


async def fetch(args: FetchArgs, ctx: ToolContext) -> ToolResult:
    """Read a page, or a part of one."""
    where = sites(ctx.services.settings)
    address = where.address(args.url)
    try:
        reading = await read_page(ctx.services.web, where, address.url, seconds=60)
    except WebError as error:
        if error.status != 404:
            raise
        raise unknown_page(where, address.url) from None
    section = (args.section or "").strip()
    text = await asyncio.to_thread(shown, reading, section, address.anchor, args.offset)
    return ToolResult(text=visible(text))


def shown(reading: Reading, section: str, anchor: str, offset: int) -> str:
    """The part of a page that is asked for.

    Raises:
        ToolError: it has no such part.
    """
    document = reading.document
    chosen = _chosen(document, section, anchor)
    if section and chosen is None:
        raise ToolError(_unknown_section(reading, section))
    notes = [f"[{old}]"] if (old := of_old(reading.age)) else []
    if anchor and not section and chosen is None:
        notes.append(f"[The page has no section {anchor!r}: this is its start.]")
    if chosen:
        return "\n".join([*notes, _part(reading, document.whole(chosen), chosen, offset)])
    if offset or len(document.text) <= PAGE:
        return "\n".join([*notes, _part(reading, document.text, None, offset)])
    return "\n".join([*notes, _beginning(reading)])


def _chosen(document: Document, section: str, anchor: str) -> Section | None:
    name = section or anchor
    return document.find(name) if name else None


def _beginning(reading: Reading) -> str:
    document = reading.document
    end = _cut(document.text, 0, _START)
    return "\n".join([
        f"{reading.url} ({len(document.text):,} characters)",
        *outline(document, reading.url),
        "",
        document.text[:end].rstrip(),
        f"[{len(document.text) - end:,} characters more: read on with "
        f'fetch_hf_docs(url="{reading.url}", offset={end}), or a section.]',
    ])  # fmt: skip


def outline(document: Document, url: str) -> list[str]:
    """The table of contents: as many levels as there is room for."""
    sections = document.sections[1:] if document.sections[:1] else ()
    if not sections:
        return []
    levels = sorted({section.level for section in sections})
    deepest = levels[0]
    for level in levels:
        if sum(section.level <= level for section in sections) <= _OUTLINE:
            deepest = level
    kept = [section for section in sections if section.level <= deepest]
    left = len(sections) - len(kept[:_OUTLINE])
    lines = [
        f"{'  ' * (one.level - levels[0])}- {one.title} [{one.anchor}] {len(document.whole(one)):,}"
        for one in kept[:_OUTLINE]
    ]
    more = [f"({left:,} more headings are left out; section takes their titles, too.)"] * (left > 0)
    head = f'Sections [anchor] characters, to be read with fetch_hf_docs(url="{url}", section=…):'
    return [head, *lines, *more]


def _part(reading: Reading, text: str, section: Section | None, offset: int) -> str:
    if offset and offset >= len(text):
        raise ToolError(f"There are only {len(text):,} characters; give a smaller offset.")
    end = _cut(text, offset, PAGE)
    place = f', section="{section.anchor}"' if section else ""
    of = f"section {section.anchor!r}, " if section else ""
    span = f", from {offset:,} to {end:,}" if end - offset < len(text) else ""
    call = f'fetch_hf_docs(url="{reading.url}"{place}, offset={end})'
    foot = [f"[{len(text) - end:,} characters more: read on with {call}.]"] * (end < len(text))
    head = f"{reading.url} ({of}{len(text):,} characters{span})"
    return "\n".join([head, "", text[offset:end].strip("\n"), *foot])


def _cut(text: str, start: int, room: int) -> int:
    """Where to stop: at the end of a line, if there is one in the last quarter."""
    end = start + room
    if end >= len(text):
        return len(text)
    line = text.rfind("\n", start + room * 3 // 4, end)
    return line + 1 if line > 0 else end


def _unknown_section(reading: Reading, section: str) -> str:
    found = reading.document.sections
    if not found:
        return f"{reading.url} has no sections; read it by offset."
    names = ", ".join(one.anchor for one in found[:_OUTLINE])
    more = f" and {len(found) - _OUTLINE:,} more" if len(found) > _OUTLINE else ""
    return f"{reading.url} has no section {section!r}. It has: {names}{more}."


FETCH_DOCS = ToolSpec(
    name="fetch_hf_docs",
    description=(
        "Read a page of the documentation of Hugging Face's libraries, the Hub, the courses, or "
        "Gradio, as found with explore_hf_docs. A long page comes with its table of contents; read "
        "the sections you need, or on by offset. No other sites."
    ),
    args=FetchArgs,
    handler=fetch,
    effect="pure",
    risk="read",
    timeout=90,
)
