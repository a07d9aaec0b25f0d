"""What the person who approves a push is shown: all of it.

The same as long as nothing has changed: it is compared with what was shown before the push runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from ml_intern.tools.push.args import PushModelArgs
from ml_intern.tools.push.body import numbers
from ml_intern.tools.push.files import LeftOut, LocalFile, size
from ml_intern.tools.push.local import README
from ml_intern.tools.push.model import Model
from ml_intern.tools.push.plan import Plan, prepare
from ml_intern.tools.spec import ToolContext

_LISTED = 60
_NAMED = 8
_WORDS = {
    "new": "new",
    "other": "OVERWRITES what is there",
    "same": "as it is there already",
    "unknown": "same size as what is there, which it may overwrite",
}
_KINDS = {
    "model": "",
    "adapter": "Adapter",
    "pipeline": "Diffusers pipeline",
    "gguf": "GGUF files",
}


async def preview(args: PushModelArgs, ctx: ToolContext) -> str:
    """What the call would do now.

    Raises:
        ToolError: it would be refused.
    """
    return shown(await prepare(args, ctx))


def shown(plan: Plan) -> str:
    """The plan in words, the card whole."""
    facts, args = plan.facts, plan.facts.args
    parts = [
        "\n".join([_head(plan), *_terms(plan)]),
        _files(plan),
        left_out(facts.local.contents.left_out),
        bullets("Warnings", plan.warnings),
        f"{_card_title(plan)}\n\n{plan.card.rstrip()}",
    ]
    title = f"Push {facts.local.contents.root} to {args.repo_id}"
    return "\n\n".join([f"{title} ({facts.hub}/{args.repo_id})", *filter(None, parts)])


def _head(plan: Plan) -> str:
    facts, target = plan.facts, plan.facts.target
    way = "a pull request" if facts.args.create_pr else "one commit"
    on = f" on branch {facts.args.branch}"
    base = f" after {target.head[:8]}" if target.head else ""
    done = f"{way}{on}{base}" if plan.changes else "nothing: all is there already as it is here"
    return f"Repository: {plan.visibility}\nChange: {done}"


def _terms(plan: Plan) -> list[str]:
    facts = plan.facts
    given = facts.args.license or "none given"
    collected = facts.collection and not facts.args.create_pr
    where = "added to this session's private collection" if collected else "none"
    return [
        f"Model: {model_line(facts.local.model)}",
        f"License: {given}",
        *(f"- {said}" for said in plan.licenses),
        f"Collection: {where}",
    ]


def model_line(model: Model) -> str:
    """The model in one line."""
    tokenizer = "with tokenizer" if model.tokenizer else "without tokenizer"
    facts = [_KINDS[model.kind], model.architecture, numbers(model), tokenizer]
    return ", ".join(fact for fact in [*facts, "chat template" * model.chat] if fact)


def _files(plan: Plan) -> str:
    card = LocalFile(README, len(plan.card.encode()))
    files = [*plan.files, card]
    # What is overwritten is never among those that are not listed.
    weight = {"other": 0, "unknown": 1, "new": 2, "same": 3}
    order = sorted(files, key=lambda f: (weight[plan.differences[f.path]], -f.size, f.path))
    lines = [
        f"- {file.path} ({size(file.size)}), {_WORDS[plan.differences[file.path]]}"
        for file in order[:_LISTED]
    ]
    if len(files) > _LISTED:
        rest = sum(file.size for file in order[_LISTED:])
        lines.append(f"- {len(files) - _LISTED:,} more ({size(rest)}), none larger")
    total = sum(file.size for file in files)
    head = f"Files: {len(files):,}, {size(total)}; state {state(plan.files)}"
    return "\n".join([head, *lines, *_staying(plan)])


def _staying(plan: Plan) -> list[str]:
    there = set(plan.facts.target.files) - set(plan.differences) - {".gitattributes"}
    return [f"Stays there as it is: {listed(sorted(there))}"] if there else []


def state(files: Iterable[LocalFile]) -> str:
    """A short name of names, sizes and times of the files: another one when a file is written."""
    whole = "\n".join(f"{file.path} {file.size} {file.modified}" for file in files)
    return hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def left_out(found: Sequence[LeftOut]) -> str:
    """What stays behind, by reason; "" for nothing."""
    by_reason: dict[str, list[str]] = {}
    for one in found:
        shown_size = "" if one.size is None else f" ({size(one.size)})"
        by_reason.setdefault(one.reason, []).append(f"{one.path}{shown_size}")
    return bullets("Left out", [f"{why}: {listed(paths)}" for why, paths in by_reason.items()])


def listed(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def bullets(title: str, lines: Iterable[str]) -> str:
    """A titled list; "" for nothing."""
    found = [f"- {line}" for line in lines]
    return "\n".join([f"{title}:", *found]) if found else ""


def _card_title(plan: Plan) -> str:
    return f"{README}, as it will be:"
