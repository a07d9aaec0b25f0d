"""`push_model`: a model and its card onto the Hub, as one action that a person can look at."""

from __future__ import annotations

from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.args import PushModelArgs
from ml_intern.tools.push.find import find
from ml_intern.tools.push.finish import Ending, finish
from ml_intern.tools.push.outcome import found_again, outcome
from ml_intern.tools.push.plan import prepare
from ml_intern.tools.push.preview import preview
from ml_intern.tools.push.upload import upload
from ml_intern.tools.spec import Absent, ToolContext, ToolResult, ToolSpec

_TIMEOUT = 24 * 3600.0
"""Seconds; a model of hundreds of gigabytes over a slow line."""


async def push_model(args: PushModelArgs, ctx: ToolContext) -> ToolResult:
    """Look at everything, upload, commit, and say what came of it."""
    plan = await prepare(args, ctx)
    done = await upload(plan, ctx)
    ending = await finish(args, ctx, opens=plan.opens, proposed=args.create_pr)
    return ToolResult(text=outcome(plan, done, ending))


async def reconcile(args: PushModelArgs, ctx: ToolContext) -> ToolResult | Absent | None:
    """What became of a push that a crash cut off; what was left to do after it is done."""
    pushed = await find(args, ctx)
    if pushed is None:
        # Nothing, or a repository without the commit: pushing again changes nothing twice.
        return "absent"
    try:
        info = await ctx.services.hub.read(
            f"the model {args.repo_id}", lambda api: api.model_info(args.repo_id)
        )
        opens = info.private is True and not args.private and not args.create_pr
        ending = await finish(args, ctx, opens=opens, proposed=args.create_pr)
    except ToolError as error:
        ending = Ending(failed=(str(error),))
    return ToolResult(text=found_again(args, pushed, ending, ctx.services.hub.endpoint))


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
