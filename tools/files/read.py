"""`read`: look at a text file, a page at a time."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files import notebook
from ml_intern.tools.files.fingerprint import fingerprint
from ml_intern.tools.files.kinds import SNIFFED, Encoding, binary_kind, encoding
from ml_intern.tools.files.lines import WIDTH, Window, chunks
from ml_intern.tools.files.paths import explained, locate, regular, show
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec

CAP = 60_000
"""Characters of one page: about 1,200 lines of code."""
_FOOT = 400


class ReadArgs(ToolArgs):
    """What `read` is called with."""

    path: str = Field(description="The file. A relative path starts in the working folder.")
    offset: int = Field(default=1, ge=1, description="The line to start with; the first is 1.")
    limit: int = Field(default=2000, ge=1, description="How many lines to show at most.")


class Page(NamedTuple):
    """What is shown of a file, and which state of it that was."""

    text: str
    path: Path
    digest: str


async def read(args: ReadArgs, ctx: ToolContext) -> ToolResult:
    """Show the lines asked for and remember that this state of the file was seen."""
    page = await asyncio.to_thread(_page, args, ctx)
    ctx.seen[page.path] = page.digest
    return ToolResult(text=page.text)


def _page(args: ReadArgs, ctx: ToolContext) -> Page:
    path = locate(args.path, ctx)
    size = regular(path).st_size
    # Before the content: if the file changes meanwhile, this counts as stale, not as seen.
    state = fingerprint(path)
    with explained(path), path.open("rb") as file:
        start = file.read(SNIFFED)
        if kind := binary_kind(start):
            raise ToolError(f"{show(path)} is {kind}, {size:,} bytes, not text. Use `bash`.")
        window = Window(args.offset, args.limit, CAP - _FOOT)
        book = path.suffix == ".ipynb" and size <= notebook.LARGEST
        note = _fill(window, file, encoding(start), book=book)
    return Page(_text(window, path, note), path, state)


def _fill(window: Window, file: io.BufferedReader, found: Encoding, *, book: bool) -> str:
    """Read the lines; returns what is special about how they are shown."""
    if book:
        file.seek(0)
        if (text := notebook.rendered(file.read())) is not None:
            window.fill([text.encode("utf-8", "backslashreplace")])
            return " Shown as cells; the line numbers are those of this view, the file is JSON."
    window.fill(chunks(file, found))
    if window.undecodable:
        return " Bytes that are not UTF-8 are shown as \\xNN."
    return f" Encoding: {found.name}." if found.name != "utf-8" else ""


def _text(window: Window, path: Path, note: str) -> str:
    if window.total == 0:
        return f"(empty file){note}"
    if not window.shown:
        raise ToolError(
            f"{show(path)} has {window.total:,} lines; there is no line {window.first:,}. "
            "Give a smaller offset."
        )
    return "\n".join([*window.shown, f"[{_extent(window)}{note}]"])


def _extent(window: Window) -> str:
    last = window.next - 1
    if window.total is None:
        return f"Lines {window.first}-{last} of a very long file; read on with offset={last + 1}."
    if last < window.total:
        rest = f" of {window.total}; read on with offset={last + 1}."
        return f"Lines {window.first}-{last}{rest}"
    return f"Lines {window.first}-{last} of {window.total}; end of file."


READ = ToolSpec(
    name="read",
    description=(
        "Read a text file. Lines are numbered, number and tab are not part of the file. Shows "
        f"2,000 lines or {CAP:,} characters at most, then says how to read on; lines over "
        f"{WIDTH:,} characters are cut. Notebooks (.ipynb) are shown as cells with their outputs. "
        "A file must be read before `write` may replace it."
    ),
    args=ReadArgs,
    handler=read,
    effect="pure",
    risk="read",
    subject="path",
    output_cap=CAP,
)
