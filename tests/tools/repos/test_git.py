"""`hf_repo_git`: each of its operations, what it says, and what a crash leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from emulators.hub_repos import HubRepos, Repo
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.repos.files import REPO_FILES
from ml_intern.tools.repos.git import REPO_GIT
from ml_intern.tools.spec import Absent, ToolContext, ToolResult

Golden = Callable[[str, str], None]
Call = Callable[..., Awaitable[ToolResult]]
KEY = "11111111-2222-3333-4444-555555555555"
Preview = Callable[..., Awaitable[str]]
Reconcile = Callable[..., Awaitable[ToolResult | Absent | None]]
ME = {"repo_id": "me/m"}


@pytest.fixture
def repo(state: HubRepos) -> Repo:
    return state.add("me/m", {"README.md": "# M\n"})


@pytest.fixture
def pull(repo: Repo) -> int:
    """A pull request of somebody else's with a change, a comment and a commit."""
    one = repo.open("Fix the\ncard", "other", "Because <b>it</b> was wrong.")
    repo.commit({"README.md": "# M2\n", "new.py": "print()\n"}, "Fix", author="other",
                branch=f"refs/pr/{one.num}")  # fmt: skip
    one.add("commit", "other", subject="Fix", oid=repo.branches[f"refs/pr/{one.num}"][-1].oid)
    one.comment("me", "Looks good.\n\n<!-- ml-intern: abc -->")
    return one.num


def posts(site: Site) -> list[str]:
    return [line for line in site.lines if not line.startswith("GET")]


async def adopted(reconcile: Reconcile, said: str, **args: Any) -> None:
    """What the call said is what its reconciliation says."""
    found = await reconcile(REPO_GIT, **args)
    assert isinstance(found, ToolResult)
    assert found.text == said


@pytest.mark.parametrize(
    ("kind", "start"), [("branch", "from_rev"), ("tag", "revision")], ids=["branch", "tag"]
)
async def test_a_branch_or_tag_is_made_once_found_again_and_deleted(
    call: Call, reconcile: Reconcile, preview: Preview, repo: Repo, kind: str, start: str
) -> None:
    first = repo.branches["main"][0].oid
    make = {"operation": f"create_{kind}", **ME, kind: "dev/x", start: first}
    gone = {"operation": f"delete_{kind}", **ME, kind: "dev/x"}
    assert await reconcile(REPO_GIT, **make) == "absent"
    said = (await call(REPO_GIT, **make)).text
    assert said.startswith(f"Created the {kind} dev/x of the model me/m from {first}: ")
    await adopted(reconcile, said, **make)
    found = repo.find("dev/x")
    assert found is not None
    assert found.oid == first
    with pytest.raises(ToolError, match=f"The model me/m has a {kind} dev/x already"):
        await call(REPO_GIT, **make)
    assert first in await preview(REPO_GIT, **gone)
    assert await reconcile(REPO_GIT, **gone) == "absent"
    await adopted(reconcile, (await call(REPO_GIT, **gone)).text, **gone)
    assert repo.find("dev/x") is None
    with pytest.raises(HubError, match=f"The {kind} dev/x of the model me/m"):
        await call(REPO_GIT, **gone)


async def test_a_branch_that_is_elsewhere_may_be_anybodys(reconcile: Reconcile, repo: Repo) -> None:
    repo.branches["dev"] = repo.branches["main"][:1]
    assert await reconcile(REPO_GIT, operation="create_branch", **ME, branch="dev") is None


async def test_a_tag_keeps_its_message(call: Call, repo: Repo) -> None:
    await call(REPO_GIT, operation="create_tag", **ME, tag="v1", tag_message="first")
    assert repo.tags["v1"] == (repo.head.oid, "first")


