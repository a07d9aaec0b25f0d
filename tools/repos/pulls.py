"""Pull requests: opened, shown, commented on, merged, closed."""

from __future__ import annotations

from itertools import islice
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import unreadable
from ml_intern.tools.repos import calls
from ml_intern.tools.repos.fingerprint import fingerprint
from ml_intern.tools.repos.git_args import GitArgs, required
from ml_intern.tools.repos.marks import comment_mark, has_mark
from ml_intern.tools.repos.names import Target, account, existing, require_token
from ml_intern.tools.repos.pull_view import (
    changed_files,
    conflicts,
    difference,
    line,
    page,
    status_of,
    whole,
)
from ml_intern.tools.repos.world import head_of
from ml_intern.tools.spec import Absent, ToolContext, ToolResult

_LISTED = 30
_OWN = 10
"""Newest pull requests of the user's among which ours is looked for."""
_STATUS = {"merge_pr": "merged", "close_pr": "closed"}


async def create(args: GitArgs, ctx: ToolContext) -> str:
    """Open an empty pull request, to be filled by uploads."""
    title = required(args, "title")
    require_token(ctx, "a pull request")
    target = await existing(ctx, args.repo_id, args.repo_type)
    text = f"{args.description}\n\n{comment_mark(ctx.key)}".strip()
    made: Any = await ctx.services.hub.write(
        target.what,
        lambda api: (
            api.create_pull_request(target.id, title, description=text, repo_type=target.type).num
        ),
    )
    if not isinstance(made, int):
        raise unreadable(f"the new pull request of {target.what}")
    return _opened(target, made)


def _opened(target: Target, number: int) -> str:
    revision = f"refs/pr/{number}"
    push = calls.files("upload", target, revision, path="…", content="…")
    ready = calls.git("change_pr_status", target, pr_num=number, new_status="open")
    return (
        f"Opened pull request {number} of {target.what} as a draft: {_url(target, number)}\n"
        f"Fill it with {push}, then {ready} ends the draft."
    )


def _url(target: Target, number: int) -> str:
    return f"{target.url}/discussions/{number}"


async def created(args: GitArgs, ctx: ToolContext) -> ToolResult | Absent:
    """Whether there is a pull request that this call opened."""
    target = await existing(ctx, args.repo_id, args.repo_type)
    me = (await account(ctx)).name

    def ask(api: Any) -> list[int]:  # noqa: ANN401 - the library's client
        listed = api.get_repo_discussions(
            target.id, repo_type=target.type, author=me, discussion_type="pull_request"
        )
        # Not by title, which the Hub may have put in order.
        return [one.num for one in islice(listed, _OWN)]

    for number in await ctx.services.hub.read(f"the pull requests of {target.what}", ask):
        if _marked(await _details(ctx, target, number), ctx.key):
            return ToolResult(text=_opened(target, number))
    return "absent"


def _marked(details: Any, key: str) -> bool:  # noqa: ANN401 - the library's
    texts = (getattr(event, "content", None) for event in details.events)
    return any(has_mark(text, key) for text in texts if isinstance(text, str))


async def _details(ctx: ToolContext, target: Target, number: int) -> Any:  # noqa: ANN401
    what = f"pull request {number} of {target.what}"
    found = await ctx.services.hub.read(
        what, lambda api: api.get_discussion_details(target.id, number, repo_type=target.type)
    )
    if found.num != number:
        raise unreadable(what)
    return found


async def list_prs(args: GitArgs, ctx: ToolContext) -> str:
    """Pull requests, the newest first; no plain discussions."""
    target = await existing(ctx, args.repo_id, args.repo_type)

    def ask(api: Any) -> list[str]:  # noqa: ANN401 - the library's client
        found = api.get_repo_discussions(
            target.id,
            repo_type=target.type,
            discussion_type="pull_request",
            discussion_status=args.status,
        )
        return [line(one) for one in islice(found, args.offset, args.offset + _LISTED + 1)]

    rows = await ctx.services.hub.read(f"the pull requests of {target.what}", ask)
    kind = "" if args.status == "all" else f"{args.status} "
    if not rows:
        more = "more " if args.offset else ""
        return f"{target.start} has no {more}{kind}pull requests."
    again = calls.git(
        "list_prs", target, status=args.status if kind else "", offset=args.offset + _LISTED
    )
    rest = [f"[more: {again}]"] if len(rows) > _LISTED else []
    head = f"{kind}pull requests of {target.what}, the newest first:"
    return "\n".join([head[0].upper() + head[1:], *rows[:_LISTED], *rest])


