"""`hf_repo_files`: uploads and deletions, what comes between them, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulators.hub_repos import HubRepos, Refused, Repo
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.repos import upload
from ml_intern.tools.repos.files import REPO_FILES
from ml_intern.tools.repos.git import REPO_GIT
from ml_intern.tools.spec import Absent, ToolContext, ToolResult

Golden = Callable[[str, str], None]
Call = Callable[..., Awaitable[ToolResult]]
KEY = "11111111-2222-3333-4444-555555555555"
Preview = Callable[..., Awaitable[str]]
Reconcile = Callable[..., Awaitable[ToolResult | Absent | None]]

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def repo(state: HubRepos) -> Repo:
    return state.add("me/m", {"README.md": "# M\n", "old/a.bin": b"a", "old/b.txt": "b"})


@pytest.fixture
def out(ctx: ToolContext) -> Path:
    """A folder as it comes out of a training."""
    out = ctx.cwd / "out"
    for name, content in {
        "config.json": b"{}", "sub/model.safetensors": b"\0" * 3000, "notes/ü.txt": b"hello\n",
        ".env": b"KEY=1", "sub/id_rsa": b"x", "sub/credentials.json": b"{}", ".git/HEAD": b"x",
        "__pycache__/a.pyc": b"x", ".cache/huggingface/x": b"x", "a.pyc": b"",
    }.items():  # fmt: skip
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)
    (ctx.cwd / "outside.txt").write_text("private")
    (out / "leak.txt").symlink_to(ctx.cwd / "outside.txt")
    (out / "linked").symlink_to(ctx.cwd)
    (out / "dead").symlink_to("nowhere")
    (out / "same.json").symlink_to("config.json")
    return out


def lost(_: Repo) -> None:
    """The answer to a commit that was made does not arrive."""
    raise Refused(500, "the connection was lost")


def commits(site: Site) -> list[str]:
    return [line for line in site.lines if line.startswith("POST") and "/commit/" in line]


async def test_a_text_becomes_a_commit_with_the_name_of_its_call(
    call: Call, repo: Repo, golden: Golden, site: Site
) -> None:
    before = repo.head.oid
    text = (
        await call(REPO_FILES, operation="upload", repo_id="me/m", path="./a/b.md", content="# Ü\n")
    ).text
    golden("hub/repo_files_upload_text.txt", text.replace(site.url, "http://hub"))
    assert repo.files["a/b.md"].data.decode() == "# Ü\n"
    assert repo.head.description == f"ml-intern: {KEY}"
    assert repo.branches["main"][-2].oid == before


async def test_of_a_folder_what_is_no_secret_goes_in_one_commit(
    call: Call, repo: Repo, out: Path, golden: Golden, site: Site
) -> None:
    text = (
        await call(REPO_FILES, operation="upload", repo_id="me/m", path="run", local_path="out")
    ).text
    golden("hub/repo_files_upload_folder.txt", text.replace(site.url, "http://hub"))
    new = {path for path in repo.files if path.startswith("run/")}
    assert new == {
        "run/config.json", "run/sub/model.safetensors", "run/notes/ü.txt", "run/same.json",
    }  # fmt: skip
    assert repo.files["run/sub/model.safetensors"].lfs
    assert len(commits(site)) == 1


async def test_an_empty_text_is_a_file_and_beside_a_local_path_it_is_none(
    call: Call, repo: Repo, out: Path
) -> None:
    args = {"operation": "upload", "repo_id": "me/m", "content": ""}
    await call(REPO_FILES, **args, path="empty.txt")
    await call(REPO_FILES, **args, path="x.json", local_path="out/config.json")
    assert repo.files["empty.txt"].data == b""
    assert repo.files["x.json"].data == b"{}"


async def test_patterns_choose_of_a_folder(call: Call, repo: Repo, out: Path) -> None:
    await call(REPO_FILES, operation="upload", repo_id="me/m", local_path="out",
               patterns=["*.json", "*.env"])  # fmt: skip
    assert {"config.json", "same.json"} <= set(repo.files)
    assert not {".env", "notes/ü.txt"} & set(repo.files)


async def test_one_file_is_named_by_the_path_or_by_itself(
    call: Call, repo: Repo, out: Path
) -> None:
    args = {"operation": "upload", "repo_id": "me/m", "local_path": "out/config.json"}
    await call(REPO_FILES, **args)
    await call(REPO_FILES, **args, path="x/")
    await call(REPO_FILES, **args, path="y/z.json", commit_message="Mine")
    assert {"config.json", "x/config.json", "y/z.json"} <= set(repo.files)
    assert repo.head.title == "Mine"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({}, "Give one of `content` and `local_path`"),
        ({"content": "x", "local_path": "out"}, "not both"),
        ({"content": "x"}, "path is missing"),
        ({"content": "x", "path": "a/"}, "path is missing"),
        ({"content": "key: hf_mine_too_long", "path": "a"}, "credentials in line 1"),
        ({"content": "x", "path": "../a"}, "takes no such path|refused"),
        ({"local_path": "nowhere"}, "does not exist"),
        ({"local_path": "out/.env"}, "looks like credentials"),
        ({"local_path": "empty"}, "nothing to upload"),
        ({"local_path": "tells"}, "notes.md has a Hugging Face token in line 2"),
    ],
)
async def test_what_cannot_be_uploaded_says_why(
    ctx: ToolContext, repo: Repo, out: Path, args: dict[str, str], words: str, site: Site
) -> None:
    (ctx.cwd / "empty").mkdir()
    (ctx.cwd / "tells").mkdir()
    (ctx.cwd / "tells" / "notes.md").write_text(f"a\nhf_{'a1' * 17}\n")
    keys = {**ctx.services.keys, "OTHER": "hf_mine_too_long"}
    told = replace(ctx, services=replace(ctx.services, keys=keys))
    arguments = REPO_FILES.args(operation="upload", repo_id="me/m", **args)  # type: ignore[arg-type]
    with pytest.raises(ToolError, match=words):
        await REPO_FILES.handler(arguments, told)
    assert not commits(site)


async def test_what_is_there_already_makes_no_commit(call: Call, repo: Repo, site: Site) -> None:
    text = (
        await call(REPO_FILES, operation="upload", repo_id="me/m", path="README.md",
                   content="# M\n")
    ).text  # fmt: skip
    assert text.startswith("Nothing to do: the model me/m has all of it already")
    assert not commits(site)


async def test_what_the_repository_ignores_is_not_said_to_be_there(
    call: Call, repo: Repo, out: Path
) -> None:
    repo.commit({".gitignore": "*.json\n"})
    text = (await call(REPO_FILES, operation="upload", repo_id="me/m", local_path="out")).text
    assert "2 files, 3,006 bytes." in text
    assert "config.json (by the repository's .gitignore)" in text
    assert "config.json" not in repo.files


async def test_calls_at_once_on_one_repository_follow_each_other(
    call: Call, repo: Repo, ctx: ToolContext
) -> None:
    """Each would be on a head that the one before has moved."""

    def upload(number: int) -> Awaitable[ToolResult]:
        return call(REPO_FILES, operation="upload", repo_id="me/m",
                    path=f"{number}.txt", content="x")  # fmt: skip

    results = await asyncio.gather(*[upload(number) for number in range(5)])
    assert all(result.text.startswith("Uploaded") for result in results)
    assert {f"{number}.txt" for number in range(5)} <= set(repo.head.tree)


async def test_somebody_elses_commit_in_between_is_a_conflict_and_nothing_is_overwritten(
    call: Call, repo: Repo, state: HubRepos
) -> None:
    def meanwhile(repo: Repo) -> None:
        repo.commit({"README.md": "# Theirs\n"}, "Theirs", author="other")

    state.before_commit = meanwhile
    seen = repo.head.oid
    with pytest.raises(ToolError, match="has changed: main is at") as caught:
        await call(REPO_FILES, operation="upload", repo_id="me/m", path="README.md", content="x")
    assert repo.files["README.md"].data == b"# Theirs\n"
    assert repo.head.oid in str(caught.value)
    assert seen in str(caught.value)
    state.before_commit = meanwhile
    with pytest.raises(ToolError, match="Nothing was overwritten"):
        await call(REPO_FILES, operation="delete", repo_id="me/m", path="README.md")
    assert "README.md" in repo.files


async def test_a_change_based_on_an_older_commit_is_a_conflict(
    call: Call, repo: Repo, site: Site
) -> None:
    old = repo.head.oid
    repo.commit({"x": "1"})
    args = {"repo_id": "me/m", "path": "README.md", "parent_commit": old}
    for change in ({"operation": "upload", "content": "x"}, {"operation": "delete"}):
        with pytest.raises(ToolError, match="has changed: main is at"):
            await call(REPO_FILES, **args, **change)
    assert not commits(site)
    args["parent_commit"] = repo.head.oid[:10]
    await call(REPO_FILES, **args, operation="upload", content="x")
    assert repo.files["README.md"].data == b"x"


async def test_after_a_crash_the_commit_is_adopted_and_not_made_again(
    call: Call, reconcile: Reconcile, repo: Repo, site: Site
) -> None:
    args = {"operation": "upload", "repo_id": "me/m", "path": "a.txt", "content": "x"}
    assert await reconcile(REPO_FILES, **args) == "absent"
    said = (await call(REPO_FILES, **args)).text
    found = await reconcile(REPO_FILES, **args)
    assert isinstance(found, ToolResult)
    assert found.text.splitlines()[:2] == said.splitlines()[:2]
    assert repo.head.oid in found.text
    assert len(commits(site)) == 1


async def test_after_a_crash_the_deletion_is_adopted(
    call: Call, reconcile: Reconcile, repo: Repo
) -> None:
    args = {"operation": "delete", "repo_id": "me/m", "patterns": ["old/*"]}
    assert await reconcile(REPO_FILES, **args) == "absent"
    said = (await call(REPO_FILES, **args)).text
    found = await reconcile(REPO_FILES, **args)
    assert isinstance(found, ToolResult)
    assert found.text.splitlines()[:2] == said.splitlines()[:2]


@pytest.mark.parametrize("create_pr", [False, True])
async def test_a_commit_whose_answer_is_lost_is_found_and_not_made_again(
    call: Call, repo: Repo, state: HubRepos, site: Site, create_pr: bool
) -> None:
    state.after_commit = lost
    args = {"operation": "upload", "repo_id": "me/m", "path": "a.txt", "content": "x"}
    text = (await call(REPO_FILES, **args, create_pr=create_pr)).text
    branch = "refs/pr/1" if create_pr else "main"
    assert f"Commit {repo.branches[branch][-1].oid}" in text
    assert len(commits(site)) == 1


async def test_a_commit_that_was_not_made_is_an_error(call: Call, repo: Repo, site: Site) -> None:
    site.fail("POST .*/commit/", Reply(status=503, body={"error": "x"}))
    with pytest.raises(HubError, match="did not answer"):
        await call(REPO_FILES, operation="upload", repo_id="me/m", path="a.txt", content="x")
    assert "a.txt" not in repo.files
    assert len(commits(site)) == 1


async def test_another_calls_commit_is_not_taken_for_ours(
    call: Call, reconcile: Reconcile, repo: Repo
) -> None:
    repo.commit({"a.txt": "x"}, "Upload a.txt", description=f"ml-intern: {KEY[:-1]}0")
    args = {"operation": "upload", "repo_id": "me/m", "path": "a.txt", "content": "x"}
    assert await reconcile(REPO_FILES, **args) == "absent"


async def test_a_proposed_change_is_a_pull_request_and_found_again(
    call: Call, reconcile: Reconcile, repo: Repo, state: HubRepos, golden: Golden, site: Site
) -> None:
    repo.open("Another", "me")
    args = {"operation": "upload", "repo_id": "me/m", "path": "a.txt", "content": "x",
            "create_pr": True}  # fmt: skip
    assert await reconcile(REPO_FILES, **args) == "absent"
    text = (await call(REPO_FILES, **args)).text
    golden("hub/repo_files_upload_pr.txt", text.replace(site.url, "http://hub"))
    assert "a.txt" not in repo.files
    assert "a.txt" in repo.branches["refs/pr/2"][-1].tree
    found = await reconcile(REPO_FILES, **args)
    assert isinstance(found, ToolResult)
    assert found.text.splitlines()[:3] == text.splitlines()[:3]
    assert len(repo.discussions) == 2


async def test_who_may_not_write_may_propose(call: Call, state: HubRepos) -> None:
    theirs = state.add("other/m")
    args = {"operation": "upload", "repo_id": "other/m", "path": "a.txt", "content": "x"}
    with pytest.raises(HubError, match="the token does not allow it"):
        await call(REPO_FILES, **args)
    await call(REPO_FILES, **args, create_pr=True)
    assert "a.txt" in theirs.branches["refs/pr/1"][-1].tree


@pytest.fixture
def many(ctx: ToolContext, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(upload, "FILES_OF_COMMIT", 2)
    folder = ctx.cwd / "many"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.txt").write_text(str(number))
    return folder


async def test_many_files_go_in_several_commits_each_on_the_one_before(
    call: Call, repo: Repo, many: Path, site: Site
) -> None:
    await call(REPO_FILES, operation="upload", repo_id="me/m", local_path="many")
    assert [c.description.rpartition(KEY)[2] for c in repo.branches["main"][-3:]] == [
        " part 1 of 3", " part 2 of 3", " part 3 of 3",
    ]  # fmt: skip
    assert {f"{n}.txt" for n in range(5)} <= set(repo.files)
    await call(REPO_FILES, operation="upload", repo_id="me/m", local_path="many", path="pr",
               create_pr=True)  # fmt: skip
    assert len(repo.discussions) == 1
    assert len([p for p in repo.branches["refs/pr/1"][-1].tree if p.startswith("pr/")]) == 5


async def test_what_a_crash_left_of_several_commits_is_told_and_can_be_completed(
    call: Call, reconcile: Reconcile, repo: Repo, many: Path, state: HubRepos, site: Site
) -> None:
    def then(_: Repo) -> None:
        site.fail("POST .*/commit/", Reply(status=403, body={"error": "x"}))

    args = {"operation": "upload", "repo_id": "me/m", "local_path": "many"}
    state.after_commit = then
    with pytest.raises(ToolError, match="1 of 3 commits were made before that"):
        await call(REPO_FILES, **args)
    found = await reconcile(REPO_FILES, **args)
    assert isinstance(found, ToolResult)
    assert not found.ok
    assert "Only 1 of 3 commits were made before an interruption" in found.text
    await call(REPO_FILES, **args)
    assert {f"{n}.txt" for n in range(5)} <= set(repo.files)


async def test_a_conflict_after_the_first_of_several_commits_says_how_far_it_came(
    call: Call, repo: Repo, many: Path, state: HubRepos
) -> None:
    def then(repo: Repo) -> None:
        state.before_commit = lambda repo: repo.commit({"theirs": "x"}) and None

    state.after_commit = then
    with pytest.raises(ToolError, match="1 of 3 commits were made before that"):
        await call(REPO_FILES, operation="upload", repo_id="me/m", local_path="many")
    assert "theirs" in repo.files


async def test_a_large_upload_says_how_far_it_is(
    call: Call, repo: Repo, out: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(upload, "_STEP", 1000)
    await call(REPO_FILES, operation="upload", repo_id="me/m", local_path="out")
    assert logged == [
        "0 of 3,010 bytes sent; commit 1/1",
    ]


async def test_deleting_names_what_is_gone(
    call: Call, repo: Repo, golden: Golden, site: Site
) -> None:
    text = (await call(REPO_FILES, operation="delete", repo_id="me/m", path="old/")).text
    golden("hub/repo_files_delete.txt", text.replace(site.url, "http://hub"))
    assert set(repo.files) == {".gitattributes", "README.md"}


@pytest.mark.parametrize(
    ("args", "left"),
    [
        ({"patterns": ["*.bin"]}, {".gitattributes", "README.md", "old/b.txt"}),
        ({"patterns": "old/?.txt"}, {".gitattributes", "README.md", "old/a.bin"}),
        ({"path": "README.md"}, {".gitattributes", "old/a.bin", "old/b.txt"}),
        ({"patterns": ["*.*"]}, {".gitattributes"}),
        ({"patterns": ["*"]}, set()),
    ],
)
async def test_patterns_paths_and_folders_choose_what_is_deleted(
    call: Call, repo: Repo, args: dict[str, str], left: set[str]
) -> None:
    await call(REPO_FILES, operation="delete", repo_id="me/m", **args)
    assert set(repo.files) == left


@pytest.mark.parametrize("args", [{}, {"path": "/"}, {"path": "."}, {"patterns": ["./"]}])
async def test_everything_is_only_deleted_by_its_pattern(
    call: Call, repo: Repo, args: dict[str, str], site: Site
) -> None:
    with pytest.raises(ToolError, match="is every file there is"):
        await call(REPO_FILES, operation="delete", repo_id="me/m", **args)
    with pytest.raises(ToolError, match="No file of the model me/m at main matches"):
        await call(REPO_FILES, operation="delete", repo_id="me/m", patterns=["*.zip"])
    assert not commits(site)


async def test_the_person_is_shown_what_would_be_uploaded_and_replaced(
    preview: Preview, repo: Repo, out: Path, golden: Golden, site: Site
) -> None:
    (out / "README.md").write_text("# New\n")
    text = await preview(REPO_FILES, operation="upload", repo_id="me/m", local_path="out")
    state = text.rpartition(": ")[2]
    golden("hub/repo_files_preview_upload.txt", text.replace(state, "(state)"))
    (out / "config.json").write_text("[]")
    again = await preview(REPO_FILES, operation="upload", repo_id="me/m", local_path="out")
    assert again != text
    assert not commits(site)


async def test_the_person_is_shown_what_would_be_deleted(
    preview: Preview, repo: Repo, golden: Golden
) -> None:
    repo.private = True
    text = await preview(REPO_FILES, operation="delete", repo_id="me/m", patterns=["*"])
    golden("hub/repo_files_preview_delete.txt", text)
    assert await preview(REPO_FILES, operation="list", repo_id="me/m") == ""


@pytest.fixture
def keyless(ctx: ToolContext) -> ToolContext:
    return replace(ctx, services=replace(ctx.services, keys={}))


async def test_without_a_token_public_files_are_read_and_nothing_is_changed(
    keyless: ToolContext, repo: Repo, site: Site
) -> None:
    def args(**given: str) -> object:
        return REPO_FILES.args(repo_id="me/m", **given)  # type: ignore[arg-type]

    listed = await REPO_FILES.handler(args(operation="list"), keyless)  # type: ignore[arg-type]
    assert "README.md" in listed.text
    for change in ({"operation": "upload", "content": "x", "path": "x"},
                   {"operation": "delete", "path": "README.md"}):  # fmt: skip
        with pytest.raises(ToolError, match="the user must set HF_TOKEN"):
            await REPO_FILES.handler(args(**change), keyless)  # type: ignore[arg-type]
    repo.private = True
    with pytest.raises(ToolError, match="there is no token now"):
        await REPO_FILES.handler(args(operation="list"), keyless)  # type: ignore[arg-type]
    assert {ask.token for ask in site.ledger} == {""}


async def test_a_token_that_only_reads_is_told(ctx: ToolContext, repo: Repo) -> None:
    reader = replace(ctx, services=replace(ctx.services, keys={"HF_TOKEN": "hf_reader"}))
    args = REPO_FILES.args(operation="upload", repo_id="me/m", content="x", path="x")
    with pytest.raises(HubError, match="the token does not allow it"):
        await REPO_FILES.handler(args, reader)


@pytest.mark.parametrize(
    ("tool", "args"),
    [
        (REPO_FILES, {"operation": "upload", "path": "a", "content": "x"}),
        (REPO_FILES, {"operation": "delete", "path": "README.md"}),
        (REPO_GIT, {"operation": "update_repo", "private": False}),
    ],
)
async def test_a_repository_is_not_changed_by_a_name_of_before(
    call: Call, preview: Preview, repo: Repo, state: HubRepos, tool: Any, args: dict[str, Any]
) -> None:
    state.repos["model", "me/before"] = repo
    before = repo.head
    for run in (call, preview):
        with pytest.raises(ToolError, match="The model me/before is called me/m now: use that"):
            await run(tool, repo_id="me/before", **args)
    assert repo.head == before
    assert "README.md" in (await call(REPO_FILES, operation="list", repo_id="me/before")).text


async def test_a_path_is_no_pattern(call: Call, repo: Repo) -> None:
    repo.commit({"a[1].bin": b"x", "a1.bin": b"x"})
    await call(REPO_FILES, operation="delete", repo_id="me/m", path="a[1].bin")
    assert "a[1].bin" not in repo.files
    assert "a1.bin" in repo.files
    await call(REPO_FILES, operation="delete", repo_id="me/m", path="old", patterns=["a[1].bin"])
    assert set(repo.files) == {".gitattributes", "README.md"}


async def test_what_would_be_replaced_or_deleted_is_held_to_by_its_content(
    preview: Preview, repo: Repo
) -> None:
    for args in ({"operation": "upload", "content": "new"}, {"operation": "delete"}):
        shown = await preview(REPO_FILES, **args, repo_id="me/m", path="README.md")
        assert await preview(REPO_FILES, **args, repo_id="me/m", path="README.md") == shown
        repo.commit({"README.md": bytes(reversed(repo.files["README.md"].data))})
        assert await preview(REPO_FILES, **args, repo_id="me/m", path="README.md") != shown


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"path": "a/.env", "content": "A=1"}, "looks like credentials by its name"),
        ({"path": "a\nState of these files: 1", "content": "A=1"}, "control characters"),
        ({"path": "a\x1b[2J", "content": "A=1"}, "control characters"),
        ({"local_path": ".git"}, "is in .git: nothing of that is uploaded"),
        ({"local_path": ".ssh/config"}, "is in .ssh: nothing of that is uploaded"),
        ({"local_path": "harmless"}, "is in .ssh: nothing of that is uploaded"),
        ({"local_path": "Dockerfile"}, "Dockerfile has a Hugging Face token in line 1"),
    ],
)
async def test_what_is_private_is_not_uploaded_by_another_way(
    ctx: ToolContext, call: Call, repo: Repo, site: Site, args: dict[str, str], words: str
) -> None:
    for name in (".git/config", ".ssh/config"):
        (ctx.cwd / name).parent.mkdir()
        (ctx.cwd / name).write_text("x")
    (ctx.cwd / "harmless").symlink_to(".ssh/config")
    (ctx.cwd / "Dockerfile").write_text(f"ENV T=hf_{'a1' * 17}")
    with pytest.raises(ToolError, match=words):
        await call(REPO_FILES, operation="upload", repo_id="me/m", **args)
    assert not commits(site)


async def test_a_name_that_does_not_show_as_it_is_stays_behind(
    ctx: ToolContext, call: Call, preview: Preview, repo: Repo
) -> None:
    (ctx.cwd / "f").mkdir()
    for name in ("good.md", "two\nlines.md", "tab\t.md"):
        (ctx.cwd / "f" / name).write_text("x")
    args = {"operation": "upload", "repo_id": "me/m", "local_path": "f"}
    assert "'two\\nlines.md' (its name has control characters)" in await preview(REPO_FILES, **args)
    await call(REPO_FILES, **args)
    assert set(repo.files) == {".gitattributes", "README.md", "old/a.bin", "old/b.txt", "good.md"}
