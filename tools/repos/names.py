"""Which repository is meant, and whose token it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from ml_intern.tools.errors import ToolError
from ml_intern.tools.spec import ToolContext

RepoType = Literal["model", "dataset", "space"]
_TYPES: dict[str, RepoType] = {"models": "model", "datasets": "dataset", "spaces": "space"}
_PART = re.compile(r"[\w.-]+")
_ACCOUNT_LIFE = 600.0
"""Seconds; the Hub answers this question only so often."""


@dataclass(frozen=True, slots=True)
class Target:
    """A repository."""

    type: RepoType
    id: str
    """With its namespace, but for the oldest models of the Hub."""
    endpoint: str

    @property
    def what(self) -> str:
        """As messages name it."""
        return f"the {'Space' if self.type == 'space' else self.type} {self.id}"

    @property
    def start(self) -> str:
        """As messages name it where they begin with it."""
        return f"T{self.what[1:]}"

    @property
    def url(self) -> str:
        """Its page."""
        prefix = "" if self.type == "model" else f"{self.type}s/"
        return f"{self.endpoint}/{prefix}{self.id}"


@dataclass(frozen=True, slots=True)
class Account:
    """Whose token it is."""

    name: str
    orgs: tuple[str, ...] = ()
    role: str = ""
    """What its token may do, such as "read"; "" if the Hub does not say."""


def require_token(ctx: ToolContext, purpose: str) -> None:
    """Refuse what nobody may do without a token.

    Raises:
        ToolError: there is none.
    """
    if not ctx.services.hub.token:
        raise ToolError(
            f"There is no Hub token, and {purpose} needs one with write permission: the user must "
            "set HF_TOKEN (https://huggingface.co/settings/tokens)."
        )


async def account(ctx: ToolContext) -> Account:
    """Who the token belongs to."""
    hub = ctx.services.hub
    return account_of(await hub.known("your account", lambda api: api.whoami(), _ACCOUNT_LIFE))


def account_of(said: Any) -> Account:  # noqa: ANN401 - whatever the Hub says
    """What the Hub said of the token.

    Raises:
        ToolError: it named nobody.
    """
    about = _object(said)
    name, orgs = about.get("name"), about.get("orgs")
    if not isinstance(name, str) or not name:
        raise ToolError(
            "The Hub does not say whose token this is. Give the whole name, owner/name."
        )
    named = [_object(org).get("name") for org in orgs] if isinstance(orgs, list) else []
    role = _object(_object(about.get("auth")).get("accessToken")).get("role")
    return Account(name, tuple(org for org in named if isinstance(org, str)), str(role or ""))


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return value if isinstance(value, dict) else {}


async def existing(ctx: ToolContext, repo_id: str, repo_type: RepoType) -> Target:
    """The repository of that name; one without a namespace is looked for in the token's first."""
    target = stated(ctx, repo_id, repo_type)
    if "/" in target.id or not ctx.services.hub.token:
        return target
    own = Target(target.type, f"{(await account(ctx)).name}/{target.id}", target.endpoint)
    there = await ctx.services.hub.read(
        own.what, lambda api: api.repo_exists(own.id, repo_type=own.type)
    )
    return own if there else target


async def require_whole(ctx: ToolContext, repo_id: str) -> None:
    """Refuse other spellings where the Hub is changed: the user's rules go by `owner/name`.

    Raises:
        ToolError: it is another; the message says whose token it is.
    """
    owner, _, name = repo_id.partition("/")
    if _PART.fullmatch(owner) and _PART.fullmatch(name) and owner not in _TYPES:
        return
    require_token(ctx, "changing the Hub")
    who = await account(ctx)
    orgs = f", with the organisations {', '.join(who.orgs)}" if who.orgs else ""
    raise ToolError(
        f'repo_id="{repo_id}" must be written as owner/name. The token is of {who.name}{orgs}.'
    )


def stated(ctx: ToolContext, repo_id: str, repo_type: RepoType) -> Target:
    """What the arguments name: an id, or the address of the repository's page.

    Raises:
        ToolError: nothing, or another type than `repo_type`.
    """
    endpoint = ctx.services.hub.endpoint
    name = repo_id.strip().removeprefix(endpoint).strip("/")
    if not name:
        raise ToolError('repo_id is missing: name the repository, as in "owner/name".')
    first, _, rest = name.partition("/")
    if first in _TYPES and "/" in rest:
        if repo_type not in ("model", _TYPES[first]):
            raise ToolError(f'repo_id="{repo_id}" is none of repo_type="{repo_type}".')
        return Target(_TYPES[first], rest, endpoint)
    return Target(repo_type, name, endpoint)
