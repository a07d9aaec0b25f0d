"""From the model's call to its message: documentation in a whole session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulators.docs import GradioDocs, HubDocs
from emulators.openai_server import Call, calls, text
from harness import agent
from ml_intern.graph import events as ev
from ml_intern.tools.docs.api.find import FIND_API
from ml_intern.tools.docs.explore import EXPLORE_DOCS
from ml_intern.tools.docs.fetch import FETCH_DOCS

TOOLS = {tool.name: tool for tool in (EXPLORE_DOCS, FETCH_DOCS, FIND_API)}


@pytest.fixture(autouse=True)
def no_blocking_on_the_loop() -> None:
    """What the harness does to open a session blocks."""


async def test_a_model_searches_reads_and_looks_up_an_endpoint(
    tmp_path: Path, hub: HubDocs, gradio: GradioDocs
) -> None:
    script = [
        calls(
            Call("explore_hf_docs", {"library": "trl", "query": "packing"}),
            Call("find_hf_api", {"query": "create a repository"}),
        ),
        calls(Call("fetch_hf_docs", {"url": "/docs/trl/v1.9.2/sft_trainer#packing"})),
        calls(Call("fetch_hf_docs", {"url": "https://evil.example/docs"})),
        text("done"),
    ]
    settings: dict[str, Any] = {
        "hf_docs_url": f"{hub.url}/docs",
        "gradio_docs_url": gradio.url,
        "hf_openapi_url": f"{hub.url}/.well-known/openapi.json",
    }
    keys = {"HF_TOKEN": "hf_secret"}
    async with agent(script, tmp_path, tools=TOOLS, keys=keys, **settings) as a:
        await a.say("How do I pack?")
        outputs = {(event.tool, event.output) for event in a.of(ev.ToolOutput)}
        assert await a.history_violations() == []
    expected = {
        "SFT Trainer > Customization > Packing": "explore_hf_docs",
        "## POST /api/repos/create": "find_hf_api",
        "training_args = SFTConfig(packing=True)\n```": "fetch_hf_docs",
        "is not a page of the documentation": "fetch_hf_docs",
    }
    assert len(outputs) == 4
    for said, tool in expected.items():
        assert [name for name, output in outputs if said in output] == [tool]
    assert (tmp_path / "home" / "cache" / "docs.sqlite").exists()
