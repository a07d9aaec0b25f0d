"""What model calls took: tokens, and dollars where a price is known. Unknown is not zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ml_intern.configs.text import clean_json
from ml_intern.graph.events import Usage
from ml_intern.llm.factory import Model
from ml_intern.llm.reply import Reply


def usage_event(model: Model, reply: Reply, kind: Literal["main", "compaction"]) -> Usage:
    """One call's usage, for whoever watches."""
    usage = reply.usage
    details = usage.get("input_token_details", {}) if usage else {}
    return Usage(
        kind=kind,
        model=model.name,
        input_tokens=usage["input_tokens"] if usage else 0,
        output_tokens=usage["output_tokens"] if usage else 0,
        cache_read_tokens=details.get("cache_read", 0) or 0,
        cache_write_tokens=details.get("cache_creation", 0) or 0,
        cost_usd=model.price.of(usage) if model.price else None,
    )


def add_usage(
    total: Mapping[str, float], event: Usage, *, lost: int = 0, bound: float = 0.0
) -> dict[str, float]:
    """The session's running total with one call added, and `lost` attempts that broke off before.

    What broke off may have been billed. `unpriced_calls` have no known cost, `unknown_usd` is the
    most they may have cost, as far as that is known: up to `bound` each.
    """
    total = add_lost(total, lost + (event.cost_usd is None), bound)
    dollars = event.cost_usd or 0.0
    added = {
        "calls": 1,
        "input_tokens": event.input_tokens,
        "output_tokens": event.output_tokens,
        "cache_read_tokens": event.cache_read_tokens,
        "cache_write_tokens": event.cache_write_tokens,
        "cost_usd": dollars,
    }
    if event.kind == "compaction":
        added |= {"compaction_calls": 1, "compaction_usd": dollars}
    return _sum(total, added)


def add_lost(total: Mapping[str, float], attempts: int, bound: float) -> dict[str, float]:
    """The total with attempts added of which only the most they may have cost is known."""
    return _sum(total, {"unpriced_calls": attempts, "unknown_usd": attempts * bound})


def _sum(total: Mapping[str, float], added: Mapping[str, float]) -> dict[str, float]:
    return clean_json({**total, **{key: total.get(key, 0) + n for key, n in added.items()}})
