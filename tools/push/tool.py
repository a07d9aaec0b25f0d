"""`push_model`: a model and its card onto the Hub, as one action that a person can look at."""

from __future__ import annotations

from dataclasses import replace

from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.args import PushModelArgs
from ml_intern.tools.push.find import change_of, find
from ml_intern.tools.push.finish import finish
from ml_intern.tools.push.outcome import found_again, outcome
from ml_intern.tools.push.plan import prepare
from ml_intern.tools.push.preview import preview
from ml_intern.tools.push.upload import upload
from ml_intern.tools.repos import calls
from ml_intern.tools.repos.world import head_of
from ml_intern.tools.spec import Absent, ToolContext, ToolResult, ToolSpec

_TIMEOUT = 24 * 3600.0
"""Seconds; a model of hundreds of gigabytes over a slow line."""


async def push_model(args: PushModelArgs, ctx: ToolContext) -> ToolResult:
    """Look at everything, upload, commit, and say what came of it."""
    async with ctx.services.hub.turn(args.repo_id):
        plan = await prepare(args, ctx)
        done = await upload(plan, ctx)
    ending = await finish(args, ctx, opens=plan.opens, proposed=args.create_pr)
    return ToolResult(text=outcome(plan, done, ending))


async def reconcile(args: PushModelArgs, ctx: ToolContext) -> ToolResult | Absent | None:
    """What became of a push that a crash cut off; nothing is made public for it.

    What would be seen may be another by now than what was approved.
    """
    pushed = await find(args, ctx)
    if pushed is None:
        # Nothing, or a repository without the commit: pushing again changes nothing twice.
        return "absent"
    ending = await finish(args, ctx, opens=False, proposed=args.create_pr)
    if not args.private and not args.create_pr:
        ending = replace(ending, failed=(*ending.failed, *await _still_private(args, ctx)))
    return ToolResult(text=found_again(args, pushed, ending, ctx.services.hub.endpoint))


async def _still_private(args: PushModelArgs, ctx: ToolContext) -> list[str]:
    """That it was to be public and is not, as far as that is known."""
    target = change_of(args, ctx).target
    try:
        private = (await head_of(ctx, target, args.branch)).private
    except ToolError as error:
        return [str(error)]
    again = calls.git("update_repo", target, private=False)
    return [f"It is STILL PRIVATE; {again} makes it public."] if private else []


PUSH_MODEL = ToolSpec(
    name="push_model",
    description=(
        "Put a trained model on the Hugging Face Hub, in one commit: the folder's files without "
        "training leftovers, and a model card written from what you give here (base, data, method, "
        "hyper-parameters, metrics). It creates the repository, checks that the model is whole and "
        "that its license suits the base's, and refuses credentials. Use it instead of "
        "push_to_hub. Give every metric its source in `run`."
    ),
    args=PushModelArgs,
    handler=push_model,
    effect="reconcilable",
    reconcile=reconcile,
    preview=preview,
    risk="publish",
    subject="repository",
    timeout=_TIMEOUT,
)
