"""Windows and prices from litellm's packaged catalogue. Importing litellm takes seconds."""

from __future__ import annotations

from typing import Any

from ml_intern.llm.facts import Facts, Price

UNKNOWN_WINDOW = 128_000
"""Tokens assumed when neither the settings nor the catalogue know the model."""


def entry(name: str) -> dict[str, Any]:
    """The catalogue's entry for a model id; {} if there is none.

    Some are filed without their provider, but `vllm/gpt-4o` is not the one that OpenAI sells.
    """
    import litellm

    provider, _, bare = name.partition("/")
    known = litellm.model_cost.get(name) or litellm.model_cost.get(bare) or {}
    sold = str(known.get("litellm_provider", "")).startswith(provider)
    return dict(known) if sold or name in litellm.model_cost else {}


def facts(name: str) -> Facts:
    """What the catalogue says about a model."""
    known = entry(name)
    sizes = (known.get("max_input_tokens"), known.get("max_tokens"))
    # Some entries hold words or nothing where the number should be.
    return Facts(
        window=next((size for size in sizes if isinstance(size, int) and size), None),
        max_output=_whole(known.get("max_output_tokens")),
        tools=known.get("supports_function_calling"),
        price=_price(known),
    )


def _price(known: dict[str, Any]) -> Price | None:
    if "input_cost_per_token" not in known:
        return None
    return Price(
        input=float(known["input_cost_per_token"]) * 1e6,
        output=float(known.get("output_cost_per_token") or 0.0) * 1e6,
        cache_read=_million(known.get("cache_read_input_token_cost")),
        cache_write=_million(known.get("cache_creation_input_token_cost")),
    )


def _million(token: float | None) -> float | None:
    return None if token is None else float(token) * 1e6


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value else None
