from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

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
def ctx(tmp_path: Path, logged: list[str]) -> ToolContext:
    work = tmp_path / "work"
    work.mkdir()
    return ToolContext(
        call_id="call/1",
        cwd=work,
        spill=tmp_path / "spill",
        log=logged.append,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        seen={},
    )


@pytest.fixture
def call(ctx: ToolContext) -> Call:
    async def run(tool: ToolSpec[Any], **args: Any) -> ToolResult:
        return await tool.handler(tool.args(**args), ctx)

    return run