async def test_references_and_commits_are_listed_a_page_at_a_time(
    call: Call, repo: Repo, golden: Golden
) -> None:
    repo.branches["dev"] = repo.branches["main"][:]
    repo.tags["v1"] = (repo.head.oid, "")
    refs = (await call(REPO_GIT, operation="list_refs", **ME)).text
    commits = (await call(REPO_GIT, operation="list_commits", **ME)).text
    golden("hub/repo_git_lists.txt", f"{refs}\n\n{commits}\n")
    for number in range(150):
        repo.tags[f"t{number}"] = (repo.head.oid, "")
        repo.commit({"n": str(number)}, f"Commit {number}")
    refs = (await call(REPO_GIT, operation="list_refs", **ME, offset=100)).text
    assert "tag t149" in refs
    assert "more:" not in refs
    commits = (await call(REPO_GIT, operation="list_commits", **ME, offset=30)).text
    assert "Commit 119" in commits
    assert "Commit 120" not in commits
    assert 'list_commits", repo_id="me/m", offset=60' in commits


async def test_only_as_much_of_the_history_is_fetched_as_is_shown(
    call: Call, repo: Repo, site: Site
) -> None:
    for number in range(500):
        repo.commit({"n": str(number)}, f"Commit {number}")
    await call(REPO_GIT, operation="list_commits", **ME)
    assert len(site.ledger) == 1


async def test_a_pull_request_is_opened_filled_made_ready_and_merged(
    call: Call, reconcile: Reconcile, repo: Repo, golden: Golden, site: Site
) -> None:
    make = {"operation": "create_pr", **ME, "title": "Better", "description": "Why"}
    assert await reconcile(REPO_GIT, **make) == "absent"
    said = (await call(REPO_GIT, **make)).text
    golden("hub/repo_git_create_pr.txt", said.replace(site.url, "http://hub"))
    await adopted(reconcile, said, **make)
    await call(REPO_FILES, operation="upload", **ME, path="a", content="x", revision="refs/pr/1")
    merge = {"operation": "merge_pr", **ME, "pr_num": 1}
    with pytest.raises(HubError, match="is draft"):
        await call(REPO_GIT, **merge)
    ready = {"operation": "change_pr_status", **ME, "pr_num": 1, "new_status": "open"}
    assert await reconcile(REPO_GIT, **ready) == "absent"
    await adopted(reconcile, (await call(REPO_GIT, **ready)).text, **ready)
    assert await reconcile(REPO_GIT, **merge) == "absent"
    await adopted(reconcile, (await call(REPO_GIT, **merge)).text, **merge)
    assert repo.files["a"].data == b"x"
    with pytest.raises(ToolError, match="Pull request 1 of the model me/m is merged already"):
        await call(REPO_GIT, **merge)


async def test_a_pull_request_is_shown_with_what_was_said_and_changed(
    call: Call, pull: int, golden: Golden, site: Site
) -> None:
    text = (await call(REPO_GIT, operation="get_pr", **ME, pr_num=pull)).text
    golden("hub/repo_git_get_pr.txt", text.replace(site.url, "http://hub"))


async def test_a_long_pull_request_is_shown_a_page_at_a_time(
    call: Call, repo: Repo, pull: int
) -> None:
    lines = "".join(f"line {n}\n" for n in range(3000))
    repo.commit({"long.txt": lines}, branch=f"refs/pr/{pull}")
    args = {"operation": "get_pr", **ME, "pr_num": pull}
    first = (await call(REPO_GIT, **args)).text
    assert "offset=12000)]" in first
    pages = [first.rpartition("\n[")[0]]
    for offset in (12_000, 24_000, 36_000):
        try:
            pages.append((await call(REPO_GIT, **args, offset=offset)).text.rpartition("\n[")[0])
        except ToolError:
            break
    assert "+line 2100\n" in "".join(pages)
    with pytest.raises(ToolError, match="give a smaller offset"):
        await call(REPO_GIT, **args, offset=10**6)


async def test_a_conflict_is_told_before_merging(
    call: Call, preview: Preview, repo: Repo, pull: int, site: Site, golden: Golden
) -> None:
    args = {"operation": "merge_pr", **ME, "pr_num": pull}
    golden("hub/repo_git_preview_merge.txt", await preview(REPO_GIT, **args))
    before = await preview(REPO_GIT, **args)
    repo.commit({"README.md": "# M3\n"})
    with pytest.raises(ToolError, match=r"conflicts with its branch in README\.md"):
        await call(REPO_GIT, **args)
    assert not posts(site)
    assert "CONFLICTS in README.md" in await preview(REPO_GIT, **args)
    repo.commit({"more.py": ""}, branch=f"refs/pr/{pull}")
    assert await preview(REPO_GIT, **args) != before


