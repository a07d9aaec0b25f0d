"""What a repository is at this moment: its head, who may see it, its history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ml_intern.tools.errors import ToolError
from ml_intern.tools.repos.names import Target
from ml_intern.tools.spec import ToolContext

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_LOOKED_AT = 300
"""Newest commits in which the commit of a call is looked for."""


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a revision."""

    oid: str
    """Its commit; "" if the Hub does not say."""
    private: bool | None
    """None if the Hub does not say."""
    gated: str
    """ "auto", "manual", or "" if anyone may read it who may see it."""
    repo_id: str
    """What the Hub calls the repository; it leads on from names of before."""

    @property
    def visible(self) -> str:
        """Who may see it, in words."""
        if self.private is None:
            return "visibility not known"
        if self.private:
            return "private"
        who = "gated: anyone may ask to read it" if self.gated else "anyone can read it"
        return f"PUBLIC, {who}"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as the Hub lists it."""

    oid: str
    title: str
    description: str
    author: str
    date: str
    """As in "2026-03-01 12:00"; "" if it is not known."""


async def head_of(ctx: ToolContext, target: Target, revision: str) -> Head:
    """The state of a revision now."""

    def ask(api: HfApi) -> Head:
        # Not the whole description: of a large repository that lists every file.
        fields: Any = ["sha", "private", *(["gated"] if target.type != "space" else [])]
        info: Any = api.repo_info(
            target.id, repo_type=target.type, revision=revision, expand=fields
        )
        gated = getattr(info, "gated", None)
        private = info.private if isinstance(info.private, bool) else None
        gate = gated if isinstance(gated, str) else ""
        return Head(str(info.sha or ""), private, gate, str(info.id))

    return await ctx.services.hub.read(f"{target.what} at {revision}", ask)


async def head_to_change(ctx: ToolContext, target: Target, revision: str) -> Head:
    """As `head_of`.

    Raises:
        ToolError: the repository has another name now, and the user's rules go by names.
    """
    head = await head_of(ctx, target, revision)
    require_same_name(target, head.repo_id)
    return head


def require_same_name(target: Target, named: str) -> None:
    """Refuse to change a repository by a name that it no longer has."""
    if named.lower() != target.id.lower():
        raise ToolError(f"{target.start} is called {named} now: use that name.")


async def history(
    ctx: ToolContext, target: Target, revision: str, start: int, count: int
) -> list[Commit]:
    """Commits of a revision from the `start`-th, the newest first."""
    what = f"the commits of {target.what} at {revision}"
    return await ctx.services.hub.read(
        what, lambda api: list(islice(_commits(api, target, revision), start, start + count))
    )


def _commits(api: HfApi, target: Target, revision: str) -> Iterator[Commit]:
    """A page at a time: the library's own listing fetches all of them first."""
    web: Any = import_module("huggingface_hub.utils")
    path = f"{api.endpoint}/api/{target.type}s/{target.id}/commits/{quote(revision, safe='')}"
    headers = web.build_hf_headers(token=api.token, library_name="ml-intern")
    for item in web.paginate(path, params={}, headers=headers):
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            yield commit_of(item)


def commit_of(item: dict[str, Any]) -> Commit:
    """What the Hub says of a commit."""
    authors = item.get("authors") if isinstance(item.get("authors"), list) else []
    names = [one.get("user") for one in authors or [] if isinstance(one, dict)]
    texts = [item.get(field) for field in ("title", "message", "date")]
    title, message, date = (text if isinstance(text, str) else "" for text in texts)
    author = next((name for name in names if isinstance(name, str)), "")
    return Commit(item["id"], title, message, author, date[:16].replace("T", " "))


async def newest(ctx: ToolContext, target: Target, revision: str) -> list[Commit]:
    """The commits among which one of ours would be after a crash."""
    return await history(ctx, target, revision, 0, _LOOKED_AT)
