"""What became of a push, as the repository's history tells: a commit bears the call's name."""

from __future__ import annotations

from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.push.args import PushModelArgs
from ml_intern.tools.repos.commits import Change, Made, own_pull, parts_done
from ml_intern.tools.repos.names import Target
from ml_intern.tools.spec import ToolContext


def change_of(args: PushModelArgs, ctx: ToolContext, parent: str = "") -> Change:
    """The commit that the call asks for, on top of `parent`."""
    return Change(
        target=Target("model", args.repo_id, ctx.services.hub.endpoint),
        revision=args.branch,
        parent=parent,
        title=f"Push {args.repo_id.partition('/')[2]}",
        create_pr=args.create_pr,
    )


async def find(args: PushModelArgs, ctx: ToolContext) -> Made | None:
    """The commit that this call made; None if there is none.

    Raises:
        ToolError: the Hub does not tell.
    """
    target = change_of(args, ctx).target
    try:
        pull = await own_pull(ctx, target) if args.create_pr else None
        if args.create_pr and pull is None:
            return None
        done = await parts_done(ctx, target, f"refs/pr/{pull}" if pull else args.branch)
    except HubError as error:
        if error.kind in ("missing", "revision"):
            return None
        raise
    return Made(done[1].oid, pull) if done else None