async def test_pull_requests_are_listed_without_discussions(
    call: Call, repo: Repo, pull: int, golden: Golden
) -> None:
    repo.open("How do I use this?", "other", pull=False)
    repo.open("Closed", "me").status = "closed"
    text = (await call(REPO_GIT, operation="list_prs", **ME)).text
    golden("hub/repo_git_list_prs.txt", text)
    closed = (await call(REPO_GIT, operation="list_prs", **ME, status="closed")).text
    assert closed.startswith("Closed pull requests of the model me/m")
    assert "Fix" not in closed
    for number in range(40):
        repo.open(f"PR {number}", "other")
    first = (await call(REPO_GIT, operation="list_prs", **ME)).text
    assert 'list_prs", repo_id="me/m", offset=30)' in first
    rest = (await call(REPO_GIT, operation="list_prs", **ME, offset=30)).text
    assert "Fix the card" in rest
    none = (await call(REPO_GIT, operation="list_prs", **ME, offset=60)).text
    assert none == "The model me/m has no more pull requests."


async def test_closing_and_commenting_are_found_again(
    call: Call, reconcile: Reconcile, repo: Repo, pull: int
) -> None:
    say = {"operation": "comment_pr", **ME, "pr_num": pull, "comment": "Thanks"}
    close = {"operation": "close_pr", **ME, "pr_num": pull, "comment": "Not now"}
    for args in (say, close):
        assert await reconcile(REPO_GIT, **args) == "absent"
        await adopted(reconcile, (await call(REPO_GIT, **args)).text, **args)
    texts = [e["data"]["latest"]["raw"] for e in repo.discussions[pull].events
             if e["type"] == "comment"]  # fmt: skip
    assert f"Thanks\n\n<!-- ml-intern: {KEY} -->" in texts
    assert "Not now" in texts
    assert repo.discussions[pull].status == "closed"
    with pytest.raises(ToolError, match="is closed already"):
        await call(REPO_GIT, **close)


async def test_a_discussion_is_no_pull_request(call: Call, repo: Repo) -> None:
    repo.open("How?", "other", "please", pull=False)
    assert (
        "Discussion (no pull request)"
        in (await call(REPO_GIT, operation="get_pr", **ME, pr_num=1)).text
    )
    with pytest.raises(ToolError, match="is a discussion, not a pull request"):
        await call(REPO_GIT, operation="merge_pr", **ME, pr_num=1)
    with pytest.raises(HubError, match="Pull request 9 of the model me/m does not exist"):
        await call(REPO_GIT, operation="get_pr", **ME, pr_num=9)


async def test_odd_events_of_a_pull_request_do_no_harm(call: Call, repo: Repo, pull: int) -> None:
    one = repo.discussions[pull]
    one.add("title-change", "other", **{"from": "a", "to": "b\x1b[31m"})
    one.add("something-new", "other")
    one.events[0]["data"]["hidden"] = True
    one.events[1].pop("author")
    text = (await call(REPO_GIT, operation="get_pr", **ME, pr_num=pull)).text
    assert "new title b\\x1b[31m" in text
    assert "other, 2026-03-01: (hidden)" in text
    assert "deleted, 2026-03-01: commit" in text
    one.events.append({"id": "x"})
    with pytest.raises(HubError, match="in a form that is not known"):
        await call(REPO_GIT, operation="get_pr", **ME, pr_num=pull)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"operation": "create_branch"}, "create_branch needs branch"),
        ({"operation": "delete_tag"}, "delete_tag needs tag"),
        ({"operation": "create_pr"}, "create_pr needs title"),
        ({"operation": "get_pr"}, "get_pr needs pr_num"),
        ({"operation": "comment_pr", "pr_num": 1}, "comment_pr needs comment"),
        ({"operation": "change_pr_status", "pr_num": 1}, "needs new_status"),
        ({"operation": "update_repo"}, "needs private or gated"),
        ({"operation": "create_repo", "repo_type": "space"}, "needs space_sdk"),
        ({"operation": "create_repo", "space_sdk": "gradio"}, 'is for repo_type="space"'),
        ({"operation": "update_repo", "repo_type": "space", "gated": "auto"}, "cannot be gated"),
    ],
)
async def test_an_operation_without_its_argument_names_it(
    call: Call, args: dict[str, Any], words: str, site: Site
) -> None:
    with pytest.raises(ToolError, match=words):
        await call(REPO_GIT, **ME, **args)
    assert not site.ledger


