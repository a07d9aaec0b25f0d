"""Windows and prices, from the catalogue that litellm packages. Unknown is not zero."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from langchain_core.messages.ai import UsageMetadata

from ml_intern.llm.catalog import entry, facts


def price(name: str, spent: UsageMetadata | None) -> float | None:
    known = facts(name).price
    return known.of(spent) if known else None


def usage(input: int, output: int, cached: int | None = None) -> UsageMetadata:
    made = UsageMetadata(input_tokens=input, output_tokens=output, total_tokens=input + output)
    return {**made, "input_token_details": {} if cached is None else {"cache_read": cached}}


@pytest.fixture
def sold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of our own, so that prices that change do not break a test."""
    known: dict[str, Any] = {
        "shop/m": {"max_input_tokens": 9000, "max_tokens": 100, "litellm_provider": "shop",
                   "input_cost_per_token": 2e-6, "output_cost_per_token": 4e-6,
                   "cache_read_input_token_cost": 1e-6},
        "bare": {"max_tokens": 7000, "litellm_provider": "shop", "input_cost_per_token": 1e-6},
        "chat": {"max_tokens": 6000, "litellm_provider": "shop_chat"},
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
