"""A change whose answer was lost or broken: it is looked for, and neither repeated nor denied."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulators.hub_repos import HubRepos, Repo
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.repos.files import REPO_FILES
from ml_intern.tools.repos.git import REPO_GIT
from ml_intern.tools.spec import Absent, ToolResult

Call = Callable[..., Awaitable[ToolResult]]
Reconcile = Callable[..., Awaitable[ToolResult | Absent | None]]
Change = Callable[[Any], Any]

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

ME = {"repo_id": "me/m"}
UPLOAD: dict[str, Any] = {"operation": "upload", **ME, "path": "a.txt", "content": "x"}


@pytest.fixture
def repo(state: HubRepos) -> Repo:
    repo = state.add("me/m", {"README.md": "# M\n"})
    repo.branches["old"] = list(repo.branches["main"])
    repo.tags["v0"] = (repo.head.oid, "")
    repo.open("Fix", "other")
    repo.commit({"fix.txt": "x"}, "Fix", branch="refs/pr/1")
    return repo


def lost(_: Any) -> Reply:
    return Reply(status=502, body="<html>Bad gateway</html>")


@pytest.mark.parametrize(
    ("line", "args"),
    [
        ("POST /api/models/me/m/discussions", {"operation": "create_pr", "title": "T"}),
        ("/comment", {"operation": "comment_pr", "pr_num": 1, "comment": "Thanks"}),
        ("/status", {"operation": "close_pr", "pr_num": 1}),
        ("/merge", {"operation": "merge_pr", "pr_num": 1}),
        ("POST /api/models/me/m/branch", {"operation": "create_branch", "branch": "new"}),
        ("DELETE /api/models/me/m/branch", {"operation": "delete_branch", "branch": "old"}),
        ("POST /api/models/me/m/tag", {"operation": "create_tag", "tag": "v1"}),
        ("DELETE /api/models/me/m/tag", {"operation": "delete_tag", "tag": "v0"}),
        ("/settings", {"operation": "update_repo", "private": True}),
        ("/create", {"operation": "create_repo", "repo_id": "me/new"}),
    ],
)
async def test_what_was_done_although_the_answer_was_lost_is_no_error(
    call: Call, repo: Repo, site: Site, spoil: Any, line: str, args: dict[str, Any]
) -> None:
    spoil(line, lost)
    result = await call(REPO_GIT, **{**ME, **args})
    assert result.ok
    assert len([asked for asked in site.lines if line in asked]) == 1


async def test_a_pull_request_that_cannot_be_shown_is_opened_only_once(
    call: Call, repo: Repo, site: Site
) -> None:
    """The library asks for the new pull request at once: only that failed."""
    site.fail("GET .*/discussions/2", Reply(status=500, body={"error": "x"}))
    text = (await call(REPO_GIT, operation="create_pr", title="T", **ME)).text
    assert text.startswith("Opened pull request 2 of the model me/m")


@pytest.mark.parametrize(
    "broken",
    [
        lambda body: {**body, "commitOid": None},
        lambda body: {**body, "commitUrl": None},
        lambda body: {**body, "commitUrl": "nonsense"},
        lambda _: "<html>It works!</html>",
        lambda _: None,
    ],
)
async def test_a_commit_with_a_broken_answer_is_found(
    call: Call, repo: Repo, spoil: Any, broken: Change
) -> None:
    spoil("/commit/", broken)
    text = (await call(REPO_FILES, **UPLOAD)).text
    assert f"Commit {repo.head.oid}" in text
    assert repo.head.title == "Upload a.txt"


@pytest.mark.parametrize("url", [None, "http://x/no-pull-request", 5])
async def test_a_proposal_whose_number_is_missing_is_found(
    call: Call, repo: Repo, spoil: Any, url: object
) -> None:
    spoil("/commit/", lambda body: {**body, "pullRequestUrl": url})
    text = (await call(REPO_FILES, **UPLOAD, create_pr=True)).text
    assert text.startswith("Uploaded to the model me/m, a pull request: Upload a.txt")
    assert "Pull request 2 (revision refs/pr/2)" in text


async def test_a_proposal_of_nothing_new_is_none(call: Call, repo: Repo) -> None:
    args = {**UPLOAD, "path": "README.md", "content": "# M\n", "create_pr": True}
    old = repo.branches["main"][0].oid
    for parent in ("", repo.head.oid[:10], old):
        text = (await call(REPO_FILES, **args, parent_commit=parent)).text
        assert text.startswith("Nothing to do: the model me/m has all of it already")
    assert len(repo.discussions) == 1


async def test_what_is_ignored_whole_is_not_said_to_be_there(call: Call, repo: Repo) -> None:
    repo.commit({".gitignore": "*.txt\n"})
    text = (await call(REPO_FILES, **UPLOAD)).text
    assert text.startswith("Nothing was uploaded: the .gitignore of the model me/m keeps all")
    assert "a.txt" not in repo.files


async def test_settings_that_were_changed_before_a_crash_are_not_said_to_be_unchanged(
    call: Call, reconcile: Reconcile, repo: Repo
) -> None:
    for args in ({"private": True}, {"private": False, "gated": "auto"}, {"gated": "off"}):
        wanted = {"operation": "update_repo", **ME, **args}
        assert await reconcile(REPO_GIT, **wanted) == "absent"
        said = await call(REPO_GIT, **wanted)
        assert await reconcile(REPO_GIT, **wanted) == said


async def test_what_the_hub_refuses_is_not_looked_for(call: Call, repo: Repo, site: Site) -> None:
    site.fail("POST .*/branch/", Reply(status=403, body={"error": "no"}))
    with pytest.raises(HubError, match="the token does not allow it"):
        await call(REPO_GIT, operation="create_branch", **ME, branch="x")
    assert len(site.ledger) == 1


async def test_a_file_that_vanishes_is_told(
    call: Call, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    (tmp_path / "work" / "a.bin").write_bytes(b"\0")

    def gone(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "a.bin")

    monkeypatch.setattr(huggingface_hub, "CommitOperationAdd", gone)
    with pytest.raises(ToolError, match=r"cannot be read any more.*a\.bin"):
        await call(REPO_FILES, operation="upload", **ME, local_path="a.bin")


@pytest.mark.parametrize(
    "args",
    [
        {"operation": "comment_pr", "pr_num": 1, "comment": "a\nhf_the_users_own"},
        {"operation": "create_pr", "title": "T", "description": "hf_" + "a1" * 17},
        {"operation": "create_tag", "tag": "v1", "tag_message": "hf_the_users_own"},
    ],
)
async def test_no_credential_is_said_in_public(
    ctx: Any, repo: Repo, site: Site, args: dict[str, Any]
) -> None:
    keys = {**ctx.services.keys, "OTHER": "hf_the_users_own"}
    told = replace(ctx, services=replace(ctx.services, keys=keys))
    with pytest.raises(ToolError, match=r"(comment|description|tag_message) has .* in line"):
        await REPO_GIT.handler(REPO_GIT.args.model_validate({**ME, **args}), told)
    assert json.dumps(site.lines) == "[]"
