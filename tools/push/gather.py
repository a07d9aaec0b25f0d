"""Everything a push depends on, asked for before anything is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.paths import folder
from ml_intern.tools.hub.errors import HubError, unreadable
from ml_intern.tools.push.args import PushModelArgs
from ml_intern.tools.push.card import Card, read
from ml_intern.tools.push.defaults import filled
from ml_intern.tools.push.licenses import Base
from ml_intern.tools.push.local import README, Local, looked_at
from ml_intern.tools.push.target import Target, require_writing, tree
from ml_intern.tools.repos.contents import piece
from ml_intern.tools.repos.names import Target as Repository
from ml_intern.tools.repos.names import account, require_token
from ml_intern.tools.repos.world import require_same_name
from ml_intern.tools.spec import ToolContext

_CARD = 1_000_000
"""Bytes of a card on the Hub that is read."""
_UNSEEN = frozenset({"missing", "gated", "denied", "bad", "other"})
"""Refusals of the Hub that leave a base's license unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known before a push."""

    args: PushModelArgs
    """The call, with license and base filled in from the files where it does not give them."""
    local: Local
    target: Target
    card: Card
    """The card that is there, in the folder or else on the Hub; an empty one if there is none."""
    card_from: str
    """Where it is: "README.md", "the README.md on the Hub", or "" for nowhere."""
    bases: tuple[Base, ...]
    session: str
    hub: str
    collection: bool


async def gather(args: PushModelArgs, ctx: ToolContext) -> Facts:
    """Look at the folder and at the Hub.

    Raises:
        ToolError: something that is needed is not there, or not as it must be.
    """
    services = ctx.services
    require_token(ctx, "pushing a model")
    known = [value for value in services.keys.values() if value]
    look = partial(_look, args, ctx, known)
    local = await asyncio.to_thread(look)
    target = await target_of(args, ctx)
    card, origin = await _card(local, target, args, ctx)
    args = filled(args, card, local.model)
    bases = [await _base(name, ctx) for name in args.base_model]
    return Facts(
        args=args,
        local=local,
        target=target,
        card=card,
        card_from=origin,
        bases=tuple(bases),
        session=ctx.session_id,
        hub=services.hub.endpoint,
        collection=services.settings.hub_collection,
    )


def _look(args: PushModelArgs, ctx: ToolContext, known: list[str]) -> Local:
    return looked_at(folder(args.folder, ctx), args.include, known)


async def target_of(args: PushModelArgs, ctx: ToolContext) -> Target:
    """The repository as it is.

    Raises:
        ToolError: it has no such branch, or the token cannot write.
    """
    hub, name = ctx.services.hub, args.repo_id
    who = await account(ctx)
    require_writing(who)
    try:
        info = await hub.read(
            f"the model {name}", lambda api: api.model_info(name, revision=args.branch)
        )
    except HubError as error:
        if error.kind != "missing":
            raise _branchless(error, args) from error
        _require_default(args)
        return Target(repo_id=name, exists=False, user=who.name, organisations=who.orgs)
    require_same_name(Repository("model", name, hub.endpoint), str(info.id))
    head = info.sha or ""
    files = await hub.read(f"the files of {name}", lambda api: tree(api, name, head or args.branch))
    return Target(
        repo_id=name, exists=True, private=info.private is True, head=head, files=files,
        user=who.name, organisations=who.orgs,
    )  # fmt: skip


def _branchless(error: HubError, args: PushModelArgs) -> ToolError:
    if error.kind != "revision":
        return error
    return ToolError(
        f"{args.repo_id} has no branch {args.branch}. Make it first with hf_repo_git("
        f'operation="create_branch", repo_id="{args.repo_id}", branch="{args.branch}").'
    )


def _require_default(args: PushModelArgs) -> None:
    """Refuse what only a repository that exists can have."""
    if args.branch != "main" or args.create_pr:
        wrong = "create_pr" if args.create_pr else "revision"
        raise ToolError(
            f"{args.repo_id} does not exist, or the token has no access to it. A new repository "
            f"has only its branch main: leave out `{wrong}`, or correct repo_id."
        )


async def _card(
    local: Local, target: Target, args: PushModelArgs, ctx: ToolContext
) -> tuple[Card, str]:
    """The card that is there: the folder's goes before the repository's."""
    if local.card is not None:
        return local.card, README
    there = target.files.get(README)
    if there is None or not there.size:
        return Card(), ""
    if there.size > _CARD:
        raise ToolError(f"The README.md of {target.repo_id} has {there.size:,} bytes: too large.")
    place = Repository("model", target.repo_id, ctx.services.hub.endpoint)
    found = await ctx.services.hub.read(
        f"the README.md of {target.repo_id}",
        lambda api: piece(api, place, target.head or args.branch, README, range(_CARD)),
    )
    if len(found.data) != there.size:
        raise unreadable(f"the README.md of {target.repo_id}")  # Ours would take its place.
    text = found.data.decode("utf-8", "replace")
    where = "the README.md on the Hub"
    return await asyncio.to_thread(read, text, f"T{where[1:]}"), where


async def _base(name: str, ctx: ToolContext) -> Base:
    try:
        info = await ctx.services.hub.read(
            f"the base model {name}", lambda api: api.model_info(name)
        )
    except HubError as error:
        if error.kind not in _UNSEEN:
            raise
        return Base(repo_id=name, problem=str(error))
    data: Any = info.card_data
    about = data.to_dict() if hasattr(data, "to_dict") else {}
    return base_of(name, about if isinstance(about, dict) else {}, bool(info.gated))


def base_of(name: str, about: Mapping[str, Any], gated: bool) -> Base:
    """What a base's metadata says of its license."""
    said = about.get("license")
    said = said[0] if isinstance(said, list) and len(said) == 1 else said
    words = [about.get(key) for key in ("license_name", "license_link")]
    title, link = (word if isinstance(word, str) else "" for word in words)
    found = said.strip().lower() if isinstance(said, str) else ""
    return Base(repo_id=name, license=found, name=title, link=link, gated=gated)
