from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from emulators.papers import PAGE, PAPER, ArxivSite, ScholarSite, add_papers
from emulators.site import Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.papers.tool import PAPERS

Ask = Callable[..., Awaitable[str]]


@pytest.fixture
def hub() -> Iterator[Site]:
    with Site() as site:
        add_papers(site)
        yield site


@pytest.fixture
def arxiv() -> Iterator[ArxivSite]:
    with ArxivSite({PAPER: PAGE}) as site:
        yield site


@pytest.fixture
def ar5iv() -> Iterator[ArxivSite]:
    with ArxivSite({PAPER: PAGE}) as site:
        yield site


@pytest.fixture
def scholar() -> Iterator[ScholarSite]:
    with ScholarSite() as site:
        yield site


@pytest.fixture
def addresses(hub: Site, arxiv: Site, ar5iv: Site, scholar: Site) -> dict[str, str]:
    return {
        "hf_endpoint": hub.url,
        "arxiv_url": arxiv.url,
        "ar5iv_url": f"{ar5iv.url}/",
        "semantic_scholar_url": scholar.url,
    }


@pytest.fixture
def keys() -> dict[str, str]:
    return {"HF_TOKEN": "hf_secret", "S2_API_KEY": "s2_secret"}


@pytest.fixture
def ask(call: Callable[..., Awaitable[Any]]) -> Ask:
    """What the model reads."""

    async def run(operation: str, **args: Any) -> str:
        return str((await call(PAPERS, operation=operation, **args)).text)

    return run


@pytest.fixture
def refusal(ask: Ask) -> Ask:
    """The error that the model reads."""

    async def run(operation: str, **args: Any) -> str:
        with pytest.raises(ToolError) as caught:
            await ask(operation, **args)
        return str(caught.value)

    return run
