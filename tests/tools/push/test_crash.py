"""A push whose result nobody saw: found on the Hub by the call's name, and finished."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulators.hub_repos import HubRepos, Repo
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.tool import PUSH_MODEL
from ml_intern.tools.spec import Absent, ToolContext, ToolResult

Call = Callable[..., Awaitable[ToolResult]]

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

ARGS: dict[str, Any] = {"folder": "out", "repo_id": "me/m"}


async def reconciled(ctx: ToolContext, **args: Any) -> ToolResult | Absent | None:
    assert PUSH_MODEL.reconcile is not None
    return await PUSH_MODEL.reconcile(PUSH_MODEL.args(**{**ARGS, **args}), ctx)


async def text_of(ctx: ToolContext, **args: Any) -> str:
    found = await reconciled(ctx, **args)
    assert isinstance(found, ToolResult)
    return found.text


async def test_a_push_that_was_done_is_found_and_not_done_again(
    call: Call, hub: HubRepos, site: Site, ctx: ToolContext, folder: Path
) -> None:
    await call(PUSH_MODEL, **ARGS)
    hub.repo("me/m").commit({"later.txt": "x"})
    before = len(hub.repo("me/m").branches["main"])
    text = await text_of(ctx)
    pushed = hub.repo("me/m").branches["main"][1]
    assert f"Pushed to {site.url}/me/m\nCommit: {pushed.oid} on main" in text
    assert "The process died before it could say so" in text
    assert [item["id"] for one in hub.collections.values() for item in one.items] == ["me/m"]
    assert len(hub.repo("me/m").branches["main"]) == before


async def test_what_was_never_begun_or_only_half_is_done(
    call: Call, hub: HubRepos, ctx: ToolContext, folder: Path
) -> None:
    assert await reconciled(ctx) == "absent"
    hub.add("me/m", private=True)  # created, and then the process died
    assert await reconciled(ctx) == "absent"
    assert (await call(PUSH_MODEL, **ARGS)).ok
    assert await reconciled(replace(ctx, key="another")) == "absent"
    assert await reconciled(replace(ctx, key="")) == "absent"


async def test_a_repository_that_was_to_become_public_is_not_made_so_behind_the_users_back(
    call: Call, hub: HubRepos, site: Site, ctx: ToolContext, folder: Path
) -> None:
    hub.add("me/m", private=True)
    site.fail("PUT .*/settings", Reply(status=500, body={"error": "died"}))
    await call(PUSH_MODEL, **ARGS, private=False)
    assert hub.repo("me/m").private
    text = await text_of(ctx, private=False)
    again = 'hf_repo_git(operation="update_repo", repo_id="me/m", private=False)'
    assert f"- It is STILL PRIVATE; {again} makes it public." in text
    assert hub.repo("me/m").private
    hub.repo("me/m").private = False
    assert "PRIVATE" not in await text_of(ctx, private=False)


async def test_a_pull_request_is_found_among_others(
    call: Call, hub: HubRepos, site: Site, ctx: ToolContext, folder: Path
) -> None:
    hub.add("them/m").open("Another one", "me")
    args = {"repo_id": "them/m", "private": False, "create_pr": True}
    assert await reconciled(ctx, **args) == "absent"
    await call(PUSH_MODEL, **{**ARGS, **args})
    assert f"{site.url}/them/m/discussions/2" in await text_of(ctx, **args)


async def test_a_commit_whose_answer_is_lost_is_found_at_once(
    call: Call, hub: HubRepos, site: Site, folder: Path
) -> None:
    def lose(_: Repo) -> None:
        raise ConnectionError("the answer is lost")

    hub.after_commit = lose
    result = await call(PUSH_MODEL, **ARGS)
    assert f"Commit: {hub.repo('me/m').head.oid} on main" in result.text
    assert len(hub.repo("me/m").branches["main"]) == 2


async def test_a_commit_that_did_not_come_to_be_is_an_error(
    call: Call, hub: HubRepos, site: Site, folder: Path
) -> None:
    site.fail("POST /api/models/me/m/commit", Reply(status=500, body={"error": "out of order"}))
    with pytest.raises(ToolError, match="out of order"):
        await call(PUSH_MODEL, **ARGS)
    assert len(hub.repo("me/m").branches["main"]) == 1
    assert (await call(PUSH_MODEL, **ARGS)).ok


async def test_a_hub_that_does_not_tell_leaves_it_open(
    ctx: ToolContext, site: Site, folder: Path
) -> None:
    site.fail("commits", Reply(status=500, body={"error": "x"}), times=3)
    with pytest.raises(ToolError, match="did not answer"):
        await reconciled(ctx)
