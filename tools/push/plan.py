"""What a push would do, decided from what is known before it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.args import PushModelArgs
from ml_intern.tools.push.body import Story, body
from ml_intern.tools.push.card import written
from ml_intern.tools.push.checks import warnings
from ml_intern.tools.push.files import LocalFile
from ml_intern.tools.push.gather import Facts, gather
from ml_intern.tools.push.licenses import verdict
from ml_intern.tools.push.local import README
from ml_intern.tools.push.metadata import metadata, relation
from ml_intern.tools.push.target import Difference, Remote, differences, matches, visibility
from ml_intern.tools.repos import credentials
from ml_intern.tools.spec import ToolContext
from ml_intern.tools.web.client import Request
from ml_intern.tools.web.errors import WebError


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A push that may be done."""

    facts: Facts
    visibility: str
    card: str
    licenses: tuple[str, ...]
    """What is to be said of the license, by base."""
    warnings: tuple[str, ...]
    differences: Mapping[str, Difference] = field(default_factory=dict)
    """What each file is to the repository, the card included."""

    @property
    def files(self) -> tuple[LocalFile, ...]:
        """What goes from the folder: all but a README.md, in whose place the card goes."""
        return tuple(file for file in self.facts.local.contents.files if file.path != README)

    @property
    def opens(self) -> bool:
        """Whether a private repository becomes public."""
        target = self.facts.target
        return target.exists and target.private and not self.facts.args.private

    @property
    def changes(self) -> bool:
        """Whether there is anything to commit."""
        return set(self.differences.values()) != {"same"}

    def of(self, difference: Difference) -> list[str]:
        """The paths that are this to the repository."""
        return sorted(path for path, kind in self.differences.items() if kind == difference)


def planned(facts: Facts) -> Plan:
    """The push, if it may be done.

    Raises:
        ToolError: visibility, license or card forbid it.
    """
    args, model, bases = facts.args, facts.local.model, facts.bases
    seen = visibility(facts.target, args.private, args.create_pr)
    verdicts = [verdict(args.license, base, public=not args.private) for base in bases]
    if refused := [one.said for one in verdicts if one.level == "refused"]:
        raise ToolError(f"{' '.join(refused)} Nothing was uploaded.")
    how = relation(args.base_relation, model, args.base_model)
    story = Story(
        args=args, model=model, bases=args.base_model, relation=how, session=facts.session,
        hub=facts.hub,
    )  # fmt: skip
    return Plan(
        facts=facts,
        visibility=seen,
        card=written(facts.card, metadata(args, model, bases, how), body(story)),
        licenses=tuple(f"{one.level}: {one.said}" for one in verdicts),
        warnings=tuple(warnings(facts)),
    )


async def prepare(args: PushModelArgs, ctx: ToolContext) -> Plan:
    """Look at everything and decide; nothing is changed.

    Raises:
        ToolError: it cannot or may not be done.
    """
    draft = await asyncio.to_thread(planned, await gather(args, ctx))
    credentials.require_clean({"The card": draft.card}, ctx.services.keys.values())
    found = await asyncio.to_thread(_differences, draft)
    doubts = await _doubts(draft.card, ctx)
    return replace(draft, differences=found, warnings=(*draft.warnings, *doubts))


def _differences(plan: Plan) -> dict[str, Difference]:
    there = plan.facts.target.files
    found = differences(plan.facts.local.contents.root, plan.files, there)
    return {**found, README: _card_difference(plan.card.encode(), there.get(README))}


def _card_difference(card: bytes, there: Remote | None) -> Difference:
    if there is None:
        return "new"
    return "same" if len(card) == there.size and matches(card, there) else "other"


async def _doubts(card: str, ctx: ToolContext) -> list[str]:
    """What the Hub itself finds doubtful in the card.

    Raises:
        ToolError: the Hub would not take it.
    """
    url = f"{ctx.services.hub.endpoint}/api/validate-yaml"
    try:
        said = await ctx.services.web.json(
            Request(url=url, body={"content": card, "repoType": "model"})
        )
    except WebError as error:
        if error.status != 400:
            return []  # It is asked again with the commit.
        raise ToolError(
            f"The Hub does not accept the card's metadata. {error} Nothing was uploaded."
        ) from error
    listed = said.get("warnings") if isinstance(said, dict) else None
    return [f"The Hub says of the card: {text}" for text in _messages(listed)]


def _messages(listed: Any) -> list[str]:  # noqa: ANN401 - whatever the Hub says
    given = listed if isinstance(listed, list) else []
    found = [one.get("message") for one in given if isinstance(one, dict)]
    return [" ".join(text.split())[:300] for text in found if isinstance(text, str)]
