"""The Hugging Face router's catalogue: who serves a model, how well, for how much.

Kept on disk for an hour, and beyond that for when the router does not answer.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ml_intern.configs.errors import ConfigError, did_you_mean
from ml_intern.llm.background import in_daemon
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.facts import Facts, Price, size_of
from ml_intern.llm.fetch import fetch
from ml_intern.llm.kept import keep

PREFIX = "huggingface/"
_LIFETIME = 3600
"""Seconds for which a copy is as good as the original."""
_WAIT = 5.0
_ANYONE = ("", "fastest", "preferred")
"""Policies with which nobody knows beforehand who will serve."""
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model at one provider."""

    provider: str
    status: str
    facts: Facts

    @property
    def live(self) -> bool:
        """Whether it can be used now."""
        return self.status == "live"


Catalogue = dict[str, list[Offer]]
"""Offers by the model's id; none where the router does not say who serves it."""


async def facts(endpoint: Endpoint, cache: Path | None) -> Facts:
    """What the router says of a model; nothing if neither it nor a copy in `cache` can be read.

    Raises:
        ConfigError: it has no such model, or not at that provider, or none that calls tools.
    """
    kept, age = await in_daemon(partial(_load, cache, endpoint.api_base)) if cache else ({}, 0.0)
    fresh = 0 <= age < _LIFETIME
    if kept and fresh:
        with suppress(ConfigError):  # what it lacks may have come since
            return read(kept, endpoint.name)
    url = f"{(endpoint.api_base or '').rstrip('/')}/models"
    body = await fetch(url, key=endpoint.api_key, seconds=_WAIT)
    if catalogue := parse(body):
        if cache:
            await in_daemon(partial(_save, cache, endpoint.api_base, body))
        return read(catalogue, endpoint.name)
    return _remembered(kept, endpoint.name, binding=fresh)


def _remembered(kept: Catalogue, name: str, *, binding: bool) -> Facts:
    """The facts in a copy; one that is old may tell what a model is, not that there is none."""
    try:
        return read(kept, name) if kept else Facts()
    except ConfigError:
        if binding:
            raise
        return Facts()


def parse(body: Any) -> Catalogue:  # noqa: ANN401 - JSON
    """The catalogue in a router's answer; what is not as it should be is left out."""
    listed = body.get("data") if isinstance(body, dict) else None
    return {
        model["id"]: [_offer(item) for item in _dicts(model.get("providers"))]
        for model in _dicts(listed)
        if isinstance(model.get("id"), str)
    }


def read(catalogue: Catalogue, name: str) -> Facts:
    """The facts of the model `name`, such as `huggingface/org/model:cheapest`.

    Raises:
        ConfigError: it cannot be used.
    """
    model, _, policy = name.removeprefix(PREFIX).partition(":")
    if model not in catalogue:
        near = _near(catalogue, model)
        raise ConfigError(f"{name}: the Hugging Face router has no such model.{near}")
    offers = catalogue[model]
    if not offers:
        return Facts()
    live = [offer for offer in offers if offer.live]
    if not live:
        states = ", ".join(f"{offer.provider}: {offer.status}" for offer in offers[:_SHOWN])
        raise ConfigError(f"{name}: no provider serves this model now ({states}).")
    if policy in _ANYONE:
        return _checked(name, _of_any(live), live)
    offer = _cheapest(live) if policy == "cheapest" else _pinned(name, policy, offers)
    return _checked(name, offer.facts if offer else _of_any(live), live)


def _checked(name: str, facts: Facts, live: Sequence[Offer]) -> Facts:
    if facts.tools is not False:
        return facts
    able = [offer for offer in live if offer.facts.tools]
    hint = f"These providers let it: {_names(able)}." if able else "Choose another model."
    raise ConfigError(
        f"{name} cannot call tools there, and all work here is done with tools. {hint}"
    )


def _pinned(name: str, provider: str, offers: Sequence[Offer]) -> Offer:
    found = next((offer for offer in offers if offer.provider == provider), None)
    if found and found.live:
        return found
    why = f"lists it as '{found.status}', not live" if found else "does not serve it"
    live = _names([offer for offer in offers if offer.live])
    raise ConfigError(
        f"{name}: the provider '{provider}' {why}. Providers that do: {live}; "
        ":fastest, :cheapest and :preferred choose among them."
    )


def _cheapest(live: Sequence[Offer]) -> Offer | None:
    """The router goes by the price of the answer."""
    priced = [(price.output, price.input, index)
              for index, offer in enumerate(live) if (price := offer.facts.price)]  # fmt: skip
    return live[min(priced)[2]] if priced else None


def _of_any(live: Sequence[Offer]) -> Facts:
    """What holds whoever serves; the price is an upper bound, so that no cost is understated."""
    able = [offer for offer in live if offer.facts.tools is not False]
    windows = [offer.facts.window for offer in able if offer.facts.window]
    prices = [offer.facts.price for offer in live if offer.facts.price]
    told = {offer.facts.tools for offer in live}
    return Facts(
        window=min(windows, default=None),
        tools=True if True in told else False if told == {False} else None,
        price=_dearest(prices) if len(prices) == len(live) else None,
    )


def _dearest(prices: Sequence[Price]) -> Price:
    return Price(
        input=max(price.input for price in prices), output=max(price.output for price in prices)
    )


def _offer(item: dict[str, Any]) -> Offer:
    tools = item.get("supports_tools")
    return Offer(
        provider=str(item.get("provider", "")),
        status=str(item.get("status") or "live"),
        facts=Facts(
            window=size_of(item.get("context_length")),
            tools=tools if isinstance(tools, bool) else None,
            price=_price(item.get("pricing")),
        ),
    )


def _price(pricing: object) -> Price | None:
    try:
        rates = [float(pricing[key]) for key in ("input", "output")]  # type: ignore[index]
    except (TypeError, ValueError, LookupError, OverflowError):
        return None
    valid = all(math.isfinite(rate) and rate >= 0 for rate in rates)
    return Price(input=rates[0], output=rates[1]) if valid else None


def _near(catalogue: Iterable[str], model: str) -> str:
    known = {name.lower(): name for name in catalogue}
    found = difflib.get_close_matches(model.lower(), known, n=3)
    return did_you_mean([PREFIX + known[key] for key in found])


def _names(offers: Sequence[Offer]) -> str:
    shown = [offer.provider for offer in offers[:_SHOWN]]
    return ", ".join([*shown, "…"] if len(offers) > _SHOWN else shown)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _file(cache: Path, url: str | None) -> Path:
    """One a router, for its address may be set."""
    return cache / f"router-{hashlib.sha256((url or '').encode()).hexdigest()[:16]}.json"


def _load(cache: Path, url: str | None) -> tuple[Catalogue, float]:
    """The copy on disk and its age in seconds; ({}, …) without one."""
    path = _file(cache, url)
    try:
        age = time.time() - path.stat().st_mtime
        return parse(json.loads(path.read_text(encoding="utf-8"))), age
    except (OSError, ValueError, RecursionError):
        return {}, math.inf


def _save(cache: Path, url: str | None, body: object) -> None:
    """Keep a copy. A full disk is no reason not to start."""
    with suppress(OSError, RecursionError):
        keep(_file(cache, url), body)
