from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from harness import SERVICE_ADDRESSES
from ml_intern.configs.settings import Settings
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolContext, ToolResult, ToolSpec

Call = Callable[..., Awaitable[ToolResult]]


@pytest.fixture(autouse=True)
def no_blocking_on_the_loop() -> Iterator[None]:
    with blockbuster_ctx("ml_intern"):
        yield


@pytest.fixture
def logged() -> list[str]:
    return []


@pytest.fixture
def addresses() -> dict[str, str]:
    """Base addresses of services by the name of their setting; a test overrides this fixture."""
    return {}


@pytest.fixture
def keys() -> dict[str, str]:
    """Credentials; a test overrides this fixture."""
    return {}


@pytest.fixture
def services(tmp_path: Path, addresses: dict[str, str], keys: dict[str, str]) -> Services:
    """Every service that a test does not emulate refuses to answer."""
    nowhere = dict.fromkeys(SERVICE_ADDRESSES, "http://127.0.0.1:9")
    settings = Settings.model_validate({"model_name": "openai/x", **nowhere, **addresses})
    return Services(settings, keys, tmp_path / "cache")


@pytest.fixture
def ctx(tmp_path: Path, logged: list[str], services: Services) -> ToolContext:
    work = tmp_path / "work"
    work.mkdir()
    return ToolContext(
        call_id="call/1",
        cwd=work,
        spill=tmp_path / "spill",
        log=logged.append,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        services=services,
        seen={},
    )


@pytest.fixture
def call(ctx: ToolContext) -> Call:
    async def run(tool: ToolSpec[Any], **args: Any) -> ToolResult:
        return await tool.handler(tool.args(**args), ctx)

    return run
