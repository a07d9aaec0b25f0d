"""What the session may still spend: reserved before a call, told to the model on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from langchain_core.messages import AnyMessage

from ml_intern.checkpoints.journal import Journal
from ml_intern.configs.errors import ConfigError
from ml_intern.graph.context import RunOptions
from ml_intern.llm.factory import Model
from ml_intern.llm.facts import Price
from ml_intern.llm.usage import add_lost
from ml_intern.nodes.deps import Deps
from ml_intern.nodes.sizes import request_size

LEAST_ANSWER = 256
"""Output tokens below which a call is not worth its input."""
LONGEST_ANSWER = 32_000
"""Output tokens reserved where nobody knows how long the model's answers can be."""
CAUTION = 1.2
"""Factor on the counted input: tokenizers differ, and what is reserved must be enough."""

_TOLD = (1.0, 0.5, 0.25, 0.1)
"""Shares of the budget at which the model is told what is left."""


class Allowance(NamedTuple):
    """What one call may take."""

    max_output: int | None = None
    """Tokens the answer may have; None: as many as the model gives."""
    bound: float = 0.0
    """Dollars the call can cost at the most, as far as that is known."""
    losses: int | None = None
    """Attempts that may break off before another one; None: any number."""
    refused: bool = False
    """Whether what is left does not pay for a call."""


def budget_of(options: RunOptions, deps: Deps) -> float | None:
    """Dollars the session may spend; None for any number."""
    wanted = options.max_budget_usd
    return (deps.settings.max_budget_usd if wanted is None else wanted) or None


def spent(usage: Mapping[str, float]) -> float:
    """Dollars that must be taken for spent."""
    return usage.get("cost_usd", 0.0) + usage.get("unknown_usd", 0.0)


def allowance(
    model: Model, size: int, usage: Mapping[str, float], budget: float | None
) -> Allowance:
    """What a call with `size` tokens of input may take of what is left of the budget.

    Raises:
        ConfigError: there is a budget, and nobody knows what the model costs.
    """
    if budget is None:
        return Allowance()
    left = budget - spent(usage)
    price, tokens = priced(model), int(size * CAUTION)
    output = price.affordable(left, tokens)
    if output is None:
        return Allowance()
    if output < LEAST_ANSWER:
        return Allowance(refused=True)
    if model.max_output is not None and model.max_output <= output:
        return _attempts(Allowance(bound=price.most(tokens, model.max_output)), left)
    output = min(output, model.max_output or LONGEST_ANSWER)
    return _attempts(Allowance(max_output=output, bound=price.most(tokens, output)), left)


def _attempts(allowed: Allowance, left: float) -> Allowance:
    """With as many attempts as the dollars pay for: what breaks off may be billed each time."""
    return allowed._replace(losses=max(0, int(left / allowed.bound) - 1) if allowed.bound else None)


def priced(model: Model) -> Price:
    """What a model costs.

    Raises:
        ConfigError: nobody knows.
    """
    if model.price is None:
        raise ConfigError(
            f"The price of {model.name} is not known, so no budget can be kept. Give its price "
            "under `prices` in the configuration, or do without a budget (/budget none)."
        )
    return model.price


async def reserve(
    model: Model, messages: Sequence[AnyMessage], usage: Mapping[str, float], deps: Deps,
    budget: float | None,
) -> Allowance:  # fmt: skip
    """What the next call may take, its input being these messages and what goes with them.

    Raises:
        ConfigError: there is a budget, and nobody knows what the model costs.
    """
    size = 0 if budget is None else await request_size(messages, deps)
    return allowance(model, size, usage, budget)


async def hold(usage: Mapping[str, float], allowed: Allowance, deps: Deps) -> None:
    """Put on disk what the coming call may cost: killed in the middle, it was perhaps billed."""
    if allowed.bound and deps.journal:
        await deps.journal.reserve(_name(usage), allowed.bound)


async def with_killed(usage: Mapping[str, float], journal: Journal | None) -> Mapping[str, float]:
    """The usage, and what a call may have cost that was stopped or killed before its result."""
    dollars = await journal.reserved(_name(usage)) if journal else 0.0
    return add_lost(usage, 1, dollars) if dollars else usage


def _name(usage: Mapping[str, float]) -> str:
    """Of the coming call: no other one of the session has it."""
    return f"{usage.get('calls', 0):.0f}+{usage.get('unpriced_calls', 0):.0f}"


def used_up(usage: Mapping[str, float], budget: float) -> str:
    """Why the turn ends, for the user."""
    return (
        f"The budget of ${_sum(budget)} does not pay for another model call: "
        f"${spent(usage):.4f} are spent. To go on, raise it with --max-budget-usd, or /budget in a "
        "conversation."
    )


def _sum(dollars: float) -> str:
    """Cents, and as much more as there is."""
    whole = f"{dollars:.2f}"
    return whole if float(whole) == dollars else f"{dollars:g}"


def news(usage: Mapping[str, float], budget: float | None, told: float) -> tuple[str, float]:
    """What to tell the model about the budget, and the share it then knows of; "" for nothing."""
    if budget is None:
        return "", told
    left = max(0.0, budget - spent(usage))
    share = next(share for share in sorted(_TOLD) if left <= share * budget)
    if told and share >= told:
        return "", told
    return f"[${left:.2f} of the budget of ${budget:.2f} for model calls are left.]", share
