"""`upload`: a text, a file or a folder, on top of a head that was seen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.output import visible
from ml_intern.tools.repos import selection
from ml_intern.tools.repos.commits import LONGEST, Change, Made, commit, explained, moved
from ml_intern.tools.repos.file_args import FileArgs
from ml_intern.tools.repos.fingerprint import fingerprint
from ml_intern.tools.repos.names import Target, existing, require_token
from ml_intern.tools.repos.outcome import adopted, committed
from ml_intern.tools.repos.selection import Item, Selection
from ml_intern.tools.repos.world import Head, head_to_change
from ml_intern.tools.spec import Absent, ToolContext, ToolResult

_VERB = "Uploaded to"
FILES_OF_COMMIT = 500
"""The Hub's own advice is to commit some hundreds of files at once."""
TEXT_OF_COMMIT = 200_000_000
"""Bytes of files that may go into the commit itself, not to the storage of large files."""
_LARGE = 10_000_000
"""Bytes above which a file surely goes to the storage of large files."""
_STEP = 1_000_000_000
"""Bytes sent before the person is told how far it is."""
_LISTED = 60
_LEFT_LISTED = 20


async def run(args: FileArgs, ctx: ToolContext) -> str:
    """Upload in as few commits as the Hub takes, each on top of the one before."""
    require_token(ctx, "an upload")
    chosen = await asyncio.to_thread(_chosen, args, ctx)
    target = await existing(ctx, args.repo_id, args.repo_type)
    head = await head_to_change(ctx, target, args.revision)
    change = _change(args, target, chosen, head)
    if not args.create_pr:
        if not head.oid.startswith(change.parent):
            raise await moved(ctx, change)
        change = replace(change, parent=head.oid)
    made = await _send(ctx, change, chosen)
    said = committed(_VERB, change, made)
    if made.pull is None if args.create_pr else made.oid == change.parent:
        said = f"Nothing to do: {target.what} has all of it already (commit {made.oid})."
    if len(made.ignored) == len(chosen.items):
        said = f"Nothing was uploaded: the .gitignore of {target.what} keeps all of it out."
    return "\n".join([said, *_details(chosen, made.ignored)])


def _chosen(args: FileArgs, ctx: ToolContext) -> Selection:
    """What is to be uploaded. Blocks."""
    # Models that mean no content also send "".
    if bool(args.content) == bool(args.local_path) and (args.local_path or args.content is None):
        raise ToolError("Give one of `content` and `local_path`, not both or neither.")
    keys, path = ctx.services.keys.values(), args.path.removeprefix("./").lstrip("/")
    if not selection.printable(path):
        raise ToolError("path has control characters: name the file without them.")
    if not args.local_path:
        return selection.of_text(args.content or "", path)
    return selection.of_local(args.local_path, path, args.patterns, keys, ctx)


def _change(args: FileArgs, target: Target, chosen: Selection, head: Head) -> Change:
    return Change(
        target=target,
        revision=args.revision,
        parent=args.parent_commit or head.oid,
        title=args.commit_message or f"Upload {_count(chosen)}",
        create_pr=args.create_pr,
    )


def _count(chosen: Selection) -> str:
    if len(chosen.items) == 1:
        return visible(chosen.items[0].name)
    return f"{len(chosen.items):,} files"


async def _send(ctx: ToolContext, change: Change, chosen: Selection) -> Made:
    batches = list(commits_of(chosen.items))
    sent, ignored, made = 0, [], Made(change.parent)
    for number, batch in enumerate(batches, 1):
        one = replace(change, parent=made.oid, part=number, parts=len(batches))
        if made.pull:
            one = replace(one, create_pr=False, revision=f"refs/pr/{made.pull}")
        operations: list[Any] = await asyncio.to_thread(_operations, batch)
        for step in steps_of(batch, operations):
            if len(chosen.items) > 1 and chosen.size > _STEP:
                ctx.log(f"{sent:,} of {chosen.size:,} bytes sent; commit {number}/{len(batches)}")
            await _store(ctx, one, [operation for _, operation in step])
            sent += sum(item.size for item, _ in step)
        kept = [operation for operation in operations if not _ignored(operation)]
        ignored += [operation.path_in_repo for operation in operations if _ignored(operation)]
        if kept:
            made = await _next(ctx, one, kept, made)
    return replace(made, ignored=tuple(ignored))


async def _next(ctx: ToolContext, change: Change, operations: list[Any], last: Made) -> Made:
    """The commit on top of `last`."""
    try:
        new = await commit(ctx, change, partial(list, operations))
    except ToolError as error:
        if change.part == 1:
            raise
        raise ToolError(
            f"{error} {change.part - 1} of {change.parts} commits were made before that, the last "
            f"is {last.oid} on {change.revision}. The same upload to there sends what is missing."
        ) from error
    return Made(new.oid, new.pull or last.pull)


