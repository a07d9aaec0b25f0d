"""From the model's call to what it reads, and what a person is asked before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from emulators.hub_repos import HubRepos, add_repos
from emulators.openai_server import Call, calls, text
from emulators.site import Site
from harness import agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.sessions import operations as op
from ml_intern.tools.repos.files import REPO_FILES
from ml_intern.tools.repos.git import REPO_GIT
from ml_intern.tools.spec import ToolSpec

TOOLS: dict[str, ToolSpec[Any]] = {tool.name: tool for tool in (REPO_FILES, REPO_GIT)}
SCRIPT = [
    calls(Call("hf_repo_git", {"operation": "create_repo", "repo_id": "me/new"})),
    calls(
        Call("hf_repo_files", {"operation": "upload", "repo_id": "me/new", "path": "a.txt",
                               "content": "hello"})
    ),
    calls(Call("hf_repo_files", {"operation": "read", "repo_id": "me/new", "path": "a.txt"})),
    text("Done."),
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_blocking_on_the_loop() -> None:
    """Opening a session reads the configuration, which no tool does."""


@pytest.fixture(autouse=True)
def no_xet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def hub() -> Iterator[tuple[Site, HubRepos]]:
    state = HubRepos(hf_mine="me")
    with Site() as site:
        add_repos(site, state)
        yield site, state


async def test_a_repository_is_made_filled_and_read(
    tmp_path: Path, hub: tuple[Site, HubRepos]
) -> None:
    site, state = hub
    keys = {"HF_TOKEN": "hf_mine"}
    async with agent(SCRIPT, tmp_path, tools=TOOLS, keys=keys, hf_endpoint=site.url) as a:
        await a.say("go")
        outputs = [event.output for event in a.of(ev.ToolOutput)]
        session = a.session.id
    assert outputs[0].startswith("Created the model me/new (private)")
    assert outputs[1].startswith("Uploaded to the model me/new, main")
    assert outputs[2].endswith(":\nhello")
    assert state.repo("me/new").files["a.txt"].data == b"hello"
    assert [c.title for c in state.collections.values()] == [f"ml-intern {session[:8]} work"]
    marks = [c.description for c in state.repo("me/new").branches["main"] if c.description]
    assert len(set(marks)) == 2


async def test_a_person_is_asked_before_anything_is_published_and_not_before_a_look(
    tmp_path: Path, hub: tuple[Site, HubRepos]
) -> None:
    site, state = hub
    state.add("me/new", {"a.txt": "x"})
    script = [SCRIPT[2], SCRIPT[1], text("Done.")]
    keys, options = {"HF_TOKEN": "hf_mine"}, RunOptions(permission_mode="default")
    async with agent(
        script, tmp_path, tools=TOOLS, keys=keys, options=options, hf_endpoint=site.url
    ) as a:
        events = await a.say("go")
        assert len(a.of(ev.ToolOutput)) == 1
        question = events[-1]
        assert isinstance(question, ev.ApprovalRequired)
        assert [tool["tool"] for tool in question.tools] == ["hf_repo_files"]
        assert state.repo("me/new").files["a.txt"].data == b"x"
        await a.do(op.ExecApproval([Decision(type="approve")]))
    assert state.repo("me/new").files["a.txt"].data == b"hello"
