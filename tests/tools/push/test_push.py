"""The whole push, with the Hub's own client library against an emulated Hub."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulators.hub_repos import HubRepos, Repo
from emulators.model_folders import adapter, safetensors, written
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.hub.client import Hub
from ml_intern.tools.push import target
from ml_intern.tools.push.tool import PUSH_MODEL
from ml_intern.tools.spec import ToolContext, ToolResult

Call = Callable[..., Awaitable[ToolResult]]
Said = Callable[..., Awaitable[str]]
Changes = Callable[[], list[str]]

# The client library's own, where it sends a large file.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

LICENSED = {"README.md": "---\nlicense: llama3.1\n---\n\nBase.\n"}


def plain(text: str, site: Site, ctx: ToolContext) -> str:
    """Without what differs from run to run."""
    text = text.replace(site.url, "https://hub.test").replace(str(ctx.cwd), "/work")
    text = re.sub(r"-[0-9a-f]{24}\b", "-SLUG", text)
    return re.sub("card [0-9a-f]{12}", "card DIGEST", text)


async def test_a_new_model_is_created_private_and_pushed_in_one_commit(
    call: Call,
    hub: HubRepos,
    site: Site,
    ctx: ToolContext,
    folder: Path,
    golden: Callable[[str, str], None],
) -> None:
    written(folder, {"optimizer.pt": "x" * 2000, "checkpoint-1/model.safetensors": "x"})
    hub.add("meta/llama", {"README.md": "---\nlicense: apache-2.0\n---\n"})
    result = await call(
        PUSH_MODEL, folder="out", repo_id="me/m", base_model="meta/llama", license="mit",
        metrics=[{"name": "accuracy", "value": 0.5, "dataset": "d/d"}],
    )  # fmt: skip
    repo = hub.repo("me/m")
    assert repo.private
    assert [commit.title for commit in repo.branches["main"]] == ["initial commit", "Push m"]
    assert repo.head.description == f"ml-intern: {ctx.key}"
    assert set(repo.files) - {".gitattributes"} == {
        "README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    assert repo.files["model.safetensors"].data == (folder / "model.safetensors").read_bytes()
    card = repo.files["README.md"].data.decode()
    assert yaml.safe_load(card.split("---\n")[1])["base_model"] == "meta/llama"
    golden("hub/push_result.txt", plain(result.text, site, ctx).replace(repo.head.oid, "OID"))


async def test_it_is_in_the_sessions_collection_and_that_may_fail(
    call: Call, hub: HubRepos, site: Site, folder: Path
) -> None:
    site.fail("POST /api/collections", Reply(status=403, body={"error": "no"}))
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m")
    assert result.ok
    assert "- It is not in the session's collection: The Hub refused" in result.text
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m")
    [collection] = hub.collections.values()
    assert f"{site.url}/collections/{collection.slug}" in result.text
    assert collection.private
    assert [item["id"] for item in collection.items] == ["me/m"]
    assert hub.repo("me/m").head.title == "Push m"  # the card is not written twice


async def test_the_preview_shows_all_of_it_and_changes_nothing(
    preview: Said,
    hub: HubRepos,
    site: Site,
    ctx: ToolContext,
    folder: Path,
    golden: Callable[[str, str], None],
    changes: Changes,
) -> None:
    written(folder, {".env": "X=1", "run.log": "x", "wandb/x": "x"})
    for path in folder.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    hub.add("meta/llama", LICENSED, gated="manual")
    there: dict[str, bytes | str] = {"config.json": "{}", "old.bin": "x"}
    there["tokenizer.json"] = (folder / "tokenizer.json").read_bytes()
    hub.add("me/m", there, private=True)
    args: dict[str, Any] = {
        "folder": "out", "repo_id": "me/m", "base_model": "meta/llama", "license": "llama3.1",
        "private": False, "method": "SFT",
    }  # fmt: skip
    text = await preview(**args)
    assert changes() == []
    head = hub.repo("me/m").head.oid[:8]
    golden("hub/push_preview.txt", plain(text, site, ctx).replace(head, "HEAD"))
    assert await preview(**args) == text
    (folder / "config.json").write_text(json.dumps({"architectures": ["XForCausalLM"]}))
    assert await preview(**args) != text


async def test_a_file_that_is_rewritten_with_other_weights_changes_the_preview(
    preview: Said, folder: Path
) -> None:
    before = await preview(folder="out", repo_id="me/m")
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-1] + b"\1")
    assert await preview(folder="out", repo_id="me/m") != before


@pytest.mark.parametrize(
    ("there", "private", "words"),
    [
        (None, True, "Repository: new, private"),
        (None, False, "Repository: NEW AND PUBLIC: everybody will see it"),
        (True, True, "Repository: exists, private, and stays so"),
        (True, False, "Repository: IS PRIVATE NOW AND WILL BE MADE PUBLIC: everybody will see all"),
        (False, False, "Repository: PUBLIC already: everybody will see what is pushed"),
    ],
)
async def test_who_will_see_it_is_said_and_is_what_happens(
    preview: Said,
    call: Call,
    hub: HubRepos,
    folder: Path,
    there: bool | None,
    private: bool,
    words: str,
) -> None:
    if there is not None:
        hub.add("me/m", private=there)
    assert words in await preview(folder="out", repo_id="me/m", private=private)
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m", private=private)
    assert hub.repo("me/m").private is private
    shown = "private" if private else "made PUBLIC" if there else "PUBLIC"
    assert f"Visibility: {shown}\n" in result.text


async def test_nothing_becomes_public_that_was_not_called_so(
    hub: HubRepos, folder: Path, refusal: Said, changes: Changes
) -> None:
    hub.add("me/m")
    said = await refusal(folder="out", repo_id="me/m")
    assert "me/m exists and is public" in said
    assert "Pass private=false if the user wants that" in said
    assert changes() == []


async def test_a_repository_is_made_public_only_after_the_commit(
    call: Call, hub: HubRepos, site: Site, folder: Path
) -> None:
    hub.add("me/m", private=True)
    site.fail("PUT /api/models/me/m/settings", Reply(status=403, body={"error": "no"}))
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m", private=False)
    assert "Visibility: STILL PRIVATE" in result.text
    assert "It could not be made public: The Hub refused" in result.text
    assert result.ok
    repo = hub.repo("me/m")
    assert (repo.private, len(repo.branches["main"])) == (True, 2)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({}, "has the license llama3.1, which what is made from it must keep; no license"),
        ({"license": "mit"}, "must keep; mit was given. Pass license='llama3.1'"),
    ],
)
async def test_a_license_that_the_base_forbids_is_refused_before_anything(
    call: Call,
    hub: HubRepos,
    ctx: ToolContext,
    args: dict[str, Any],
    words: str,
    refusal: Said,
    changes: Changes,
) -> None:
    hub.add("meta/llama", LICENSED)
    adapter(ctx.cwd / "lora")
    assert words in await refusal(folder="lora", repo_id="me/m", **args)
    assert changes() == []
    result = await call(PUSH_MODEL, folder="lora", repo_id="me/m", license="llama3.1")
    assert "- ok: llama3.1 suits llama3.1 of the base meta/llama." in result.text
    assert "AutoPeftModelForCausalLM" in hub.repo("me/m").files["README.md"].data.decode()


async def test_a_base_that_is_not_there_is_a_warning(call: Call, folder: Path) -> None:
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m", base_model="no/where")
    assert "- warning: The license of the base no/where is unknown: The base model" in result.text


async def test_only_what_differs_is_overwritten_and_the_rest_is_named(
    call: Call, preview: Said, hub: HubRepos, folder: Path
) -> None:
    await call(PUSH_MODEL, folder="out", repo_id="me/m")
    (folder / "config.json").write_text(json.dumps({"architectures": ["XForCausalLM"]}))
    hub.repo("me/m").commit({"extra.bin": "x", "notes.txt": "x"})
    text = await preview(folder="out", repo_id="me/m")
    assert "- config.json (35 B), OVERWRITES what is there" in text
    assert "- model.safetensors (264 B), as it is there already" in text
    assert "Stays there as it is: extra.bin, notes.txt" in text
    assert "not in this push stay there: extra.bin" in text
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m")
    assert "new or changed: 2" in result.text  # the card says what the model is
    assert "extra.bin" in hub.repo("me/m").files


async def test_what_is_there_already_is_not_committed_again(
    call: Call, preview: Said, hub: HubRepos, site: Site, folder: Path
) -> None:
    await call(PUSH_MODEL, folder="out", repo_id="me/m")
    before = len(site.ledger)
    assert "Change: nothing: all is there already" in await preview(folder="out", repo_id="me/m")
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m")
    assert "Nothing to commit: " in result.text
    assert len(hub.repo("me/m").branches["main"]) == 2
    assert not any("/commit/" in line for line in site.lines[before:])


async def test_weights_too_large_to_compare_are_said_to_be(
    call: Call, preview: Said, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(PUSH_MODEL, folder="out", repo_id="me/m")
    monkeypatch.setattr("ml_intern.tools.push.target.COMPARED", 100)
    text = await preview(folder="out", repo_id="me/m")
    assert "model.safetensors (264 B), same size as what is there, which it may overwrite" in text


async def test_a_card_on_the_hub_that_somebody_wrote_is_kept(
    call: Call, hub: HubRepos, folder: Path
) -> None:
    """W6: cards of repositories that were there before were rewritten."""
    card = "---\nlicense: mit\n---\n\nMine.\n"
    hub.add("me/m", {"README.md": card}, private=True)
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m", notes="Theirs.")
    text = hub.repo("me/m").files["README.md"].data.decode()
    assert text.endswith("---\n\nMine.\n")
    assert "- ml-intern" in text
    assert "The text of the README.md on the Hub is kept as it is" in result.text


async def test_a_push_on_top_of_somebody_elses_is_refused(
    call: Call, hub: HubRepos, folder: Path, refusal: Said
) -> None:
    repo = hub.add("me/m", private=True)

    def first(there: Repo) -> None:
        there.commit({"theirs.txt": "x"})

    hub.before_commit = first
    said = await refusal(folder="out", repo_id="me/m")
    assert "he model me/m has changed: main is at" in said
    assert set(repo.files) == {".gitattributes", "theirs.txt"}
    assert (await call(PUSH_MODEL, folder="out", repo_id="me/m")).ok


async def test_a_pull_request_can_be_opened_at_somebody_elses(
    call: Call, preview: Said, hub: HubRepos, site: Site, folder: Path
) -> None:
    hub.add("them/m")
    args: dict[str, Any] = {
        "folder": "out", "repo_id": "them/m", "private": False, "create_pr": True,
    }  # fmt: skip
    assert "Change: a pull request on branch main" in await preview(**args)
    result = await call(PUSH_MODEL, **args)
    assert f"Proposed to them/m, not merged: {site.url}/them/m/discussions/1" in result.text
    repo = hub.repo("them/m")
    assert "config.json" not in repo.files
    assert "config.json" in repo.branches["refs/pr/1"][-1].tree


async def test_what_the_repositorys_gitignore_keeps_out_is_told(
    call: Call, hub: HubRepos, folder: Path
) -> None:
    hub.add("me/m", {".gitignore": "tokenizer.json\n"}, private=True)
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m")
    assert "- Kept out by the repository's .gitignore: tokenizer.json" in result.text


async def test_progress_is_told_and_large_files_go_one_by_one(
    call: Call, folder: Path, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_intern.tools.push.upload.LARGE", 100)
    written(folder, {"b.safetensors": safetensors()})
    await call(PUSH_MODEL, folder="out", repo_id="me/m")
    assert [line.partition(" (")[0] for line in logged] == [
        "creating me/m",
        "uploading 1 of 3: b.safetensors",
        "uploading 2 of 3: model.safetensors",
        "uploading 3 of 3: README.md",
        "committing 6 files to me/m",
    ]


async def test_the_token_goes_to_the_hub_and_not_to_where_none_is_needed(
    call: Call, site: Site, folder: Path
) -> None:
    await call(PUSH_MODEL, folder="out", repo_id="me/m")
    without = {ask.line for ask in site.ledger if not ask.token}
    assert all(line.startswith(("PUT /storage", "POST /api/validate-yaml")) for line in without)


async def test_what_is_too_large_to_be_compared_is_not_said_to_be_pushed_again(
    call: Call, hub: HubRepos, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(PUSH_MODEL, folder="out", repo_id="me/m")
    before = hub.repo("me/m").head
    monkeypatch.setattr(target, "COMPARED", 0)
    text = (await call(PUSH_MODEL, folder="out", repo_id="me/m")).text
    assert hub.repo("me/m").head == before
    assert text.startswith("Nothing to commit:")


async def test_the_digests_of_large_files_may_take_their_time(
    call: Call, hub: HubRepos, ctx: ToolContext, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    write = Hub.write

    async def timed(self: Hub, what: str, work: Any, seconds: float = 120) -> Any:
        given.extend([seconds] if what == "me/m" else [])
        return await write(self, what, work, seconds)

    monkeypatch.setattr(Hub, "write", timed)
    await call(PUSH_MODEL, folder="out", repo_id="me/m")
    assert min(given) >= 3600


async def test_a_model_is_not_pushed_by_a_name_of_before(
    call: Call, hub: HubRepos, folder: Path
) -> None:
    hub.repos["model", "me/before"] = hub.add("me/m", private=True)
    with pytest.raises(ToolError, match="The model me/before is called me/m now"):
        await call(PUSH_MODEL, folder="out", repo_id="me/before")


async def test_a_file_that_vanishes_meanwhile_is_told(
    call: Call, hub: HubRepos, site: Site, folder: Path
) -> None:
    hub.add("me/n", private=True)
    real = site.answer

    def answer(ask: Any) -> Reply:
        reply = real(ask)
        if "validate-yaml" in ask.line:
            (folder / "tokenizer.json").unlink(missing_ok=True)
        return reply

    site.answer = answer  # type: ignore[method-assign]
    with pytest.raises(ToolError, match=r"The upload was refused: .*tokenizer\.json"):
        await call(PUSH_MODEL, folder="out", repo_id="me/n")


async def test_a_card_that_comes_cut_is_not_replaced(
    call: Call, hub: HubRepos, site: Site, folder: Path
) -> None:
    repo = hub.add("me/m", {"README.md": "# Mine\n"}, private=True)
    for body in (b"", b"# M"):
        site.fail("GET .*/resolve/", Reply(body=body))
        with pytest.raises(ToolError, match=r"README\.md of me/m in a form that is not known"):
            await call(PUSH_MODEL, folder="out", repo_id="me/m")
    assert repo.files["README.md"].data == b"# Mine\n"


async def test_a_storage_that_speaks_of_another_file_is_one_clear_error(
    call: Call, hub: HubRepos, site: Site, folder: Path
) -> None:
    """The library stumbles over a variable of its own there."""
    other = {"oid": "x", "size": 264, "actions": {"upload": {"href": f"{site.url}/storage/x"}}}
    site.fail("info/lfs", Reply(body={"transfer": "basic", "objects": [other]}))
    with pytest.raises(ToolError, match="in a form that is not known"):
        await call(PUSH_MODEL, folder="out", repo_id="me/m")
