"""From the model's call of the tool to the message it reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulators import hub_models_catalogue as known
from emulators.hub_models import add_models
from emulators.openai_server import Call, calls, text
from emulators.site import Site
from harness import agent
from ml_intern.graph import events as ev
from ml_intern.tools.models.tool import MODELS


@pytest.fixture
def hub() -> Iterator[Site]:
    with Site() as site:
        add_models(site, known.MODELS, known.HARDWARE)
        yield site


async def test_a_session_looks_for_a_model_and_plans_its_memory(hub: Site, tmp_path: Path) -> None:
    script = [
        calls(Call("hf_models", {"operation": "search", "query": "llama", "task": None})),
        calls(Call("hf_models", {"operation": "memory", "repo_id": known.LLAMA})),
        calls(Call("hf_models", {"operation": "details", "repo_id": "acme/none"})),
        text("An L40S will do."),
    ]
    tools, keys = {MODELS.name: MODELS}, {"HF_TOKEN": known.TOKEN}
    async with agent(script, tmp_path, tools=tools, keys=keys, hf_endpoint=hub.url) as a:
        await a.say("Which GPU for LoRA on Llama 8B?")
        found, planned, missing = a.of(ev.ToolOutput)
    assert known.LLAMA in found.output
    assert "LoRA: l40sx1 (1x L40S, $1.80/h)" in planned.output
    assert "does not exist on the Hub, or is private" in missing.output
    assert {ask.token for ask in hub.ledger} == {known.TOKEN}
