"""`hf_models` memory: the whole answer, by hand, without machines, and without parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emulators import hub_models_catalogue as known
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.models.tool import MODELS

Call = Callable[..., Any]


async def memory(call: Call, **args: Any) -> str:
    text: str = (await call(MODELS, operation="memory", **args)).text
    return text


async def test_the_whole_answer(call: Call, golden: Callable[[str, str], None]) -> None:
    golden("hub/models_memory.txt", await memory(call, repo_id=known.LLAMA, context=8192))


async def test_a_mixture_of_experts_and_packed_weights(
    call: Call, golden: Callable[[str, str], None]
) -> None:
    moe = await memory(call, repo_id=known.MOE, batch=2, lora_r=32)
    packed = await memory(call, repo_id=known.GPTQ)
    golden("hub/models_memory_kinds.txt", f"{moe}\n\n=====\n\n{packed}")


async def test_machines_are_asked_for_once_and_only_what_is_needed(call: Call, hub: Site) -> None:
    await memory(call, repo_id=known.LLAMA)
    await memory(call, repo_id=known.QWEN)
    assert hub.lines.count("GET /api/jobs/hardware") == 1
    files = {line.rpartition("/")[2] for line in hub.lines if "/resolve/" in line}
    assert files == {"config.json"}


async def test_a_model_by_hand_asks_nothing_about_models(call: Call, hub: Site) -> None:
    text = await memory(call, parameters=70_000_000_000)
    assert text.startswith("A model of 70,000,000,000 parameters\n")
    assert "| full | at least 1,232 |" in text
    assert "What is unknown is not counted" in text
    assert hub.lines == ["GET /api/jobs/hardware"]


async def test_parameters_given_by_hand_count_more_than_the_hubs(call: Call) -> None:
    text = await memory(call, repo_id=known.GPTQ, parameters="6.74B")
    assert "6,740,000,000 parameters (given by hand); 32 layers" in text
    assert "| LoRA |" in text
    assert "packed" not in text


async def test_without_parameters_it_says_how_to_give_them(call: Call) -> None:
    with pytest.raises(ToolError) as caught:
        await memory(call, repo_id=known.BARE)
    assert f'repo_id="{known.BARE}", parameters="7B")' in str(caught.value)
    with pytest.raises(ToolError, match="needs `repo_id`"):
        await memory(call)
    with pytest.raises(ToolError, match="is no number"):
        await memory(call, parameters="some")
    with pytest.raises(ToolError, match="1 models at most"):
        await memory(call, repo_id="a/b, c/d")


async def test_a_context_beyond_the_models_is_noted(call: Call) -> None:
    text = await memory(call, repo_id=known.GPT2, context=2048)
    assert "`context` is more than the 1,024 tokens that the model states." in text
    assert "more than" not in await memory(call, repo_id=known.GPT2, context=1024)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=500, body={"error": "x"}), "did not answer"),
        (Reply(body="<html>"), "in a form that is not known"),
        (Reply(body=[{"name": "x"}]), "in a form that is not known"),
        (Reply(body=[]), "lists none with GPUs"),
        (Reply(body=[known.machine("cpu-basic")]), "lists none with GPUs"),
    ],
)
async def test_memory_is_told_even_if_the_machines_are_not(
    call: Call, hub: Site, reply: Reply, said: str
) -> None:
    hub.fail("hardware", reply, times=3)
    text = await memory(call, repo_id=known.LLAMA)
    assert "| LoRA | 24.8 |" in text
    assert "Which hardware fits cannot be said: " in text
    assert said in text.splitlines()[-1]


class TestGated:
    """Without access to config.json."""

    @pytest.fixture
    def keys(self) -> dict[str, str]:
        return {}

    async def test_what_the_config_would_say_is_unknown_and_the_reason_told(
        self, call: Call
    ) -> None:
        text = await memory(call, repo_id=known.LLAMA)
        assert "could not be read: config.json: The file config.json of the model" in text
        assert "set HF_TOKEN" in text
        assert "KV cache: unknown: there is no config.json that can be read" in text
        assert "| full | at least 141 |" in text
