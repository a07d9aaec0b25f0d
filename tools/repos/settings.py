"""Repositories made, and what of them can be set."""

from __future__ import annotations

from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.repos.artifacts import register
from ml_intern.tools.repos.git_args import GitArgs
from ml_intern.tools.repos.marks import part_of
from ml_intern.tools.repos.names import Target, existing, require_token, stated
from ml_intern.tools.repos.world import Head, head_of, head_to_change, newest
from ml_intern.tools.spec import Absent, ToolContext, ToolResult


async def create(args: GitArgs, ctx: ToolContext) -> str:
    """Make a repository, private unless told otherwise, and register it."""
    _require_sdk(args)
    require_token(ctx, "a new repository")
    target = stated(ctx, args.repo_id, args.repo_type)
    private = args.private is not False
    try:
        await ctx.services.hub.write(
            target.what,
            lambda api: api.create_repo(
                target.id, repo_type=target.type, private=private, space_sdk=args.space_sdk
            ),
        )
    except HubError as error:
        if error.kind == "conflict":
            raise ToolError(
                f"{target.start} exists already: {target.url}. Use it as it is, or another name."
            ) from error
        raise
    return "\n".join([_created(target, private), *await register(ctx, target.id, target.type)])


def _created(target: Target, private: bool) -> str:
    seen = "private" if private else "PUBLIC"
    return f"Created {target.what} ({seen}): {target.url}"


def _require_sdk(args: GitArgs) -> None:
    if args.repo_type == "space" and not args.space_sdk:
        raise ToolError(
            "create_repo of a Space needs space_sdk: gradio, streamlit, docker, static."
        )
    if args.repo_type != "space" and args.space_sdk:
        raise ToolError(f'space_sdk is for repo_type="space", not for a {args.repo_type}.')


async def created(args: GitArgs, ctx: ToolContext) -> ToolResult | Absent | None:
    """Whether the repository is there, and ours: by our mark, or because nothing is in it yet.

    Only one with the mark is registered: an empty one may be the user's own.
    """
    target = stated(ctx, args.repo_id, args.repo_type)
    try:
        head = await head_of(ctx, target, "main")
    except HubError as error:
        if error.kind == "missing":
            return "absent"
        raise
    commits = await newest(ctx, target, "main")
    ours = any(part_of(commit.description, ctx.key) for commit in commits)
    if not ours and len(commits) > 1:
        return None
    lines = await register(ctx, target.id, target.type) if ours else ["It was not registered."]
    return ToolResult(text="\n".join([_created(target, head.private is not False), *lines]))


async def preview_create(args: GitArgs, ctx: ToolContext) -> str:
    """Where it would be, and who would see it."""
    _require_sdk(args)
    target = stated(ctx, args.repo_id, args.repo_type)
    seen = "private" if args.private is not False else "PUBLIC: anyone can read it"
    return f"Create {target.what}, {seen}"


async def update(args: GitArgs, ctx: ToolContext) -> str:
    """Change who may see or read the repository."""
    changes = _changes(args)
    require_token(ctx, "changing a repository")
    target = await existing(ctx, args.repo_id, args.repo_type)
    await head_to_change(ctx, target, "main")
    await ctx.services.hub.write(
        target.what,
        lambda api: api.update_repo_settings(target.id, repo_type=target.type, **changes),
    )
    return _updated(target, await head_of(ctx, target, "main"))


def _updated(target: Target, now: Head) -> str:
    return f"Changed {target.what} ({now.visible}): {target.url}"


async def updated(args: GitArgs, ctx: ToolContext) -> ToolResult | Absent:
    """Whether the repository is as it was to become."""
    changes = _changes(args)
    target = await existing(ctx, args.repo_id, args.repo_type)
    now = await head_of(ctx, target, "main")
    is_so = {"private": now.private, "gated": now.gated or False}
    if any(is_so[name] != wanted for name, wanted in changes.items()):
        return "absent"
    return ToolResult(text=_updated(target, now))


def _changes(args: GitArgs) -> dict[str, Any]:
    """As the library wants them: it says False for no gate."""
    if args.private is None and args.gated is None:
        raise ToolError("update_repo needs private or gated.")
    if args.gated and args.repo_type == "space":
        raise ToolError("A Space cannot be gated; only models and datasets can.")
    changes: dict[str, Any] = {} if args.private is None else {"private": args.private}
    if args.gated:
        changes["gated"] = False if args.gated == "off" else args.gated
    return changes


async def preview_update(args: GitArgs, ctx: ToolContext) -> str:
    """The change, from what it is to what it would be."""
    changes = _changes(args)
    target = await existing(ctx, args.repo_id, args.repo_type)
    now = await head_to_change(ctx, target, "main")
    lines = [f"{target.start} is now: {now.visible}."]
    if "private" in changes:
        lines.append(
            "It becomes private." if args.private else "It becomes PUBLIC: anyone can see it."
        )
    if "gated" in changes:
        lines.append(f"Gate: from {now.gated or 'off'} to {args.gated}.")
    return "\n".join(lines)
