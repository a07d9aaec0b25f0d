"""Commits of our own: made on a head that was seen, and found again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import HubError, refused
from ml_intern.tools.repos.marks import commit_mark, part_of
from ml_intern.tools.repos.names import Target, account
from ml_intern.tools.repos.world import Commit, head_of, newest
from ml_intern.tools.spec import ToolContext

if TYPE_CHECKING:
    from huggingface_hub import HfApi

LONGEST = 3600.0
"""Seconds that the largest upload may take."""
_PULLS = 10
"""Newest pull requests of the user's among which ours is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Where a commit goes and what it is called."""

    target: Target
    revision: str
    parent: str
    """The head it is made for; the Hub refuses it if there is another one."""
    title: str
    create_pr: bool
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Made:
    """A commit that is on the Hub, and its pull request."""

    oid: str
    pull: int | None = None
    ignored: tuple[str, ...] = ()
    """Files that the repository's `.gitignore` keeps out."""


async def commit(ctx: ToolContext, change: Change, operations: Callable[[], Sequence[Any]]) -> Made:
    """Make a commit; `operations` is called in a thread, for it imports the library.

    Raises:
        ToolError: the head has moved, or the Hub's refusal.
    """

    def work(api: HfApi) -> Made:
        info = api.create_commit(
            change.target.id,
            operations(),
            commit_message=change.title,
            commit_description=commit_mark(ctx.key, change.part, change.parts),
            repo_type=change.target.type,
            revision=change.revision,
            create_pr=change.create_pr,
            parent_commit=change.parent or None,
        )
        if not isinstance(info.oid, str) or not info.oid:
            raise ToolError("The Hub did not say which commit it made.")
        return Made(info.oid, info.pr_num)

    try:
        made: Made = await ctx.services.hub.write(change.target.what, explained(work), LONGEST)
    except ToolError as error:
        if isinstance(error, HubError) and error.status == 412:
            raise await moved(ctx, change) from error
        if not refused(error) and (found := await _made_anyway(ctx, change)):
            return found
        raise
    # Without a number there was nothing to change, or the Hub did not give it.
    unnamed = change.create_pr and made.pull is None
    return (unnamed and await _made_anyway(ctx, change)) or made


async def _made_anyway(ctx: ToolContext, change: Change) -> Made | None:
    """The commit, if only the answer to it was lost; None too where that cannot be found out."""
    try:
        pull = await own_pull(ctx, change.target) if change.create_pr else None
        if change.create_pr and pull is None:
            return None
        revision = f"refs/pr/{pull}" if pull else change.revision
        found = (await parts_done(ctx, change.target, revision)).get(change.part)
    except ToolError:
        return None
    return Made(found.oid, pull) if found else None


def explained(work: Callable[[HfApi], Any]) -> Callable[[HfApi], Any]:
    """`work`, with what the library wraps or raises of its own as the Hub client knows it."""

    def run(api: HfApi) -> Any:  # noqa: ANN401 - what `work` returns
        try:
            return work(api)
        except RuntimeError as error:
            if isinstance(error.__cause__, Exception):
                raise error.__cause__ from error
            raise ToolError(f"The upload failed: {error}.") from error
        except (FileNotFoundError, PermissionError) as error:
            raise ToolError(f"A file could not be read while it was uploaded: {error}.") from error
        except ValueError as error:
            if type(error) is not ValueError:
                raise
            raise ToolError(f"The upload was refused: {error}") from error

    return run


async def moved(ctx: ToolContext, change: Change) -> ToolError:
    """What to say where somebody else was faster."""
    now = await head_of(ctx, change.target, change.revision)
    return ToolError(
        f"{change.target.start} has changed: {change.revision} is at {now.oid} now, not at "
        f"{change.parent}. Nothing was overwritten. See what is new (hf_repo_git list_commits), "
        "then do it again on top of that."
    )


async def parts_done(ctx: ToolContext, target: Target, revision: str) -> dict[int, Commit]:
    """The commits of this call on a revision by their part; {} if it made none there."""
    found: dict[int, Commit] = {}
    for one in await newest(ctx, target, revision):
        if part := part_of(one.description, ctx.key):
            found.setdefault(part[0], one)
    return found


async def own_pull(ctx: ToolContext, target: Target) -> int | None:
    """The pull request that this call opened by a commit."""
    me = (await account(ctx)).name

    def ask(api: HfApi) -> list[int]:
        listed = api.get_repo_discussions(
            target.id, repo_type=target.type, author=me, discussion_type="pull_request"
        )
        return [one.num for one in islice(listed, _PULLS)]

    for number in await ctx.services.hub.read(f"the pull requests of {target.what}", ask):
        if await parts_done(ctx, target, f"refs/pr/{number}"):
            return number
    return None
