"""What a push refuses, and that it does so before anything is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from emulators.hub_repos import HubRepos, User
from emulators.model_folders import written
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.tool import PUSH_MODEL
from ml_intern.tools.spec import ToolResult

Call = Callable[..., Awaitable[ToolResult]]
Said = Callable[..., Awaitable[str]]
Changes = Callable[[], list[str]]

# The client library's own, where it sends a large file.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"create_pr": True}, "A new repository has only its branch main: leave out `create_pr`"),
        ({"revision": "dev"}, "has only its branch main: leave out `revision`"),
        ({"folder": "nowhere"}, "does not exist"),
        ({"folder": "out/config.json"}, "is a file, not a folder"),
        ({"notes": "use hf_" + "a" * 34}, "The card has a Hugging Face token"),
        ({"hyper_parameters": {"k": "hf_thetokenoftheuser"}}, "one of the user's credentials"),
    ],
)
async def test_mistakes_are_told_before_anything_is_made(
    folder: Path, args: dict[str, Any], words: str, refusal: Said, changes: Changes
) -> None:
    given = {"folder": "out", "repo_id": "me/m", **args}
    assert words in await refusal(**given)
    assert changes() == []


async def test_a_branch_that_is_not_there_is_told_with_the_remedy(
    call: Call, hub: HubRepos, folder: Path, refusal: Said, changes: Changes
) -> None:
    repo = hub.add("me/m", private=True)
    said = await refusal(folder="out", repo_id="me/m", revision="dev")
    assert (
        'me/m has no branch dev. Make it first with hf_repo_git(operation="create_branch"' in said
    )
    assert changes() == []
    repo.branches["dev"] = [repo.head]
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m", revision="dev")
    assert f"Commit: {repo.branches['dev'][-1].oid} on dev" in result.text
    assert "config.json" not in repo.files


async def test_a_folder_with_a_credential_is_refused_and_one_named_so_stays(
    call: Call, hub: HubRepos, site: Site, folder: Path, refusal: Said
) -> None:
    written(folder, {".env": "HF_TOKEN=hf_thetokenoftheuser", "id_rsa": "x"})
    result = await call(PUSH_MODEL, folder="out", repo_id="me/m")
    assert "- a credential, by its name: .env (29 B), id_rsa (1 B)" in result.text
    assert not {".env", "id_rsa"} & set(hub.repo("me/m").files)
    assert not any(b"hf_thetokenoftheuser" in ask.body for ask in site.ledger)
    written(folder, {"train.py": "login('hf_thetokenoftheuser')"})
    assert "train.py has one of the user's credentials" in await refusal(
        folder="out", repo_id="me/m"
    )


class TestWithoutAToken:
    @pytest.fixture
    def keys(self) -> dict[str, str]:
        return {}

    async def test_nothing_is_asked(self, site: Site, folder: Path, refusal: Said) -> None:
        assert "the user must set HF_TOKEN" in await refusal(folder="out", repo_id="me/m")
        assert site.ledger == []


async def test_a_token_that_can_only_read_is_refused_at_once(
    hub: HubRepos, folder: Path, refusal: Said, changes: Changes
) -> None:
    hub.users = {"hf_thetokenoftheuser": User("me", role="read")}
    assert "The Hub token can only read" in await refusal(folder="out", repo_id="me/m")
    assert changes() == []


async def test_a_namespace_of_somebody_else_is_warned_of_and_the_hub_refuses(
    call: Call, preview: Said, folder: Path, refusal: Said
) -> None:
    text = await preview(folder="out", repo_id="them/m")
    assert "them is neither the user nor one of their organisations (me, lab)" in text
    assert "The Hub refused the new model them/m" in await refusal(folder="out", repo_id="them/m")
    assert (await call(PUSH_MODEL, folder="out", repo_id="lab/m")).ok


async def test_metadata_that_the_hub_does_not_take_is_told_before_anything(
    site: Site, folder: Path, refusal: Said, changes: Changes
) -> None:
    body = {"errors": [{"message": '"license" must be one of [mit]'}], "warnings": []}
    site.fail("validate-yaml", Reply(status=400, body=body))
    said = await refusal(folder="out", repo_id="me/m", license="mti")
    assert "The Hub does not accept the card's metadata" in said
    assert "must be one of [mit]" in said
    assert changes() == []


async def test_what_the_hub_doubts_is_a_warning(preview: Said, site: Site, folder: Path) -> None:
    body = {"errors": [], "warnings": [{"message": "empty or missing"}, 3, {"message": None}]}
    site.fail("validate-yaml", Reply(body=body))
    assert "- The Hub says of the card: empty or missing" in await preview(
        folder="out", repo_id="me/m"
    )


@pytest.mark.parametrize("body", ["<html>", [], None, {"name": None, "orgs": 3, "auth": 4}])
async def test_an_account_of_another_form_is_survived(
    preview: Said, site: Site, folder: Path, body: Any
) -> None:
    site.fail("whoami", Reply(body=body), times=3)
    try:
        text = await preview(folder="out", repo_id="me/m")
    except ToolError as error:
        text = str(error)
    assert "me/m" in text or "The Hub" in text


@pytest.mark.parametrize(
    "args",
    [
        {"repo_id": "m"},
        {"repo_id": "me/m/x"},
        {"repo_id": ""},
        {"base_model": "../x"},
        {"base_relation": "distilled"},
        {"metrics": [{"name": "x", "value": "high"}]},
        {"metrics": [{"name": "x", "value": float("nan")}]},
    ],
)
def test_arguments_of_another_form_are_refused(args: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PUSH_MODEL.args(**{"folder": "out", "repo_id": "me/m", **args})


def test_what_models_send_for_none_is_none() -> None:
    none: dict[str, Any] = {
        "base_model": "", "base_relation": None, "datasets": None, "method": None, "metrics": "",
        "license": None, "languages": "en", "notes": None, "revision": None,
        "hyper_parameters": None, "include": "",
    }  # fmt: skip
    args = PUSH_MODEL.args(folder="out", repo_id="me/m", **none)
    assert args == PUSH_MODEL.args(folder="out", repo_id="me/m", languages=["en"])


def test_what_a_rule_of_the_user_is_compared_with_is_the_repository() -> None:
    assert (PUSH_MODEL.risk, PUSH_MODEL.subject) == ("publish", "repository")
    assert (PUSH_MODEL.effect, PUSH_MODEL.nature({}).risk) == ("reconcilable", "publish")
