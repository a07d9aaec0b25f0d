"""What is said of a commit that is made, by whoever finds it: the call, or its reconciliation."""

from __future__ import annotations

from dataclasses import replace

from ml_intern.tools.repos import calls
from ml_intern.tools.repos.commits import Change, Made, own_pull, parts_done
from ml_intern.tools.repos.marks import part_of
from ml_intern.tools.spec import Absent, ToolContext, ToolResult

_ADOPTED = "It was done before an interruption, and not done again."


def committed(verb: str, change: Change, made: Made) -> str:
    """The lines every such result begins with."""
    where = "a pull request" if made.pull else change.revision
    lines = [
        f"{verb} {change.target.what}, {where}: {change.title}",
        f"Commit {made.oid}: {change.target.url}/commit/{made.oid}",
    ]
    if made.pull:
        look = calls.git("get_pr", change.target, pr_num=made.pull)
        url = f"{change.target.url}/discussions/{made.pull}"
        lines.append(f"Pull request {made.pull} (revision refs/pr/{made.pull}): {url}; {look}")
    return "\n".join(lines)


async def adopted(verb: str, change: Change, ctx: ToolContext) -> ToolResult | Absent:
    """What became of a call that a crash cut off."""
    pull = await own_pull(ctx, change.target) if change.create_pr else None
    if change.create_pr and pull is None:
        return "absent"
    revision = f"refs/pr/{pull}" if pull else change.revision
    done = await parts_done(ctx, change.target, revision)
    if not done:
        return "absent"
    last = done[max(done)]
    change = replace(change, title=last.title)
    part = part_of(last.description, ctx.key) or (1, 1)
    text = committed(verb, change, Made(last.oid, pull))
    if part[0] < part[1]:
        way = " and create_pr=False" if pull else ""
        again = (
            f'The same upload with revision="{revision}"{way}, no parent_commit, sends the rest.'
        )
        text += f"\nOnly {part[0]} of {part[1]} commits were made before an interruption. {again}"
        return ToolResult(text=text, ok=False)
    return ToolResult(text=f"{text}\n{_ADOPTED}")
