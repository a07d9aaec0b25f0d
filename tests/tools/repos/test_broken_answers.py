"""Answers of the Hub that are not what they should be: left out, or one clear error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emulators.hub_repos import HubRepos, Repo
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.repos.files import REPO_FILES
from ml_intern.tools.repos.git import REPO_GIT
from ml_intern.tools.spec import ToolResult, ToolSpec

Call = Callable[..., Awaitable[ToolResult]]
Spoil = Callable[[str, Callable[[Any], Any]], None]

READ: dict[str, Any] = {"operation": "read", "path": "README.md"}
SHOW: dict[str, Any] = {"operation": "get_pr", "pr_num": 1}
DEEP = "[" * 100_000


@pytest.fixture
def repo(state: HubRepos) -> Repo:
    repo = state.add("me/m", {"README.md": "# M\n"})
    repo.open("Fix", "other")
    return repo


def first(**changed: Any) -> Callable[[Any], Any]:
    """Changes the first of a list."""
    return lambda body: [{**body[0], **changed}, *body[1:]]


@pytest.mark.parametrize(
    ("tool", "args", "line", "change"),
    [
        (REPO_FILES, READ, "paths-info", first(size=None)),
        (REPO_FILES, READ, "paths-info", first(size="x")),
        (REPO_FILES, READ, "/resolve/", lambda _: b""),
        (REPO_FILES, {"operation": "list"}, "/tree/", lambda _: DEEP),
        (REPO_GIT, SHOW, "/discussions/1", lambda body: {**body, "num": None}),
        (REPO_GIT, SHOW, "/discussions/1", lambda body: {**body, "num": 2}),
        (REPO_GIT, {"operation": "list_refs"}, "/refs", lambda body: {**body, "branches": 5}),
    ],
)
async def test_an_answer_of_another_form_is_one_clear_error(
    call: Call, repo: Repo, spoil: Spoil, tool: ToolSpec[Any], args: Any, line: str, change: Any
) -> None:
    spoil(line, change)
    with pytest.raises(
        HubError, match=r"^The Hub answered about .* in a form that is not known\.$"
    ):
        await call(tool, repo_id="me/m", **args)


@pytest.mark.parametrize(
    ("tool", "args", "line", "change"),
    [
        (REPO_FILES, {"operation": "list"}, "/tree/", first(path=None)),
        (REPO_FILES, {"operation": "list"}, "/tree/", first(size=[])),
        (REPO_GIT, SHOW, "/discussions/1", lambda body: {**body, "diff": 5}),
        (REPO_GIT, {"operation": "list_refs"}, "/refs",
         lambda body: {**body, "tags": [{"name": "v", "ref": "v", "targetCommit": None}]}),
    ],
)  # fmt: skip
async def test_what_is_malformed_is_left_out(
    call: Call, repo: Repo, spoil: Spoil, tool: ToolSpec[Any], args: Any, line: str, change: Any
) -> None:
    whole = (await call(tool, repo_id="me/m", **args)).text
    spoil(line, change)
    text = (await call(tool, repo_id="me/m", **args)).text
    assert text.splitlines()[0][:20] == whole.splitlines()[0][:20]
    assert "None" not in text


async def test_organisations_of_no_form_are_none(call: Call, repo: Repo, spoil: Spoil) -> None:
    spoil("whoami", lambda body: {**body, "orgs": 5})
    assert "README.md" in (await call(REPO_FILES, operation="list", repo_id="m")).text
