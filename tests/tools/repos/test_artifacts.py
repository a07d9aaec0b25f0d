"""What the agent makes on the Hub says so and is in one collection; nobody else's is touched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from emulators.hub_repos import HubRepos
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.repos.artifacts import collection_title, register
from ml_intern.tools.repos.card import with_provenance
from ml_intern.tools.repos.files import REPO_FILES
from ml_intern.tools.repos.git import REPO_GIT
from ml_intern.tools.services import Services
from ml_intern.tools.spec import Absent, ToolContext, ToolResult

Golden = Callable[[str, str], None]
Call = Callable[..., Awaitable[ToolResult]]
KEY = "11111111-2222-3333-4444-555555555555"
Preview = Callable[..., Awaitable[str]]
Reconcile = Callable[..., Awaitable[ToolResult | Absent | None]]
MAKE = {"operation": "create_repo", "repo_id": "me/new"}


async def test_a_new_repository_is_private_tagged_and_collected(
    call: Call, preview: Preview, state: HubRepos, golden: Golden, site: Site
) -> None:
    assert await preview(REPO_GIT, **MAKE) == "Create the model me/new, private"
    text = (await call(REPO_GIT, **MAKE)).text
    golden("hub/repo_git_create_repo.txt", text.replace(site.url, "http://hub"))
    repo = state.repo("me/new")
    golden("hub/repo_card.md", repo.files["README.md"].data.decode())
    assert repo.private
    assert repo.head.description == f"ml-intern: {KEY}"
    [collection] = state.collections.values()
    assert (collection.private, collection.title) == (True, "ml-intern abcdefgh work")
    assert [item["id"] for item in collection.items] == ["me/new"]


async def test_all_of_a_session_is_in_one_collection(
    call: Call, ctx: ToolContext, state: HubRepos
) -> None:
    await call(REPO_GIT, **MAKE)
    await call(REPO_GIT, operation="create_repo", repo_id="lab/data", repo_type="dataset")
    await call(REPO_GIT, operation="create_repo", repo_id="me/demo", repo_type="space",
               space_sdk="gradio", private=False)  # fmt: skip
    [collection] = state.collections.values()
    assert [(item["type"], item["id"]) for item in collection.items] == [
        ("model", "me/new"), ("dataset", "lab/data"), ("space", "me/demo"),
    ]  # fmt: skip
    card = state.repo("me/demo", "space").files["README.md"].data.decode()
    assert "sdk: gradio" in card
    assert "- ml-intern" in card
    assert not state.repo("me/demo", "space").private
    await register(replace(ctx, session_id="other"), "me/new", "model")
    assert len(state.collections) == 2


async def test_a_public_one_is_said_to_be_so_before(preview: Preview) -> None:
    text = await preview(REPO_GIT, **MAKE, private=False)
    assert text == "Create the model me/new, PUBLIC: anyone can read it"


async def test_what_exists_is_never_touched(call: Call, state: HubRepos, site: Site) -> None:
    """W6: cards of repositories that others had made were rewritten."""
    repo = state.add("me/new", {"README.md": "# Mine\n"})
    before = repo.head
    with pytest.raises(ToolError, match="The model me/new exists already"):
        await call(REPO_GIT, **MAKE)
    await call(REPO_FILES, operation="upload", repo_id="me/new", path="a.txt", content="x")
    assert repo.files["README.md"] is before.tree["README.md"]
    assert not state.collections


async def test_registering_again_changes_nothing(
    call: Call, ctx: ToolContext, state: HubRepos
) -> None:
    await call(REPO_GIT, **MAKE)
    head = state.repo("me/new").head
    lines = await register(ctx, "me/new", "model")
    assert state.repo("me/new").head is head
    assert len(lines) == 1
    [collection] = state.collections.values()
    assert len(collection.items) == 1


async def test_the_collection_is_left_out_if_the_user_wants_none(
    ctx: ToolContext, state: HubRepos, site: Site
) -> None:
    settings = ctx.services.settings.model_copy(update={"hub_collection": False})
    services = Services(settings, ctx.services.keys)
    state.add("me/new")
    lines = await register(replace(ctx, services=services), "me/new", "model")
    assert lines == ["Its card has the tag ml-intern and says where it is from."]
    assert not [line for line in site.lines if "collections" in line]


async def test_what_fails_is_told_and_the_repository_is_there(
    call: Call, state: HubRepos, site: Site
) -> None:
    site.fail("POST .*/commit/", Reply(status=500, body={"error": "x"}))
    site.fail("POST /api/collections", Reply(status=403, body={"error": "no scope"}))
    text = (await call(REPO_GIT, **MAKE)).text
    assert text.startswith("Created the model me/new (private)")
    assert "Its card was not changed: The Hub did not answer" in text
    assert "The collection was not changed: The Hub refused" in text
    assert ("model", "me/new") in state.repos


async def test_a_card_that_is_none_is_left_as_it_is(ctx: ToolContext, state: HubRepos) -> None:
    broken = "---\na: [1\n---\n# Hi\n"
    repo = state.add("me/new", {"README.md": broken})
    repo.private = True
    lines = await register(ctx, "me/new", "model")
    assert lines[0].startswith("Its card was not changed: its metadata cannot be read")
    assert repo.files["README.md"].data.decode() == broken


async def test_a_space_without_a_card_gets_none(ctx: ToolContext, state: HubRepos) -> None:
    repo = state.add("me/app", {"app.py": "x"}, type="space")
    await register(ctx, "me/app", "space")
    assert "README.md" not in repo.files


async def test_after_a_crash_a_repository_with_our_mark_is_adopted(
    call: Call, reconcile: Reconcile, state: HubRepos, site: Site
) -> None:
    assert await reconcile(REPO_GIT, **MAKE) == "absent"
    site.fail("POST /api/collections", Reply(status=500, body={"error": "x"}))
    await call(REPO_GIT, **MAKE)
    assert not state.collections
    found = await reconcile(REPO_GIT, **MAKE)
    assert isinstance(found, ToolResult)
    assert found.text.startswith("Created the model me/new (private): ")
    assert "It is in the session's private collection" in found.text
    assert len([line for line in site.lines if line == "POST /api/repos/create"]) == 1


async def test_after_a_crash_one_without_our_mark_is_not_touched(
    reconcile: Reconcile, state: HubRepos
) -> None:
    repo = state.add("me/new")
    found = await reconcile(REPO_GIT, **MAKE)
    assert isinstance(found, ToolResult)
    assert found.text.endswith("It was not registered.")
    repo.commit({"a": "x"}, "Theirs")
    assert await reconcile(REPO_GIT, **MAKE) is None
    assert "README.md" not in repo.files
    assert not state.collections


async def test_nobody_makes_a_repository_elsewhere(call: Call) -> None:
    with pytest.raises(HubError, match="the token does not allow it"):
        await call(REPO_GIT, operation="create_repo", repo_id="other/new")


def test_a_card_keeps_what_it_says() -> None:
    card = with_provenance("---\nlicense: mit\ntags:\n- a\n---\n# T\r\ntext\n", "abcdefghij")
    assert card is not None
    assert card.startswith("---\nlicense: mit\ntags:\n- a\n- ml-intern\n---\n")
    assert "# T" in card
    assert "session `abcdefgh`" in card
    assert with_provenance(card, "abcdefghij") is None
    plain = with_provenance("# T\n", "")
    assert plain is not None
    assert plain.startswith("---\ntags:\n- ml-intern\n---\n# T\n")
    single = with_provenance("---\ntags: a\n---\n", "")
    assert single is not None
    assert "- a\n- ml-intern" in single


def test_a_title_is_never_too_long(ctx: ToolContext) -> None:
    assert len(collection_title(replace(ctx, cwd=ctx.cwd / ("x" * 200)))) == 59
