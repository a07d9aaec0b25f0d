"""What the model reads after a push."""

from __future__ import annotations

from collections.abc import Sequence

from ml_intern.tools.push.args import PushModelArgs
from ml_intern.tools.push.files import size
from ml_intern.tools.push.finish import Ending
from ml_intern.tools.push.plan import Plan
from ml_intern.tools.push.preview import bullets, left_out, model_line
from ml_intern.tools.repos.commits import Made


def outcome(plan: Plan, made: Made | None, ending: Ending) -> str:
    """What was pushed, what was not, and what to look at."""
    facts = plan.facts
    ignored = [
        f"Kept out by the repository's .gitignore: {p}" for p in (made.ignored if made else ())
    ]
    parts = [
        "\n".join([_done(plan, made), *_facts(plan, ending)]),
        left_out(facts.local.contents.left_out),
        bullets("Warnings", plan.warnings),
        bullets("Did not work", [*ignored, *ending.failed]),
    ]
    return "\n\n".join(part for part in parts if part)


def _done(plan: Plan, made: Made | None) -> str:
    facts = plan.facts
    if made is None:
        where = f"{facts.hub}/{facts.args.repo_id}"
        return f"Nothing to commit: {where} has all of it already, as it is here."
    total = sum(file.size for file in plan.files) + len(plan.card.encode())
    changed = len(plan.differences) - len(plan.of("same"))
    files = f"Files: {len(plan.differences):,}, {size(total)}; new or changed: {changed:,}"
    return "\n".join([title(facts.args, made, facts.hub), files])


def title(args: PushModelArgs, made: Made, hub: str) -> str:
    """Where it is now."""
    page = f"{hub}/{args.repo_id}"
    if made.pull:
        where = f"{page}/discussions/{made.pull} (revision refs/pr/{made.pull})"
        return f"Proposed to {args.repo_id}, not merged: {where}\nCommit: {made.oid}"
    return f"Pushed to {page}\nCommit: {made.oid} on {args.branch}"


def _facts(plan: Plan, ending: Ending) -> list[str]:
    return [
        f"Visibility: {_visibility(plan, ending)}",
        f"Model: {model_line(plan.facts.local.model)}",
        f"License: {plan.facts.args.license or 'none given'}",
        *(f"- {said}" for said in plan.licenses),
        *_collected(ending),
    ]


def _collected(ending: Ending) -> Sequence[str]:
    return [ending.collection] if ending.collection else []


def _visibility(plan: Plan, ending: Ending) -> str:
    if plan.opens:
        return "made PUBLIC" if ending.opened else "STILL PRIVATE"
    return "private" if plan.facts.args.private else "PUBLIC"


def found_again(args: PushModelArgs, made: Made, ending: Ending, hub: str) -> str:
    """What the model reads of a push whose result a crash hid."""
    told = "The process died before it could say so; the push was done, and not done again."
    first = [title(args, made, hub), told]
    parts = ["\n".join([*first, *_collected(ending)]), bullets("Did not work", ending.failed)]
    return "\n\n".join(part for part in parts if part)
