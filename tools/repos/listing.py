"""`list`: the files of a repository, or a summary where there are many."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.output import visible
from ml_intern.tools.repos import calls
from ml_intern.tools.repos.file_args import FileArgs
from ml_intern.tools.repos.names import Target, existing
from ml_intern.tools.repos.world import head_of
from ml_intern.tools.spec import ToolContext

SHOWN = 200
"""Files on a page."""
COUNTED = 10_000
"""Files that are counted for a summary: ten pages of the Hub's."""
_FARTHEST = 50_000
"""The largest offset: what lies before it has to be fetched first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or a folder without a size."""

    path: str
    size: int | None
    oid: str = ""
    """Changes with the content."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found, and what it was asked for."""

    target: Target
    revision: str
    path: str
    about: str
    """Commit and visibility."""
    recursive: bool
    offset: int


async def run(args: FileArgs, ctx: ToolContext) -> str:
    """Show what is in a folder, or in the whole repository."""
    if not 0 <= args.offset <= _FARTHEST:
        raise ToolError(f"offset is 0 to {_FARTHEST:,} for list; name a folder by `path` instead.")
    target = await existing(ctx, args.repo_id, args.repo_type)
    folder = "" if args.path.strip("/") == "." else args.path.strip("/").removeprefix("./")
    most = max(COUNTED, args.offset + SHOWN) + 1
    head, entries = await asyncio.gather(
        head_of(ctx, target, args.revision),
        tree(ctx, target, args.revision, folder, most=most),
    )
    about = f"at {args.revision} (commit {head.oid or 'not known'}; {head.visible})"
    what = Listing(target, args.revision, folder, about, args.recursive, args.offset)
    files = [entry for entry in entries if entry.size is not None]
    cut = len(entries) >= most
    if args.recursive or (not cut and len(files) <= SHOWN):
        return flat(what, files, cut)
    if cut:
        direct = await tree(ctx, target, args.revision, folder, most=most, recursive=False)
        return uncounted(what, direct)
    return summary(what, files)


async def tree(
    ctx: ToolContext, target: Target, revision: str, path: str, *, most: int, recursive: bool = True
) -> list[Entry]:
    """The first `most` files and folders under `path`."""

    def ask(api: Any) -> list[Entry]:  # noqa: ANN401 - the library's client
        found = api.list_repo_tree(
            target.id, path or None, recursive=recursive, revision=revision, repo_type=target.type
        )
        return [entry for item in islice(found, most) if (entry := _entry(item))]

    try:
        return await ctx.services.hub.read(f"{path or 'the files'} of {target.what}", ask, 120)
    except HubError as error:
        if path and error.kind == "entry":
            said = f"{target.start} has no folder {path} at {revision}; `read` shows a file."
            raise ToolError(said) from error
        raise


def _entry(item: Any) -> Entry | None:  # noqa: ANN401 - the library's
    """A file or a folder; None where the Hub does not say which."""
    size = getattr(item, "size", None)
    if not isinstance(item.path, str) or not isinstance(size, int | None):
        return None
    if size is None and hasattr(item, "blob_id"):
        return None
    return Entry(item.path, size, str(getattr(item, "blob_id", "")))


def flat(what: Listing, files: Sequence[Entry], cut: bool) -> str:
    """A page of all files by path."""
    known = f"{'more than ' * cut}{len(files):,} {_plural('file', len(files))}"
    if not cut:
        known += f", {_total(files):,} bytes"
    shown = files[what.offset : what.offset + SHOWN]
    if files and not shown:
        raise ToolError(f"There are {len(files):,} files; give a smaller offset.")
    after = what.offset + len(shown)
    more = after < len(files) or cut
    return "\n".join([
        _head(what, known),
        *map(line, shown),
        *([_more(what, what.offset, after, len(files), "files", recursive=True)] if more else []),
    ])  # fmt: skip


def summary(what: Listing, files: Sequence[Entry]) -> str:
    """Each folder with the number of its files, then the files that are in none."""
    known = f"{len(files):,} files, {_total(files):,} bytes"
    inside = len(what.path) + 1 if what.path else 0
    folders: dict[str, list[Entry]] = defaultdict(list)
    for file in files:
        name, deeper, _ = file.path[inside:].partition("/")
        folders[file.path[:inside] + name if deeper else ""].append(file)
    direct = folders.pop("", [])
    rows = [
        f"{visible(name)}/  {len(held):,} {_plural('file', len(held))}, {_total(held):,} bytes"
        for name, held in sorted(folders.items())
    ] + [line(file) for file in direct]
    return _paged(what, known, rows)


def uncounted(what: Listing, entries: Sequence[Entry]) -> str:
    """What is directly there, where there is too much to count what is below."""
    folders = [f"{visible(e.path)}/  (not counted)" for e in entries if e.size is None]
    rows = folders + [line(e) for e in entries if e.size is not None]
    return _paged(what, f"more than {COUNTED:,} files", rows)


def line(file: Entry) -> str:
    """One file."""
    return f"{visible(file.path)}  {file.size:,}"


def _paged(what: Listing, known: str, rows: Sequence[str]) -> str:
    shown = rows[what.offset : what.offset + SHOWN]
    after = what.offset + len(shown)
    rest = [_more(what, what.offset, after, len(rows), "entries")] if after < len(rows) else []
    hint = calls.files("list", what.target, what.revision, path=what.path, recursive=True)
    foot = f"[{hint} lists every file; a `path` narrows it.]"
    return "\n".join([_head(what, known), *shown, *rest, foot])


def _head(what: Listing, known: str) -> str:
    where = f"{visible(what.path)}/ of {what.target.what}" if what.path else what.target.start
    return f"{where} {what.about}: {known}."


def _more(
    what: Listing, start: int, after: int, total: int, things: str, recursive: bool | None = None
) -> str:
    again = calls.files(
        "list", what.target, what.revision, path=what.path, recursive=recursive, offset=after
    )
    return f"[{things} {start + 1:,} to {after:,} of {total:,}; more: {again}]"


def _total(files: Iterable[Entry]) -> int:
    return sum(file.size or 0 for file in files)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
