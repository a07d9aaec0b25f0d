"""The Hugging Face router's catalogue: facts, refusals, and the copy on disk."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators.router import RouterServer, model, offer
from ml_intern.configs.errors import ConfigError, Exit
from ml_intern.llm import router
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.facts import Facts, Price

KIMI = "moonshotai/Kimi-K2.6"
GLM = "zai-org/GLM-5.1"


@pytest.fixture
def server() -> Iterator[RouterServer]:
    with RouterServer(
        model(
            KIMI,
            offer("novita", window=262_144, price=(0.6, 2.5)),
            offer("together", window=131_072, price=(0.4, 2.9)),
            offer("groq", window=32_768, price=(9.0, 0.5), tools=False),
            offer("deepinfra", price=(0.1, 0.1), status="error"),
        ),
        model(GLM, offer("novita", price=(1.0, 3.0)), offer("scaleway", price=None)),
        model("org/no-tools", offer("a", tools=False), offer("b", tools=False)),
        model("org/down", offer("a", status="staging"), offer("b", status="error")),
        model("org/bare", offer("a", window=None, price=None, tools=None)),
    ) as server:
        yield server


async def facts(server: RouterServer, name: str, cache: Path | None = None) -> Facts:
    name = f"huggingface/{name}"
    return await router.facts(
        Endpoint(name=name, model="-", api_base=server.base_url, api_key="hf_x"), cache
    )


async def refusal(server: RouterServer, name: str, cache: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        await facts(server, name, cache)
    assert caught.value.exit is Exit.USAGE
    return str(caught.value)


ANY = Facts(window=131_072, tools=True, price=Price(input=9.0, output=2.9))


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (f"{KIMI}:novita", Facts(window=262_144, tools=True, price=Price(input=0.6, output=2.5))),
        (f"{KIMI}:together", Facts(window=131_072, tools=True, price=Price(input=0.4, output=2.9))),
        (f"{GLM}:cheapest", Facts(window=262_144, tools=True, price=Price(input=1.0, output=3.0))),
        (f"{GLM}:fastest", Facts(window=262_144, tools=True, price=None)),
        (f"{GLM}:scaleway", Facts(window=262_144, tools=True, price=None)),
        (KIMI, ANY),
        (f"{KIMI}:fastest", ANY),
        (f"{KIMI}:preferred", ANY),
        ("org/bare", Facts()),
        ("org/bare:cheapest", Facts()),
    ],
)
async def test_w4_w37_facts_of_whoever_may_serve(
    server: RouterServer, name: str, known: Facts
) -> None:
    """W4, W37: windows and prices of the router were fetched, shown, and not used.

    Where nobody knows who serves, the smallest window and the highest prices hold.
    """
    assert await facts(server, name) == known


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("moonshotai/Kimi-K2.5", [f"no such model. Did you mean huggingface/{KIMI}"]),
        (KIMI.lower(), [f"Did you mean huggingface/{KIMI}"]),
        ("nobody/nothing-like-it", ["has no such model."]),
        (f"{KIMI}:novitta", ["'novitta' does not serve it", "novita, together, groq;"]),
        (f"{KIMI}:deepinfra", ["lists it as 'error', not live", "novita, together, groq;"]),
        (f"{KIMI}:groq", ["cannot call tools", "These providers let it: novita, together."]),
        (f"{KIMI}:cheapest", ["cannot call tools", "novita, together."]),
        ("org/no-tools", ["cannot call tools", "Choose another model."]),
        ("org/down", ["no provider serves this model now (a: staging, b: error)"]),
    ],
)
async def test_what_cannot_work_is_refused_before_the_first_call(
    server: RouterServer, name: str, told: list[str]
) -> None:
    said = await refusal(server, name)
    assert said.startswith(f"huggingface/{name}")
    for words in told:
        assert words in said


async def test_the_token_goes_with_the_question(server: RouterServer) -> None:
    await facts(server, KIMI)
    assert [asked.key for asked in server.ledger] == ["Bearer hf_x"]


async def test_the_token_is_not_sent_on(server: RouterServer) -> None:
    with RouterServer(model(KIMI, offer("evil"))) as other:
        server.location = f"{other.base_url}/models"
        assert await facts(server, KIMI) == Facts()
        assert other.ledger == []


async def test_one_question_an_hour(server: RouterServer, tmp_path: Path) -> None:
    first = await facts(server, KIMI, tmp_path)
    assert await facts(server, KIMI, tmp_path) == first
    assert await facts(server, f"{GLM}:novita", tmp_path)
    assert len(server.ledger) == 1
    age(tmp_path, 3601)
    await facts(server, KIMI, tmp_path)
    assert len(server.ledger) == 2


async def test_what_a_copy_lacks_is_asked_for_anew(server: RouterServer, tmp_path: Path) -> None:
    await facts(server, KIMI, tmp_path)
    server.models.append(model("org/new", offer("a", window=5000)))
    assert (await facts(server, "org/new", tmp_path)).window == 5000
    await refusal(server, "org/newer", tmp_path)
    assert len(server.ledger) == 3


async def test_without_the_router_a_fresh_copy_binds(server: RouterServer, tmp_path: Path) -> None:
    await facts(server, KIMI, tmp_path)
    server.status = 503
    assert await facts(server, KIMI, tmp_path) == ANY
    assert "no such model" in await refusal(server, "org/unknown", tmp_path)


async def test_an_old_copy_tells_facts_and_refuses_nothing(
    server: RouterServer, tmp_path: Path
) -> None:
    await facts(server, KIMI, tmp_path)
    server.status = 503
    age(tmp_path, 30 * 24 * 3600)
    assert await facts(server, KIMI, tmp_path) == ANY
    assert await facts(server, "org/unknown", tmp_path) == Facts()
    assert await facts(server, "org/down", tmp_path) == Facts()


async def test_a_start_without_network_waits_for_seconds_only(
    server: RouterServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "_WAIT", 0.3)
    server.delay = 60
    began = time.monotonic()
    assert await facts(server, KIMI, tmp_path) == Facts()
    assert time.monotonic() - began < 10


async def test_nobody_there_is_no_refusal(tmp_path: Path) -> None:
    endpoint = Endpoint(name=f"huggingface/{KIMI}", model="-", api_base="http://127.0.0.1:9/v1")
    assert await router.facts(endpoint, tmp_path) == Facts()
    assert list(tmp_path.iterdir()) == []


async def test_the_copy_is_private_and_whole(server: RouterServer, tmp_path: Path) -> None:
    cache = tmp_path / "home" / "cache"
    await facts(server, KIMI, cache)
    (copy,) = cache.iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert cache.stat().st_mode & 0o777 == 0o700
    with RouterServer(model("org/other", offer("a"))) as other:
        await facts(other, "org/other", cache)
    assert len(list(cache.iterdir())) == 2, "each router has a copy of its own"
    copy.write_text('{"data": [{"id"')
    assert await facts(server, KIMI, cache) == ANY


async def test_a_folder_that_cannot_be_written_to_is_no_obstacle(
    server: RouterServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert await facts(server, KIMI, tmp_path / "file" / "cache") == ANY


ODD: list[Any] = [
    None,
    "text",
    {"a": 1},
    [],
    [None, 3, {"id": 7}],
]


@pytest.mark.parametrize("odd", ODD)
async def test_an_answer_that_is_no_catalogue_refuses_nothing(
    server: RouterServer, tmp_path: Path, odd: Any
) -> None:
    server.models = odd
    assert await facts(server, KIMI, tmp_path) == Facts()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("context_length", "many"),
        ("context_length", True),
        ("context_length", -1),
        ("pricing", {"input": 1}),
        ("pricing", {"input": "x", "output": 1}),
        ("pricing", {"input": -1, "output": 1}),
        ("pricing", {"input": 10**400, "output": 1}),
        ("pricing", [1, 2]),
        ("supports_tools", "yes"),
    ],
)
async def test_a_field_that_is_odd_is_not_known(
    server: RouterServer, field: str, value: Any
) -> None:
    server.models = [model("org/m", {**offer("a"), field: value})]
    known = await facts(server, "org/m:a")
    kept = {"context_length": known.window, "pricing": known.price, "supports_tools": known.tools}
    assert kept.pop(field) is None
    assert None not in kept.values()


@pytest.mark.parametrize("providers", [None, [], "x", [1]])
async def test_a_model_without_providers_is_left_to_the_call(
    server: RouterServer, providers: Any
) -> None:
    server.models = [{"id": "org/m", "providers": providers}]
    assert await facts(server, "org/m:a") == Facts()


def age(cache: Path, seconds: float) -> None:
    for copy in cache.iterdir():
        then = time.time() - seconds
        os.utime(copy, (then, then))
