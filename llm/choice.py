"""The model where none was named: the configured one, another that a key allows, or a local one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ml_intern.configs.errors import CredentialError
from ml_intern.configs.load import LOCAL_SERVERS
from ml_intern.configs.settings import Settings
from ml_intern.llm.endpoint import PROVIDER_KEYS, is_id, resolve
from ml_intern.llm.local import models

_WAIT = 0.5
"""Seconds a local server has to say what it serves."""

DEFAULTS = {
    "anthropic": "anthropic/claude-sonnet-5",
    "openai": "openai/gpt-5.4",
    "gemini": "gemini/gemini-3.8-flash",
    "huggingface": "huggingface/moonshotai/Kimi-K2.6",
    "openrouter": "openrouter/anthropic/claude-sonnet-4.5",
    "mistral": "mistral/mistral-medium-latest",
    "deepseek": "deepseek/deepseek-v4-pro",
    "xai": "xai/grok-4.7",
    "together_ai": "together_ai/zai-org/GLM-5.3",
    "fireworks_ai": "fireworks_ai/kimi-k3",
    "cohere": "cohere/command-a-03-2025",
    "groq": "groq/openai/gpt-oss-120b",
    "cerebras": "cerebras/gpt-oss-120b",
}
"""A good model of each provider, in the order in which their keys are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A model, and why it is not the configured one; "" if it is."""

    model: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that needs no key."""

    base: str
    models: tuple[str, ...] | None
    """Their ids, the best first; None if nobody answers."""


async def choose(settings: Settings, keys: Mapping[str, str]) -> Choice:
    """The model to use; servers are asked only if no key decides.

    Raises:
        CredentialError: there is none; the message names the ways to one.
    """
    if _usable(settings.model_name, settings, keys):
        return Choice(model=settings.model_name)
    for provider, model in DEFAULTS.items():
        # What an endpoint of the user's own serves is asked below.
        own = provider == "openai" and settings.openai_base_url
        if not own and _usable(model, settings, keys):
            named = next(name for name in PROVIDER_KEYS[provider] if keys.get(name))
            return _instead(settings, model, f"{named} is set")
    return await _served(settings, keys)


def _usable(name: str, settings: Settings, keys: Mapping[str, str]) -> bool:
    try:
        resolve(name, settings, keys)
    except CredentialError:
        return False
    return True


def _instead(settings: Settings, model: str, why: str) -> Choice:
    reason = (
        f"No key for {settings.model_name} is set; {why}, so {model} is used. Another: "
        "--model, or model_name in the configuration."
    )
    return Choice(model=model, reason=reason)


async def _served(settings: Settings, keys: Mapping[str, str]) -> Choice:
    """The first model of the first server that has one."""
    asked = await servers(settings, keys)
    for server in asked:
        if server.models:
            return _instead(settings, server.models[0], f"a server at {server.base} is running")
    other = "of another provider " if settings.openai_base_url else ""
    raise CredentialError(
        f"There is no model to work with: no key {other}is set, and no server has one at "
        f"{', '.join(server.base for server in asked)}. Set a key in the environment or in a .env "
        f"file here ({', '.join(variables())}), or save a Hugging Face token: hf auth login; or "
        f"start a local server ({', '.join(LOCAL_SERVERS)}); or name a model with --model. To see "
        "how it works without any: ml-intern demo."
    )


def variables() -> list[str]:
    """The variables that a key is looked for in, one a provider."""
    return [names[0] for names in PROVIDER_KEYS.values()]


async def servers(settings: Settings, keys: Mapping[str, str]) -> list[Server]:
    """What the servers say that need no key, each asked once and all at the same time."""
    bases = {**settings.local_base_urls}
    if settings.openai_base_url:
        bases = {"openai": settings.openai_base_url, **bases}
    once = {base: provider for provider, base in reversed(bases.items())}
    once = {base: once[base] for base in dict.fromkeys(bases.values())}
    asked = (_listed(provider, base, settings, keys) for base, provider in once.items())
    listed = await asyncio.gather(*asked)
    return [Server(base=base, models=models) for base, models in zip(once, listed, strict=True)]


async def _listed(
    provider: str, base: str, settings: Settings, keys: Mapping[str, str]
) -> tuple[str, ...] | None:
    """The models of a server, as they are named here; None if it does not say."""
    key = resolve(f"{provider}/any", settings, keys).api_key
    listed = await models(base, key, _WAIT)
    if listed is None:
        return None
    # Servers list what computes embeddings, too, and only its name tells.
    found = [one for one in listed if "embed" not in one["id"].lower()]
    # All may have one address (LOCAL_LLM_BASE_URL); some say what they are.
    owner = str(found[0].get("owned_by")) if found else ""
    named = owner if settings.local_base_urls.get(owner) == base else provider
    ids = [name for one in found if is_id(name := f"{named}/{one['id']}")]
    return tuple(sorted(ids, key=lambda one: one not in DEFAULTS.values()))
