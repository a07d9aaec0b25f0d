"""`delete`: exactly the files that were found to match, on top of the head they were found in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.output import visible
from ml_intern.tools.repos import calls
from ml_intern.tools.repos.commits import Change, commit, moved
from ml_intern.tools.repos.file_args import FileArgs
from ml_intern.tools.repos.fingerprint import fingerprint
from ml_intern.tools.repos.listing import Entry, tree
from ml_intern.tools.repos.names import Target, existing, require_token
from ml_intern.tools.repos.outcome import adopted, committed
from ml_intern.tools.repos.world import Head, head_to_change
from ml_intern.tools.spec import Absent, ToolContext, ToolResult

_VERB = "Deleted from"
_MOST = 50_000
"""Entries of a repository above which patterns are not looked up."""
_LISTED = 60
_EVERYTHING = frozenset({"*", "**", "**/*"})


@dataclass(frozen=True, slots=True)
class Found:
    """What would be deleted, and from what state."""

    target: Target
    head: Head
    files: Sequence[Entry]
    total: int
    """Files of the whole repository."""

    @property
    def rows(self) -> list[str]:
        """The files, or the first of them."""
        rows = [f"  {visible(file.path)}  {file.size:,}" for file in self.files[:_LISTED]]
        more = len(self.files) - len(rows)
        return [*rows, *([f"  and {more:,} more"] if more else [])]

    @property
    def extent(self) -> str:
        """How much that is."""
        whole = "ALL " if len(self.files) == self.total else ""
        size = sum(file.size or 0 for file in self.files)
        return f"{whole}{len(self.files):,} of {self.total:,} files, {size:,} bytes"


async def run(args: FileArgs, ctx: ToolContext) -> str:
    """Delete in one commit."""
    require_token(ctx, "deleting")
    found = await _found(args, ctx)
    change = _change(args, found.target, found.head.oid)
    expected = args.parent_commit
    if expected and not found.head.oid.startswith(expected) and not args.create_pr:
        raise await moved(ctx, Change(target=found.target, revision=args.revision, parent=expected,
                                      title="", create_pr=False))  # fmt: skip
    made = await commit(ctx, change, partial(_operations, found.files))
    return "\n".join([committed(_VERB, change, made), f"{found.extent}:", *found.rows])


def _change(args: FileArgs, target: Target, parent: str) -> Change:
    return Change(
        target=target,
        revision=args.revision,
        parent=parent,
        title=args.commit_message or f"Delete {_said(args)}"[:200],
        create_pr=args.create_pr,
    )


def _wanted(args: FileArgs) -> list[str]:
    """What is given, the path first."""
    given = [args.path, *args.patterns]
    wanted = [pattern.removeprefix("./").lstrip("/") for pattern in given if pattern]
    if not wanted or "" in wanted or "." in wanted:
        raise ToolError(
            'Name what to delete by `path` or `patterns`; patterns=["*"] is every file there is.'
        )
    return wanted


def _said(args: FileArgs) -> str:
    return visible(" ".join(", ".join(_wanted(args)).split()))


async def _found(args: FileArgs, ctx: ToolContext) -> Found:
    wanted = _wanted(args)
    target = await existing(ctx, args.repo_id, args.repo_type)
    head = await head_to_change(ctx, target, args.revision)
    entries = await tree(ctx, target, head.oid or args.revision, "", most=_MOST + 1)
    if len(entries) > _MOST:
        raise ToolError(f"{target.start} has more than {_MOST:,} files: too many to delete some.")
    files = [entry for entry in entries if entry.size is not None]
    hit = await asyncio.to_thread(matching, files, wanted, named=wanted[0] if args.path else "")
    if not hit:
        again = calls.files("list", target, args.revision, recursive=True)
        raise ToolError(
            f"No file of {target.what} at {args.revision} matches {_said(args)}. Nothing was "
            f"deleted. {again} shows what there is."
        )
    return Found(target, head, hit, len(files))


def matching(files: Iterable[Entry], wanted: Sequence[str], named: str = "") -> list[Entry]:
    """The files that a pattern, a path or a folder of `wanted` is about; `named` is no pattern.

    `.gitattributes`, which says what is large, only where it is named, or everything is.
    """
    hit = [file for file in files if any(_about(one, file.path, one != named) for one in wanted)]
    if ".gitattributes" in wanted or _EVERYTHING & set(wanted):
        return hit
    return [file for file in hit if file.path != ".gitattributes"]


def _about(given: str, path: str, pattern: bool) -> bool:
    folder = given.rstrip("/")
    inside = path == given or path.startswith(f"{folder}/")
    return inside or (pattern and fnmatchcase(path, given))


def _operations(files: Iterable[Entry]) -> list[Any]:
    from huggingface_hub import CommitOperationDelete

    return [CommitOperationDelete(file.path, is_folder=False) for file in files]


async def reconcile(args: FileArgs, ctx: ToolContext) -> ToolResult | Absent:
    """Whether the commit of this call is on the Hub."""
    target = await existing(ctx, args.repo_id, args.repo_type)
    return await adopted(_VERB, _change(args, target, ""), ctx)


async def preview(args: FileArgs, ctx: ToolContext) -> str:
    """Exactly the files that match now."""
    found = await _found(args, ctx)
    where = "by a pull request" if args.create_pr else f"revision {args.revision}"
    head = f"Delete from {found.target.what} ({found.head.visible}), {where}: {found.extent}:"
    state = fingerprint((file.path, file.oid) for file in found.files)
    return "\n".join([head, *found.rows, f"State of these files: {state}"])
