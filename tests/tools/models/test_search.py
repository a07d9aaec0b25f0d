"""`hf_models` search: what is asked of the Hub, and how the answer reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from emulators.hub_models_catalogue import TOKEN, info
from emulators.site import Reply, Site
from ml_intern.tools.errors import ToolError
from ml_intern.tools.models.args import ModelsArgs
from ml_intern.tools.models.tool import MODELS

Call = Callable[..., Any]


async def search(call: Call, **args: Any) -> str:
    found: str = (await call(MODELS, operation="search", **args)).text
    return found


def ids(text: str) -> list[str]:
    rows = [line for line in text.splitlines() if line.startswith("| ") and "/" in line]
    return [row.split("|")[1].strip() for row in rows]


async def test_the_table_is_compact_and_says_how_to_go_on(
    call: Call, golden: Callable[[str, str], None]
) -> None:
    golden("hub/models_search.txt", await search(call, limit=6))


async def test_each_argument_reaches_the_hub(call: Call, hub: Site) -> None:
    await search(
        call, query="qwen", author="Qwen", task="text-generation", library="transformers",
        tags="license:apache-2.0, en", num_parameters="100M-8B", gated=False, sort="trending_score",
        limit=7,
    )  # fmt: skip
    [ask] = hub.ledger
    assert [pair for pair in ask.pairs if pair[0] != "expand"] == [
        ("filter", "license:apache-2.0"), ("filter", "en"), ("filter", "transformers"),
        ("author", "Qwen"), ("gated", "false"), ("pipeline_tag", "text-generation"),
        ("num_parameters", "min:100M,max:8B"), ("search", "qwen"), ("sort", "trendingScore"),
        ("limit", "7"),
    ]  # fmt: skip
    assert ask.token == TOKEN


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ({"query": "qwen2.5", "author": "Qwen"}, ["Qwen/Qwen2.5-0.5B-Instruct"]),
        ({"gated": True}, ["meta-llama/Llama-3.1-8B-Instruct"]),
        ({"num_parameters": "min:7B,max:9B"}, ["meta-llama/Llama-3.1-8B-Instruct"]),
        ({"tags": "gguf"}, ["bartowski/Qwen2.5-0.5B-Instruct-GGUF"]),
        ({"sort": "likes", "limit": 1}, ["meta-llama/Llama-3.1-8B-Instruct"]),
    ],
)
async def test_filters_narrow_the_search(call: Call, args: Any, found: list[str]) -> None:
    assert ids(await search(call, **args)) == found


async def test_a_list_that_is_cut_says_so(call: Call) -> None:
    assert "limit=50 shows more" in await search(call, limit=2)
    assert "[These are all." in await search(call, limit=50)


async def test_nothing_found_says_what_to_loosen(call: Call) -> None:
    said = await search(call, query="small french chat model", task="text-generation", gated=True)
    assert said.startswith(
        "No models with query='small french chat model', task='text-generation', gated=True."
    )
    assert "use fewer or shorter ones" in said
    assert "parameter count" not in said


async def test_created_models_show_when(call: Call) -> None:
    text = await search(call, sort="created_at", limit=1)
    assert "| created |" in text
    assert "2024-07-18" in text


async def test_missing_and_strange_fields_are_shown_as_unknown(call: Call, hub: Site) -> None:
    odd = info(
        "a/b", downloads=None, likes="many", tags=None, pipeline_tag="x | y\n|", gated="auto",
        safetensors={"parameters": None, "total": "big"}, lastModified=None,
    )  # fmt: skip
    hub.fail("GET /api/models", Reply(body=[odd, {"id": "c/d"}]))
    text = await search(call)
    assert "| a/b | ? | x / y / | not stated | ? | ? | ? | gated, auto |" in text
    assert "| c/d | ? | ? | not stated | ? | ? | ? | open |" in text


async def test_a_hub_that_sends_more_than_was_asked_for_is_cut_short(call: Call, hub: Site) -> None:
    hub.fail("GET /api/models", Reply(body=[{"id": f"a/{n}"} for n in range(500)]))
    assert len(ids(await search(call, limit=3))) == 3


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=401, body={"error": "no"}), "refused the search for models"),
        (Reply(status=403, body={"error": "no"}), "refused the search for models"),
        (Reply(status=404, body={"error": "no"}), "does not exist"),
        (Reply(status=429, body={"error": "slow"}), "asked too often"),
        (Reply(status=500, body={"error": "x"}), "did not answer"),
        (Reply(body="<html>no</html>"), "in a form that is not known"),
        (Reply(body=[{"name": "without an id"}]), "in a form that is not known"),
        (Reply(body=["text"]), "in a form that is not known"),
        (Reply(body="x" * 10_000, cut=True), "did not answer"),
    ],
)
async def test_each_refusal_is_one_clear_error(
    call: Call, hub: Site, reply: Reply, said: str
) -> None:
    hub.fail("GET /api/models", reply, times=3)
    with pytest.raises(ToolError) as caught:
        await search(call)
    assert said in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("wrong", ["8B", "min:x", ",", "big", "max:"])
async def test_a_range_that_is_none_is_refused_before_the_hub_is_asked(
    call: Call, hub: Site, wrong: str
) -> None:
    with pytest.raises(ToolError, match='write "min:1B,max:8B"'):
        await search(call, num_parameters=wrong)
    assert hub.ledger == []


async def test_null_and_empty_arguments_mean_none(call: Call, hub: Site) -> None:
    await search(call, query=None, author="", gated=None, num_parameters="", sort=None, limit=None)
    assert [key for key, _ in hub.ledger[0].pairs if key != "expand"] == ["sort", "limit"]


@pytest.mark.parametrize(
    "wrong", [{"limit": 51}, {"limit": 0}, {"sort": "size"}, {"size": 1}, {"context": 0}]
)
def test_arguments_are_bounded(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ModelsArgs.model_validate({"operation": "search", **wrong})


def test_every_operation_only_looks() -> None:
    for operation in ("search", "details", "memory"):
        assert MODELS.nature({"operation": operation}).risk == "read"
