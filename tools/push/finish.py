"""What follows the commit; the push is done without it, so what fails is told and not raised."""

from __future__ import annotations

from dataclasses import dataclass

from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.args import PushModelArgs
from ml_intern.tools.push.find import change_of
from ml_intern.tools.repos.artifacts import collect
from ml_intern.tools.spec import ToolContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What came of it."""

    opened: bool = False
    """Whether a private repository was made public."""
    collection: str = ""
    """A sentence on the session's collection; "" if it is not there."""
    failed: tuple[str, ...] = ()
    """What did not work, and what to do about it."""


async def finish(args: PushModelArgs, ctx: ToolContext, *, opens: bool, proposed: bool) -> Ending:
    """Make the repository public if that `opens` it, and note what the session made.

    What is only `proposed` to a repository was not made there yet.
    """
    problem = await _opened(args, ctx) if opens else ""
    failed = [problem] if problem else []
    collection = ""
    if ctx.services.settings.hub_collection and not proposed:
        try:
            collection = await collect(ctx, change_of(args, ctx).target)
        except ToolError as error:
            failed.append(f"It is not in the session's collection: {error}")
    return Ending(opened=opens and not problem, collection=collection, failed=tuple(failed))


async def _opened(args: PushModelArgs, ctx: ToolContext) -> str:
    """Make it public; why that did not work, or ""."""
    ctx.log(f"making {args.repo_id} public")
    try:
        await ctx.services.hub.write(
            f"the visibility of {args.repo_id}",
            lambda api: api.update_repo_settings(args.repo_id, private=False),
        )
    except ToolError as error:
        return f"It could not be made public: {error}"
    return ""
