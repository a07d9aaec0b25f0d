"""A push in a session: asked for, shown, approved, done."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulators.hub_repos import HubRepos
from emulators.model_folders import causal, written
from emulators.openai_server import Call, calls, text
from emulators.site import Site
from harness import Agent, agent
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.sessions import operations as op
from ml_intern.tools.push.tool import PUSH_MODEL

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture(autouse=True)
def no_blocking_on_the_loop() -> None:
    """A session starts by reading files; `tests/studio` watches it."""


TOOLS = {"push_model": PUSH_MODEL}
KEYS = {"HF_TOKEN": "hf_thetokenoftheuser"}
ASKING = RunOptions(permission_mode="default")
CALL = Call("push_model", {"folder": "out", "repo_id": "me/m", "private": False})


def outputs(a: Agent) -> list[str]:
    return [event.output for event in a.of(ev.ToolOutput)]


async def test_what_is_approved_is_pushed(tmp_path: Path, site: Site, hub: HubRepos) -> None:
    script = [calls(CALL), text("done")]
    async with agent(
        script, tmp_path, options=ASKING, tools=TOOLS, keys=KEYS, hf_endpoint=site.url
    ) as a:
        causal(a.cwd / "out")
        await a.say("push it")
        [question] = a.of(ev.ApprovalRequired)
        assert "NEW AND PUBLIC: everybody will see it" in question.tools[0]["preview"]
        assert not hub.repos
        await a.do(op.ExecApproval([Decision(type="approve")]))
        assert f"Pushed to {site.url}/me/m" in outputs(a)[0]
        assert not hub.repo("me/m").private
        assert f"session `{a.session.id}`" in hub.repo("me/m").files["README.md"].data.decode()
        assert await a.history_violations() == []


async def test_a_model_that_changed_since_it_was_approved_is_not_pushed(
    tmp_path: Path, site: Site, hub: HubRepos
) -> None:
    script = [calls(CALL), text("done")]
    async with agent(
        script, tmp_path, options=ASKING, tools=TOOLS, keys=KEYS, hf_endpoint=site.url
    ) as a:
        causal(a.cwd / "out")
        await a.say("push it")
        written(a.cwd / "out", {"more.safetensors": (a.cwd / "out/model.safetensors").read_bytes()})
        await a.do(op.ExecApproval([Decision(type="approve")]))
        assert "has changed since the user approved it" in outputs(a)[0]
        assert not hub.repos
