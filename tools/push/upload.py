"""The one commit: contents first, which nobody sees, then all files at once."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_intern.tools.push.files import size
from ml_intern.tools.push.find import change_of
from ml_intern.tools.push.local import README
from ml_intern.tools.push.plan import Plan
from ml_intern.tools.repos.commits import Made, commit, explained
from ml_intern.tools.spec import ToolContext

if TYPE_CHECKING:
    from huggingface_hub import HfApi

LARGE = 10_000_000
"""Bytes from which a file is uploaded by itself, and told of."""
_UPLOADING = 12 * 3600.0
"""Seconds for one file; the Hub's limit of 500 GB at 12 MB/s."""


async def upload(plan: Plan, ctx: ToolContext) -> Made | None:
    """Make the repository if need be, and the commit; None if there is nothing to commit.

    Raises:
        ToolError: nothing was committed.
    """
    await _created(plan, ctx)
    if not plan.changes:
        return None
    hub, name = ctx.services.hub, plan.facts.args.repo_id
    # Each file is read whole, for its digest.
    additions: Sequence[Any] = await hub.write(
        name, explained(lambda _: _additions(plan)), _UPLOADING
    )
    await _send_large(plan, additions, ctx)
    made = await _committed(plan, additions, ctx)
    if made.oid == plan.facts.target.head:
        return None  # What was too large to be compared is there already, too.
    skipped = [op.path_in_repo for op in additions if getattr(op, "_should_ignore", False)]
    return replace(made, ignored=tuple(skipped))


async def _created(plan: Plan, ctx: ToolContext) -> None:
    args = plan.facts.args
    if plan.facts.target.exists:
        return
    ctx.log(f"creating {args.repo_id} ({'private' if args.private else 'public'})")
    await ctx.services.hub.write(
        f"the new model {args.repo_id}",
        lambda api: api.create_repo(args.repo_id, private=args.private),
    )


def _additions(plan: Plan) -> list[Any]:
    """All files; the library leaves out of the commit what the Hub has already. Blocks."""
    library = importlib.import_module("huggingface_hub")
    root = plan.facts.local.contents.root
    files = [library.CommitOperationAdd(file.path, root / file.path) for file in plan.files]
    return [*files, library.CommitOperationAdd(README, plan.card.encode())]


async def _send_large(plan: Plan, additions: Sequence[Any], ctx: ToolContext) -> None:
    """The large files, one by one: whoever is cancelled stops after the one under way."""
    same = set(plan.of("same"))
    large = [op for op in additions if op.upload_info.size >= LARGE and op.path_in_repo not in same]
    for number, operation in enumerate(large, 1):
        about = f"{operation.path_in_repo} ({size(operation.upload_info.size)})"
        ctx.log(f"uploading {number} of {len(large)}: {about}")
        # Nobody sees it before the commit, and what is there already is not sent again: what
        # holds for reading holds for this, too.
        await ctx.services.hub.read(about, explained(_sending(plan, operation)), _UPLOADING)


def _sending(plan: Plan, operation: Any) -> Callable[[HfApi], None]:  # noqa: ANN401 - of the library
    args = plan.facts.args
    return lambda api: api.preupload_lfs_files(
        args.repo_id, [operation], revision=args.branch, create_pr=args.create_pr, free_memory=False
    )


async def _committed(plan: Plan, additions: Sequence[Any], ctx: ToolContext) -> Made:
    args = plan.facts.args
    ctx.log(f"committing {len(additions):,} files to {args.repo_id}")
    change = change_of(args, ctx, plan.facts.target.head)
    return await commit(ctx, change, lambda: additions)
