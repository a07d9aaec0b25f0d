"""Windows, prices and abilities from litellm's packaged catalogue, and ids that are like another.

Read from the package's file until litellm is imported, which takes seconds.
"""

from __future__ import annotations

import difflib
import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ml_intern.configs.errors import ConfigError
from ml_intern.llm.facts import Facts, Price, size_of

UNKNOWN_WINDOW = 128_000
"""Tokens assumed when neither the settings nor the catalogue know the model."""

_FILE = "model_prices_and_context_window_backup.json"
_ANSWERS = ("chat", "completion", "responses")
"""Kinds of model that hold a conversation; an entry without a kind may be one."""
_TIER = re.compile(r"(?:in|out)put_cost_per_token_above_(\d+)k_tokens")
_FROM_THE_LIMIT_ON = ("xai",)
"""Who bills the dearer tier from its limit on, not only above it."""


def entry(name: str) -> dict[str, Any]:
    """The catalogue's entry for a model id; {} if there is none.

    Some are filed without their provider, but `vllm/gpt-4o` is not the one that OpenAI sells.
    """
    entries = _entries()
    provider, _, bare = name.partition("/")
    known = entries.get(name) or entries.get(bare) or {}
    sold = str(known.get("litellm_provider", "")).startswith(provider)
    return dict(known) if sold or name in entries else {}


def facts(name: str) -> Facts:
    """What the catalogue says about a model."""
    known = entry(name)
    sizes = (known.get("max_input_tokens"), known.get("max_tokens"))
    # Some entries hold words or nothing where the number should be.
    return Facts(
        window=next(filter(None, map(size_of, sizes)), None),
        max_output=size_of(known.get("max_output_tokens")),
        tools=known.get("supports_function_calling"),
        price=_price(known),
    )


def check(name: str) -> None:
    """Let through what may be able to do the work.

    Raises:
        ConfigError: the catalogue says that it cannot.
    """
    known = entry(name)
    kind = known.get("mode") or "chat"
    if kind not in _ANSWERS:
        raise ConfigError(
            f"{name} cannot hold a conversation: it is listed as a model for "
            f"{str(kind).replace('_', ' ')}. Choose a chat model."
        )
    if known.get("supports_function_calling") is False:
        raise ConfigError(
            f"{name} is listed as a model that cannot call tools, and all work here is done with "
            "tools. Choose another."
        )


def near(name: str) -> list[str]:
    """Ids of the catalogue that are like `name`, the likest first; at most three.

    Without a provider in `name`, of any; else only of that one.
    """
    provider, slash, rest = name.partition("/")
    known = dict(_ids())
    if not slash and name in _entries():
        return [known[name]] if name in known else []
    if not slash:
        alike = difflib.get_close_matches(name, [k for k in known if "/" not in k], n=3)
        return [known[key] for key in alike]
    own = {full.partition("/")[2]: full for full in known.values() if _of(full) == provider}
    return [own[key] for key in difflib.get_close_matches(rest, own, n=3)]


def _ids() -> Iterator[tuple[str, str]]:
    """Keys of the catalogue's chat models, with the ids they are called by."""
    for key, known in _entries().items():
        provider = str(known.get("litellm_provider", "")).removesuffix("_chat")
        # Some "providers" are families of one, such as vertex_ai-language-models.
        if known.get("mode") in _ANSWERS and provider.isidentifier():
            yield key, key if _of(key) == provider else f"{provider}/{key}"


def _of(name: str) -> str:
    return name.partition("/")[0]


def _entries() -> Mapping[str, dict[str, Any]]:
    loaded: Mapping[str, dict[str, Any]] | None
    loaded = getattr(sys.modules.get("litellm"), "model_cost", None)
    return loaded or _packaged()


@lru_cache(maxsize=1)
def _packaged() -> dict[str, dict[str, Any]]:
    spec = importlib.util.find_spec("litellm")
    assert spec is not None
    assert spec.origin is not None
    text = (Path(spec.origin).parent / _FILE).read_text(encoding="utf-8")
    entries: dict[str, dict[str, Any]] = json.loads(text)
    return entries


def _price(known: dict[str, Any]) -> Price | None:
    if "input_cost_per_token" not in known:
        return None
    limits = sorted({int(match[1]) for key in known if (match := _TIER.fullmatch(key))})
    inclusive = known.get("litellm_provider") in _FROM_THE_LIMIT_ON
    above = tuple((limit * 1000 - inclusive, _rates(known, limits, limit)) for limit in limits)
    return replace(_rates(known, limits, 0), above=above)


def _rates(known: dict[str, Any], limits: list[int], reached: int) -> Price:
    """The prices above `reached` thousand tokens; what a tier does not name is as below it."""

    def rate(key: str) -> float | None:
        names = [key, *(f"{key}_above_{limit}k_tokens" for limit in limits if limit <= reached)]
        named = [known[name] for name in names if known.get(name) is not None]
        return float(named[-1]) * 1e6 if named else None

    # Where thinking has a price of its own, which part of an answer it was is not told reliably.
    output = max(rate("output_cost_per_token") or 0.0, rate("output_cost_per_reasoning_token") or 0)
    return Price(
        input=rate("input_cost_per_token") or 0.0,
        output=output,
        cache_read=rate("cache_read_input_token_cost"),
        cache_write=rate("cache_creation_input_token_cost"),
    )
