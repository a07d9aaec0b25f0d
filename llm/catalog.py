"""Windows and prices from litellm's packaged catalogue. Importing litellm takes seconds."""

from __future__ import annotations

from typing import Any

from langchain_core.messages.ai import UsageMetadata

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


def window(name: str) -> int:
    """Tokens of input the model takes."""
    known = entry(name)
    sizes = (known.get("max_input_tokens"), known.get("max_tokens"))
    # Some entries hold words or nothing where the number should be.
    return next((size for size in sizes if isinstance(size, int) and size), UNKNOWN_WINDOW)


def price(name: str, usage: UsageMetadata | None) -> float | None:
    """A call's cost in dollars; None when the price or the usage is unknown."""
    known = entry(name)
    if usage is None or "input_cost_per_token" not in known:
        return None
    cached = usage.get("input_token_details", {}).get("cache_read", 0) or 0
    per_input = float(known["input_cost_per_token"])
    per_cached = float(known.get("cache_read_input_token_cost", per_input))
    per_output = float(known.get("output_cost_per_token", 0.0))
    fresh = usage["input_tokens"] - cached
    return fresh * per_input + cached * per_cached + usage["output_tokens"] * per_output
