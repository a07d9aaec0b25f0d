"""Windows and prices, from the catalogue that litellm packages. Unknown is not zero."""

from __future__ import annotations

import importlib
import math
import subprocess
import sys
from typing import Any

import pytest
from langchain_core.messages.ai import UsageMetadata

from ml_intern.configs.errors import ConfigError, Exit
from ml_intern.llm import catalog
from ml_intern.llm.catalog import check, entry, facts, near


def price(name: str, spent: UsageMetadata | None) -> float | None:
    known = facts(name).price
    return known.of(spent) if known else None


def usage(input: int, output: int, cached: int | None = None, written: int = 0) -> UsageMetadata:
    made = UsageMetadata(input_tokens=input, output_tokens=output, total_tokens=input + output)
    cache = {} if cached is None else {"cache_read": cached, "cache_creation": written}
    return {**made, "input_token_details": cache}  # type: ignore[typeddict-item]


@pytest.fixture
def sold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of our own, so that prices that change do not break a test."""
    known: dict[str, Any] = {
        "shop/m": {"max_input_tokens": 9000, "max_tokens": 100, "litellm_provider": "shop",
                   "input_cost_per_token": 2e-6, "output_cost_per_token": 4e-6,
                   "cache_read_input_token_cost": 1e-6},
        "bare": {"max_tokens": 7000, "litellm_provider": "shop", "input_cost_per_token": 1e-6},
        "chat": {"max_tokens": 6000, "litellm_provider": "shop_chat"},
        "shop/embed": {"mode": "embedding", "litellm_provider": "shop"},
        "shop/film": {"mode": "video_generation", "litellm_provider": "shop"},
        "shop/dumb": {"mode": "chat", "supports_function_calling": False},
        "shop/old": {"mode": "completion", "litellm_provider": "shop"},
        "shop/tiers": {"litellm_provider": "shop",
                       "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
                       "cache_read_input_token_cost": 5e-7,
                       "input_cost_per_token_above_128k_tokens": 3e-6,
                       "output_cost_per_token_above_272k_tokens": 8e-6,
                       "cache_read_input_token_cost_above_272k_tokens": 1e-6,
                       "input_cost_per_token_above_128k_tokens_priority": 99,
                       "cache_creation_input_token_cost_above_1hr": 99},
        "xai/edge": {"litellm_provider": "xai",
                     "input_cost_per_token": 1e-6, "input_cost_per_token_above_200k_tokens": 2e-6},
        "shop/thinks": {"litellm_provider": "shop", "input_cost_per_token": 1e-6,
                        "output_cost_per_token": 2e-6, "output_cost_per_reasoning_token": 5e-6},
        "free/m": {"input_cost_per_token": 0.0, "litellm_provider": "free"},
    }  # fmt: skip
    litellm = importlib.import_module("litellm")
    monkeypatch.setattr(litellm, "model_cost", known)


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("shop/m", 9000),
        ("shop/bare", 7000),
        ("shop/chat", 6000),
        ("shop/other", None),
        ("free/m", None),
        ("vllm/bare", None),
    ],
)
@pytest.mark.usefixtures("sold")
def test_w4_windows(name: str, tokens: int | None) -> None:
    """W4: a window was assumed although the catalogue knew it."""
    assert facts(name).window == tokens


@pytest.mark.parametrize(
    ("name", "spent", "dollars"),
    [
        ("shop/m", usage(1000, 100), 0.0024),
        ("shop/m", usage(1000, 100, cached=400), 0.0020),
        ("shop/m", usage(1000, 100, cached=0), 0.0024),
        ("shop/bare", usage(1000, 100, cached=400), 0.001),
        ("free/m", usage(1000, 100), 0.0),
        ("shop/chat", usage(1000, 100), None),
        ("shop/other", usage(1000, 100), None),
        ("shop/m", None, None),
        ("shop/tiers", usage(128_000, 1000), 0.130),
        ("shop/tiers", usage(128_001, 1000), 0.386003),
        ("shop/tiers", usage(272_001, 1000, cached=72_001), 0.6 + 0.072001 + 0.008),
        ("xai/edge", usage(199_999, 0), 0.199999),
        ("xai/edge", usage(200_000, 0), 0.4),
        ("shop/thinks", usage(0, 1000), 0.005),
    ],
)
@pytest.mark.usefixtures("sold")
def test_w37_prices(name: str, spent: UsageMetadata | None, dollars: float | None) -> None:
    """W37: what had no known price was shown as free."""
    assert price(name, spent) == (None if dollars is None else pytest.approx(dollars))


@pytest.mark.usefixtures("sold")
def test_a_local_model_is_not_the_one_of_the_same_name_that_is_sold() -> None:
    assert price("shop/bare", usage(1, 1)) is not None
    assert price("ollama/bare", usage(1, 1)) is None


@pytest.mark.usefixtures("sold")
def test_an_entry_can_be_changed_without_changing_the_catalogue() -> None:
    entry("shop/m")["max_tokens"] = 1
    assert entry("shop/m")["max_tokens"] == 100


def test_everything_in_the_real_catalogue_can_be_read() -> None:
    litellm = importlib.import_module("litellm")
    models = [name for name in litellm.model_cost if name != "sample_spec"]
    assert len(models) > 1000
    for name in models:
        cost = price(name, usage(1000, 100, cached=10))
        assert cost is None or cost >= 0
        assert (facts(name).window or 1) > 0


def test_a_well_known_model_is_in_it() -> None:
    assert (facts("anthropic/claude-opus-4-6").window or 0) >= 200_000
    assert price("openai/gpt-4o", usage(1000, 100)) == pytest.approx(0.0035)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("shop/embed", "listed as a model for embedding"),
        ("shop/film", "listed as a model for video generation"),
        ("shop/dumb", "cannot call tools"),
    ],
)
@pytest.mark.usefixtures("sold")
def test_what_cannot_do_the_work_is_refused(name: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        check(name)
    assert caught.value.exit is Exit.USAGE
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["shop/m", "shop/old", "shop/unheard-of", "ollama/embed"])
@pytest.mark.usefixtures("sold")
def test_what_is_not_known_to_be_unfit_is_not_refused(name: str) -> None:
    check(name)


REAL = [
    "anthropic/claude-sonnet-5",
    "anthropic/claude-opus-4-6",
    "gemini/gemini-2.5-pro",
    "openai/gpt-4o",
    "openai/gpt-5.4",
    "xai/grok-4.7",
]


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize(
    "spent",
    [
        usage(1000, 100),
        usage(90_000, 5000, cached=60_000),
        usage(90_000, 5000, cached=60_000, written=20_000),
        usage(200_000, 3000, cached=100_000),
        usage(200_001, 3000, cached=100_000),
        usage(300_000, 8000, cached=200_000, written=50_000),
        usage(700_000, 8000, cached=0),
    ],
    ids=["small", "read", "written", "edge", "above", "above-written", "far-above"],
)
def test_w37_prices_are_those_that_litellm_reckons_with(name: str, spent: UsageMetadata) -> None:
    """W37: what a session cost was often shown as nothing."""
    assert price(name, spent) == pytest.approx(reckoned(name, spent), abs=1e-9)


def test_some_of_these_have_tiers() -> None:
    tiers = {name: len(known.above) for name in REAL if (known := facts(name).price)}
    assert tiers["openai/gpt-5.4"] == tiers["gemini/gemini-2.5-pro"] == tiers["xai/grok-4.7"] == 1
    assert tiers["openai/gpt-4o"] == 0


def reckoned(name: str, spent: UsageMetadata) -> float:
    litellm = importlib.import_module("litellm")
    provider, _, model = name.partition("/")
    details = spent.get("input_token_details", {})
    read, written = details.get("cache_read", 0), details.get("cache_creation", 0)
    said = litellm.Usage(
        prompt_tokens=spent["input_tokens"],
        completion_tokens=spent["output_tokens"],
        total_tokens=spent["total_tokens"],
        prompt_tokens_details={"cached_tokens": read, "cache_creation_tokens": written},
        cache_read_input_tokens=read,
        cache_creation_input_tokens=written,
    )
    return math.fsum(
        litellm.cost_per_token(model=model, custom_llm_provider=provider, usage_object=said)
    )


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("gpt-5", ["openai/gpt-5"]),
        ("claude-opus-4-6", ["anthropic/claude-opus-4-6"]),
        ("command-a-03-2025", ["cohere/command-a-03-2025"]),
        ("gpt-5.44", ["openai/gpt-5.4"]),
        ("anthropic/claude-opus-4.6", ["anthropic/claude-opus-4-6"]),
        ("gemini/gemini-2.5-por", ["gemini/gemini-2.5-pro"]),
        ("groq/gpt-oss-120b", ["groq/openai/gpt-oss-120b"]),
    ],
)
def test_a_near_miss_is_recognised(name: str, like: list[str]) -> None:
    assert near(name)[: len(like)] == like


@pytest.mark.parametrize("name", ["", "zzzzqqqq", "nosuch/gpt-5", "/", "openai/"])
def test_what_is_like_nothing_has_no_near_ids(name: str) -> None:
    assert near(name) == []


def test_the_catalogue_is_read_without_litellm() -> None:
    """Its import takes seconds, too long for saying that an id is wrong."""
    code = (
        "import sys; from ml_intern.llm.catalog import facts, near;"
        "print(near('gpt-5'), facts('openai/gpt-4o').window, 'litellm' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("['openai/gpt-5'] 128000 False\n", "")


def test_the_packaged_file_is_what_litellm_loads() -> None:
    litellm = importlib.import_module("litellm")
    assert litellm.model_cost.keys() <= catalog._packaged().keys()
