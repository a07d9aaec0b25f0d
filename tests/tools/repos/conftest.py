from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from huggingface_hub import constants

from emulators.hub_repos import HubRepos, User, add_repos
from emulators.site import Ask, Reply, Site
from ml_intern.tools.spec import Absent, ToolContext, ToolResult, ToolSpec

TOKEN = "hf_mine"
KEY = "11111111-2222-3333-4444-555555555555"

Reconcile = Callable[..., Awaitable[ToolResult | Absent | None]]
Preview = Callable[..., Awaitable[str]]
Change = Callable[[Any], Any]


@pytest.fixture(autouse=True)
def no_xet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def state() -> HubRepos:
    reader = User("me", role="read")
    return HubRepos(hf_mine=User("me", ("lab",)), hf_other="other", hf_reader=reader)


@pytest.fixture
def site(state: HubRepos) -> Iterator[Site]:
    with Site() as site:
        add_repos(site, state)
        yield site


@pytest.fixture
def addresses(site: Site) -> dict[str, str]:
    return {"hf_endpoint": site.url}


@pytest.fixture
def keys() -> dict[str, str]:
    return {"HF_TOKEN": TOKEN}


@pytest.fixture
def ctx(ctx: ToolContext) -> ToolContext:
    return replace(ctx, key=KEY, session_id="abcdefgh-1234")


@pytest.fixture
def reconcile(ctx: ToolContext) -> Reconcile:
    async def run(tool: ToolSpec[Any], **args: Any) -> ToolResult | Absent | None:
        assert tool.reconcile is not None
        return await tool.reconcile(tool.args(**args), ctx)

    return run


@pytest.fixture
def preview(ctx: ToolContext) -> Preview:
    async def run(tool: ToolSpec[Any], **args: Any) -> str:
        assert tool.preview is not None
        return await tool.preview(tool.args(**args), ctx)

    return run


@pytest.fixture
def spoil(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Change], None]:
    """Does something to the answers to requests whose line has a text; they are done all the same.

    What it gives is the body, or a whole `Reply`.
    """

    def install(part: str, change: Change) -> None:
        real = site.answer

        def answer(ask: Ask) -> Reply:
            reply = real(ask)
            if part not in ask.line or reply.status >= 300:
                return reply
            found = change(reply.body)
            return found if isinstance(found, Reply) else replace(reply, body=found)

        monkeypatch.setattr(site, "answer", answer)

    return install