async def test_visibility_and_gate_are_changed_and_shown_before(
    call: Call, preview: Preview, repo: Repo, golden: Golden, site: Site
) -> None:
    repo.private = True
    args = {"operation": "update_repo", **ME, "private": False, "gated": "manual"}
    golden("hub/repo_git_preview_update.txt", await preview(REPO_GIT, **args))
    text = (await call(REPO_GIT, **args)).text
    assert text.startswith("Changed the model me/m (PUBLIC, gated: anyone may ask to read it)")
    assert (repo.private, repo.gated) == (False, "manual")


@pytest.mark.parametrize("off", ["off", "false", False, "False", "none"])
async def test_the_gate_is_opened_by_any_word_for_it(
    call: Call, repo: Repo, off: object, site: Site
) -> None:
    """D9: the library wants False, and the schema had only text."""
    repo.gated = "auto"
    await call(REPO_GIT, operation="update_repo", **ME, gated=off)
    assert not repo.gated
    assert [ask.json for ask in site.ledger if ask.method == "PUT"] == [{"gated": False}]


async def test_blanks_mean_nothing(call: Call, repo: Repo) -> None:
    blanks = dict.fromkeys(("branch", "tag", "title", "status", "pr_num", "private", "gated"), "")
    nulls = dict.fromkeys(("comment", "from_rev", "new_status", "space_sdk", "offset"))
    assert (await call(REPO_GIT, operation="list_refs", **ME, **blanks, **nulls)).text


async def test_who_may_not_change_a_repository_is_told(
    ctx: ToolContext, call: Call, state: HubRepos, site: Site
) -> None:
    state.add("other/m")
    with pytest.raises(HubError, match="the token does not allow it"):
        await call(REPO_GIT, operation="create_branch", repo_id="other/m", branch="x")
    keyless = replace(ctx, services=replace(ctx.services, keys={}))
    asked = len(site.ledger)
    calls: dict[str, dict[str, Any]] = {
        "create_branch": {"branch": "x"}, "delete_tag": {"tag": "x"}, "create_pr": {"title": "x"},
        "merge_pr": {"pr_num": 1}, "comment_pr": {"pr_num": 1, "comment": "x"},
        "create_repo": {}, "update_repo": {"private": True},
    }  # fmt: skip
    for operation, more in calls.items():
        args = REPO_GIT.args.model_validate({"operation": operation, **ME, **more})
        with pytest.raises(ToolError, match="the user must set HF_TOKEN"):
            await REPO_GIT.handler(args, keyless)
    assert len(site.ledger) == asked


async def test_an_answer_that_is_lost_is_not_asked_for_twice(
    call: Call, repo: Repo, site: Site
) -> None:
    site.fail("POST .*/branch/", Reply(status=503, body={"error": "busy"}))
    with pytest.raises(HubError, match="did not answer"):
        await call(REPO_GIT, operation="create_branch", **ME, branch="x")
    assert len(posts(site)) == 1


def test_every_operation_has_a_nature() -> None:
    for tool in (REPO_FILES, REPO_GIT):
        names = tool.schema()["function"]["parameters"]["properties"]["operation"]["enum"]
        assert set(names) == set(tool.operations)
        for name, nature in tool.operations.items():
            reads = name.startswith(("list", "get", "read"))
            assert nature == (("read", "pure") if reads else ("publish", nature.effect))
            assert nature.effect in ("pure", "reconcilable")
