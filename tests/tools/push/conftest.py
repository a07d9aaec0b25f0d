from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from emulators.hub_repos import HubRepos, User, add_repos
from emulators.model_folders import causal
from emulators.site import Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.tool import PUSH_MODEL
from ml_intern.tools.spec import ToolContext

TOKEN = "hf_thetokenoftheuser"
CHANGES = ("POST /api/repos", "PUT ", "DELETE ", "POST /api/models", "POST /api/collections",
           ".git/info/lfs")  # fmt: skip


@pytest.fixture(autouse=True)
def without_xet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def hub() -> HubRepos:
    return HubRepos(**{TOKEN: User("me", orgs=("lab",))})


@pytest.fixture
def site(hub: HubRepos) -> Iterator[Site]:
    with Site() as site:
        add_repos(site, hub)
        yield site


@pytest.fixture
def addresses(site: Site) -> dict[str, str]:
    return {"hf_endpoint": site.url}


@pytest.fixture
def keys() -> dict[str, str]:
    return {"HF_TOKEN": TOKEN}


@pytest.fixture
def ctx(ctx: ToolContext) -> ToolContext:
    return replace(ctx, key="0b5e55ed-key", session_id="s-1")


@pytest.fixture
def folder(ctx: ToolContext) -> Path:
    """A language model in the working directory, as `out`."""
    return causal(ctx.cwd / "out")


@pytest.fixture
def preview(ctx: ToolContext) -> Callable[..., Awaitable[str]]:
    async def run(**args: Any) -> str:
        assert PUSH_MODEL.preview is not None
        return await PUSH_MODEL.preview(PUSH_MODEL.args(**args), ctx)

    return run


@pytest.fixture
def changes(site: Site) -> Callable[[], list[str]]:
    """What was asked that may have changed something."""
    return lambda: [line for line in site.lines if any(part in line for part in CHANGES)]


@pytest.fixture
def refusal(ctx: ToolContext) -> Callable[..., Awaitable[str]]:
    """What the tool says that refuses such a call."""

    async def run(**args: Any) -> str:
        with pytest.raises(ToolError) as caught:
            await PUSH_MODEL.handler(PUSH_MODEL.args(**args), ctx)
        return str(caught.value)

    return run
