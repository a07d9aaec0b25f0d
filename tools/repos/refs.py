"""Branches, tags and commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.output import visible
from ml_intern.tools.repos import calls
from ml_intern.tools.repos.git_args import GitArgs, required
from ml_intern.tools.repos.names import Target, existing, require_token
from ml_intern.tools.repos.world import Commit, head_of, history
from ml_intern.tools.spec import Absent, ToolContext, ToolResult

_SHOWN = 100
_COMMITS = 30
_KIND = {"create_branch": "branch", "delete_branch": "branch"}


async def create(args: GitArgs, ctx: ToolContext) -> str:
    """Make a branch or a tag."""
    kind, name = _named(args)
    require_token(ctx, f"creating a {kind}")
    target = await existing(ctx, args.repo_id, args.repo_type)

    def work(api: Any) -> None:  # noqa: ANN401 - the library's client
        if kind == "branch":
            api.create_branch(target.id, branch=name, revision=args.from_rev, repo_type=target.type)
        else:
            api.create_tag(
                target.id,
                tag=name,
                tag_message=args.tag_message or None,
                revision=args.revision,
                repo_type=target.type,
            )

    try:
        await ctx.services.hub.write(target.what, work)
    except HubError as error:
        if error.kind == "conflict":
            raise ToolError(f"{target.start} has a {kind} {name} already.") from error
        raise
    return _created(target, kind, name, _start(args))


def _created(target: Target, kind: str, name: str, start: str) -> str:
    return f"Created the {kind} {name} of {target.what} from {start}: {target.url}/tree/{name}"


async def delete(args: GitArgs, ctx: ToolContext) -> str:
    """Delete a branch or a tag."""
    kind, name = _named(args)
    require_token(ctx, f"deleting a {kind}")
    target = await existing(ctx, args.repo_id, args.repo_type)

    def work(api: Any) -> None:  # noqa: ANN401 - the library's client
        if kind == "branch":
            api.delete_branch(target.id, branch=name, repo_type=target.type)
        else:
            api.delete_tag(target.id, tag=name, repo_type=target.type)

    await ctx.services.hub.write(f"the {kind} {name} of {target.what}", work)
    return _deleted(target, kind, name)


def _deleted(target: Target, kind: str, name: str) -> str:
    return f"Deleted the {kind} {name} of {target.what}."


def _named(args: GitArgs) -> tuple[str, str]:
    kind = _KIND.get(args.operation, "tag")
    return kind, required(args, kind)


def _start(args: GitArgs) -> str:
    return args.from_rev if _named(args)[0] == "branch" else args.revision


async def created(args: GitArgs, ctx: ToolContext) -> ToolResult | Absent | None:
    """Whether the branch or tag is there, where it was to be made."""
    kind, name = _named(args)
    target = await existing(ctx, args.repo_id, args.repo_type)
    there = (await _refs(ctx, target))[kind].get(name)
    if there is None:
        return "absent"
    start = await head_of(ctx, target, _start(args))
    if there != start.oid:
        return None  # Somebody's, or made before its start moved on.
    return ToolResult(text=_created(target, kind, name, _start(args)))


async def deleted(args: GitArgs, ctx: ToolContext) -> ToolResult | Absent:
    """Whether the branch or tag is gone."""
    kind, name = _named(args)
    target = await existing(ctx, args.repo_id, args.repo_type)
    if name in (await _refs(ctx, target))[kind]:
        return "absent"
    return ToolResult(text=_deleted(target, kind, name))


async def show_deleted(args: GitArgs, ctx: ToolContext) -> str:
    """What the branch or tag that would be deleted points to."""
    kind, name = _named(args)
    target = await existing(ctx, args.repo_id, args.repo_type)
    last = await history(ctx, target, name, 0, 1)
    at = f", which is at: {_commit_line(last[0])}" if last else ""
    return f"Delete the {kind} {name} of {target.what}{at}"


async def _refs(ctx: ToolContext, target: Target) -> dict[str, dict[str, str]]:
    """Commit by name, of branches and of tags."""

    def ask(api: Any) -> dict[str, dict[str, str]]:  # noqa: ANN401 - the library's client
        refs = api.list_repo_refs(target.id, repo_type=target.type)
        return {"branch": _commits(refs.branches), "tag": _commits(refs.tags)}

    return await ctx.services.hub.read(f"the branches of {target.what}", ask)


def _commits(refs: Iterable[Any]) -> dict[str, str]:
    pairs = ((ref.name, ref.target_commit) for ref in refs)
    return {name: oid for name, oid in pairs if isinstance(name, str) and isinstance(oid, str)}


async def list_refs(args: GitArgs, ctx: ToolContext) -> str:
    """Branches, then tags."""
    target = await existing(ctx, args.repo_id, args.repo_type)
    found = await _refs(ctx, target)
    rows = [f"{kind} {visible(name)}  {oid}" for kind in found for name, oid in found[kind].items()]
    head = f"{target.start}: {len(found['branch']):,} branches, {len(found['tag']):,} tags."
    shown = rows[args.offset : args.offset + _SHOWN]
    return "\n".join([head, *shown, *_rest(target, "list_refs", args.offset, shown, rows)])


def _rest(
    target: Target, operation: str, start: int, shown: Sequence[str], rows: Sequence[str]
) -> list[str]:
    after = start + len(shown)
    if after >= len(rows):
        return []
    again = calls.git(operation, target, offset=after)
    return [f"[{start + 1:,} to {after:,} of {len(rows):,}; more: {again}]"]


async def list_commits(args: GitArgs, ctx: ToolContext) -> str:
    """Commits of a revision, the newest first."""
    target = await existing(ctx, args.repo_id, args.repo_type)
    found = await history(ctx, target, args.revision, args.offset, _COMMITS + 1)
    after = args.offset + _COMMITS
    revision = "" if args.revision == "main" else args.revision
    again = calls.git("list_commits", target, revision=revision, offset=after)
    return "\n".join([
        f"Commits of {target.what} at {args.revision}, the newest first:",
        *map(_commit_line, found[:_COMMITS]),
        *([f"[more: {again}]"] if len(found) > _COMMITS else []),
    ])  # fmt: skip


def _commit_line(commit: Commit) -> str:
    first = " ".join(commit.title.split())[:120]
    return f"{commit.oid}  {commit.date}  {commit.author or '?'}  {visible(first)}"
