"""What the agent makes on the Hub says so, and is found in one collection of its session.

An explicit step after the agent has made a repository itself: nobody else's is ever touched.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.repos.card import with_provenance
from ml_intern.tools.repos.commits import Change, commit
from ml_intern.tools.repos.contents import piece
from ml_intern.tools.repos.names import RepoType, Target, account
from ml_intern.tools.repos.world import head_of
from ml_intern.tools.spec import ToolContext

_CARD = "README.md"
_LARGEST = 1_000_000
"""Bytes of a card above which it is left as it is."""
_TITLE = 59
"""Characters that a collection's title may have."""
_NOTE = "Worked on by ML Intern."


async def register(ctx: ToolContext, repo_id: str, repo_type: RepoType) -> list[str]:
    """Tag a repository that this call has made, and put it into the session's collection.

    What fails is told in the lines that it gives: the repository is there all the same.
    """
    target = Target(repo_type, repo_id, ctx.services.hub.endpoint)
    lines = [await _tried("Its card", _tag(ctx, target))]
    if ctx.services.settings.hub_collection:
        lines.append(await _tried("The collection", collect(ctx, target)))
    return [line for line in lines if line]


async def _tried(what: str, work: Awaitable[str]) -> str:
    try:
        return await work
    except ToolError as error:
        return f"{what} was not changed: {error}"


async def _tag(ctx: ToolContext, target: Target) -> str:
    """Add the tag and the section to the card, or make one."""
    head = await head_of(ctx, target, "main")
    old = await ctx.services.hub.read(f"the card of {target.what}", lambda api: _card(api, target))
    if old is None and target.type == "space":
        return ""  # Its card says how it runs: one of ours would not.
    if old is not None and len(old) >= _LARGEST:
        raise ToolError(f"it has more than {_LARGEST:,} characters.")

    def operations() -> list[Any]:
        from huggingface_hub import CommitOperationAdd

        try:
            new = with_provenance(old or "", ctx.session_id)
        except Exception as error:
            raise ToolError(f"its metadata cannot be read ({type(error).__name__}).") from error
        return [] if new is None else [CommitOperationAdd(_CARD, new.encode())]

    change = Change(target=target, revision="main", parent=head.oid, create_pr=False,
                    title="Say where this comes from")  # fmt: skip
    made = await commit(ctx, change, operations)
    return (
        "" if made.oid == head.oid else "Its card has the tag ml-intern and says where it is from."
    )


def _card(api: Any, target: Target) -> str | None:  # noqa: ANN401 - the library's client
    """The card as it is; None if there is none."""
    if not api.get_paths_info(target.id, [_CARD], repo_type=target.type):
        return None
    return piece(api, target, "main", _CARD, range(_LARGEST)).data.decode("utf-8", "replace")


async def collect(ctx: ToolContext, target: Target) -> str:
    """Put a repository into the private collection of the session."""
    title, me = collection_title(ctx), (await account(ctx)).name

    def work(api: Any) -> str:  # noqa: ANN401 - the library's client
        made = api.create_collection(title, namespace=me, private=True, exists_ok=True)
        api.add_collection_item(made.slug, target.id, target.type, note=_NOTE, exists_ok=True)
        return str(made.slug)

    slug = await ctx.services.hub.write("the collection of this session", work)
    return f"It is in the session's private collection: {target.endpoint}/collections/{slug}"


def collection_title(ctx: ToolContext) -> str:
    """The same at every call of a session."""
    words = ("ml-intern", ctx.session_id[:8], ctx.cwd.name)
    return " ".join(word for word in words if word)[:_TITLE].rstrip()