def _ignored(operation: Any) -> bool:  # noqa: ANN401 - the library's operation
    """Whether the repository's `.gitignore` keeps it out, as the Hub told the library."""
    return bool(getattr(operation, "_should_ignore", False))


async def _store(ctx: ToolContext, change: Change, operations: Sequence[Any]) -> None:
    """Send what is large; the commit will only name it."""
    await ctx.services.hub.write(
        change.target.what,
        explained(
            lambda api: api.preupload_lfs_files(
                change.target.id,
                operations,
                repo_type=change.target.type,
                revision=change.revision,
                create_pr=change.create_pr,
                free_memory=False,
            )
        ),
        LONGEST,
    )


def _operations(items: Sequence[Item]) -> list[Any]:
    """For threads: it imports the library and looks at each file."""
    from huggingface_hub import CommitOperationAdd

    try:
        return [
            CommitOperationAdd(
                item.name, str(item.source) if isinstance(item.source, Path) else item.source
            )
            for item in items
        ]
    except ValueError as error:
        raise ToolError(f"The Hub takes no such path: {error}.") from error
    except OSError as error:
        raise ToolError(f"A file cannot be read any more: {error}.") from error


def commits_of(items: Sequence[Item]) -> Iterator[list[Item]]:
    """The items of each commit, in order."""
    batch: list[Item] = []
    text = 0
    for item in items:
        small = item.size if item.size <= _LARGE else 0
        if batch and (len(batch) == FILES_OF_COMMIT or text + small > TEXT_OF_COMMIT):
            yield batch
            batch, text = [], 0
        batch.append(item)
        text += small
    yield batch


def steps_of(items: Sequence[Item], operations: Sequence[Any]) -> Iterator[list[tuple[Item, Any]]]:
    """What of a commit is sent before the person is told."""
    pairs = iter(zip(items, operations, strict=True))
    step, size = list(islice(pairs, 1)), items[0].size
    for pair in pairs:
        if size > _STEP:
            yield step
            step, size = [], 0
        step.append(pair)
        size += pair[0].size
    yield step


def _details(chosen: Selection, ignored: Sequence[str]) -> list[str]:
    left = [*chosen.left_out, *(f"{name} (by the repository's .gitignore)" for name in ignored)]
    sizes = [item.size for item in chosen.items if item.name not in ignored]
    lines = [f"{len(sizes):,} {'file' if len(sizes) == 1 else 'files'}, {sum(sizes):,} bytes."]
    if left:
        shown = "; ".join(visible(name) for name in left[:_LEFT_LISTED])
        more = len(left) - _LEFT_LISTED
        lines.append(f"Left out: {shown}{f'; and {more:,} more' if more > 0 else ''}.")
    return lines


async def reconcile(args: FileArgs, ctx: ToolContext) -> ToolResult | Absent:
    """Whether the commit of this call is on the Hub."""
    target = await existing(ctx, args.repo_id, args.repo_type)
    change = Change(
        target=target, revision=args.revision, parent="", title="", create_pr=args.create_pr
    )
    return await adopted(_VERB, change, ctx)


async def preview(args: FileArgs, ctx: ToolContext) -> str:
    """Every file that would be sent, who would see it, and what it would replace."""
    chosen = await asyncio.to_thread(_chosen, args, ctx)
    target = await existing(ctx, args.repo_id, args.repo_type)
    head = await head_to_change(ctx, target, args.revision)
    names = [item.name for item in chosen.items[:_LISTED]]

    def ask(api: Any) -> dict[str, Any]:  # noqa: ANN401 - the library's client
        found = api.get_paths_info(target.id, names, revision=args.revision, repo_type=target.type)
        return {entry.path: entry for entry in found if hasattr(entry, "blob_id")}

    there = await ctx.services.hub.read(f"the files of {target.what}", ask)
    return "\n".join([
        f"{_count(chosen)}, {chosen.size:,} bytes, to {target.what} ({head.visible}), "
        f"{'as a pull request' if args.create_pr else f'revision {args.revision}'}:",
        *(_line(item, there.get(item.name)) for item in chosen.items[:_LISTED]),
        *([f"and {len(chosen.items) - _LISTED:,} more"] if len(chosen.items) > _LISTED else []),
        *_details(chosen, ())[1:],
        f"State of these files: {_state(chosen, there)}",
    ])  # fmt: skip


def _state(chosen: Selection, there: Mapping[str, Any]) -> str:
    """Changes with what is sent, and with what it replaces."""
    return fingerprint([chosen.state, *((name, there[name].blob_id) for name in sorted(there))])


def _line(item: Item, replaced: Any) -> str:  # noqa: ANN401 - the library's
    size = replaced.size if replaced and isinstance(replaced.size, int) else None
    unknown = "  REPLACES what is there" if replaced else ""
    old = unknown if size is None else f"  REPLACES {size:,} bytes"
    return f"  {visible(item.name)}  {item.size:,}{old}"