async def show(args: GitArgs, ctx: ToolContext) -> str:
    """Status, comments and the change itself, a page at a time."""
    number = int(required(args, "pr_num"))
    target = await existing(ctx, args.repo_id, args.repo_type)
    details = await _details(ctx, target, number)
    return page(
        whole(target, details, _url(target, number)),
        args.offset,
        lambda after: calls.git("get_pr", target, pr_num=number, offset=after),
    )


async def change(args: GitArgs, ctx: ToolContext) -> str:
    """Merge, close, reopen or make ready."""
    number, wanted = int(required(args, "pr_num")), _wanted(args)
    require_token(ctx, args.operation)
    target = await existing(ctx, args.repo_id, args.repo_type)
    details = await _details(ctx, target, number)
    _require(details, wanted, f"Pull request {number} of {target.what}")

    def work(api: Any) -> None:  # noqa: ANN401 - the library's client
        about = {"repo_type": target.type, "comment": args.comment or None}
        if wanted == "merged":
            api.merge_pull_request(target.id, number, **about)
        else:
            api.change_discussion_status(target.id, number, wanted, **about)

    await ctx.services.hub.write(f"pull request {number} of {target.what}", work)
    return _changed(target, number, wanted)


def _require(details: Any, wanted: str, what: str) -> None:  # noqa: ANN401 - the library's
    """Refuse what cannot be done, before the Hub does it in its own words."""
    now = status_of(details)
    if wanted == "merged" and not details.is_pull_request:
        raise ToolError(f"{what} is a discussion, not a pull request.")
    if now in (wanted, "merged"):
        raise ToolError(f"{what} is {now} already.")
    if wanted == "merged" and (names := conflicts(details)):
        raise ToolError(f"{what} conflicts with its branch in {names}. Nothing was merged.")


def _changed(target: Target, number: int, status: str) -> str:
    return f"Pull request {number} of {target.what} is {status} now: {_url(target, number)}"


def _wanted(args: GitArgs) -> str:
    return _STATUS.get(args.operation) or required(args, "new_status")


async def changed(args: GitArgs, ctx: ToolContext) -> ToolResult | Absent:
    """Whether the pull request has the status that was asked for."""
    number, wanted = int(required(args, "pr_num")), _wanted(args)
    target = await existing(ctx, args.repo_id, args.repo_type)
    if status_of(await _details(ctx, target, number)) != wanted:
        return "absent"
    return ToolResult(text=_changed(target, number, wanted))


async def comment(args: GitArgs, ctx: ToolContext) -> str:
    """Say something on a pull request or a discussion."""
    number, text = int(required(args, "pr_num")), required(args, "comment")
    require_token(ctx, "a comment")
    target = await existing(ctx, args.repo_id, args.repo_type)
    await ctx.services.hub.write(
        f"pull request {number} of {target.what}",
        lambda api: api.comment_discussion(
            target.id, number, f"{text}\n\n{comment_mark(ctx.key)}", repo_type=target.type
        ),
    )
    return _commented(target, number)


def _commented(target: Target, number: int) -> str:
    return f"Commented on pull request {number} of {target.what}: {_url(target, number)}"


async def commented(args: GitArgs, ctx: ToolContext) -> ToolResult | Absent:
    """Whether the comment is there."""
    number = int(required(args, "pr_num"))
    target = await existing(ctx, args.repo_id, args.repo_type)
    if not _marked(await _details(ctx, target, number), ctx.key):
        return "absent"
    return ToolResult(text=_commented(target, number))


async def preview_merge(args: GitArgs, ctx: ToolContext) -> str:
    """What would be merged."""
    number = int(required(args, "pr_num"))
    target = await existing(ctx, args.repo_id, args.repo_type)
    details = await _details(ctx, target, number)
    head = await head_of(ctx, target, f"refs/pr/{number}")
    names = conflicts(details)
    return "\n".join([
        f"Merge into {target.what}: {line(details)}",
        *(f"  {name}" for name in changed_files(details)),
        f"State of the difference: {fingerprint([head.oid, difference(details)])}",
        *([f"CONFLICTS in {names}"] if names else []),
    ])  # fmt: skip
