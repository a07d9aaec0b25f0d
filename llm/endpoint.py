"""From a model's id to the endpoint that serves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_intern.configs.errors import ConfigError, CredentialError
from ml_intern.configs.load import LOCAL_SERVERS
from ml_intern.configs.settings import Settings
from ml_intern.llm import catalog

_NO_KEY = "sk-no-key-required"

PROVIDER_KEYS: dict[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cohere": ("COHERE_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks_ai": ("FIREWORKS_AI_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "huggingface": ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
    "mistral": ("MISTRAL_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY",),
    "xai": ("XAI_API_KEY",),
}
"""The variables a provider's key may be in, first choice first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a model is called, in litellm's terms."""

    name: str
    """The id as the user wrote it."""
    model: str
    api_base: str | None = None
    api_key: str | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r})"


def resolve(name: str, settings: Settings, keys: Mapping[str, str]) -> Endpoint:
    """The endpoint of the model `name`; `keys` are the credentials at hand.

    Raises:
        ConfigError: the id is malformed, or the key.
        CredentialError: its provider needs a key that is not set.
    """
    if not is_id(name):
        raise ConfigError(f"'{name}' is not a model id. {_written(name)}")
    provider, _, rest = name.partition("/")
    if provider in LOCAL_SERVERS:
        own = LOCAL_SERVERS[provider][0].replace("BASE_URL", "API_KEY")
        key = _sound_key((own, "LOCAL_LLM_API_KEY"), keys) or _NO_KEY
        base = settings.local_base_urls[provider]
        return Endpoint(name=name, model=f"openai/{rest}", api_base=base, api_key=key)
    if provider == "huggingface":
        key, base = _key(name, provider, keys), settings.hf_router_url
        return Endpoint(name=name, model=f"openai/{rest}", api_base=base, api_key=key)
    if provider == "openai" and settings.openai_base_url:
        key = _sound_key(PROVIDER_KEYS[provider], keys) or _NO_KEY
        return Endpoint(name=name, model=name, api_base=settings.openai_base_url, api_key=key)
    if provider == "anthropic" and settings.anthropic_base_url:
        key, base = _key(name, provider, keys), settings.anthropic_base_url
        return Endpoint(name=name, model=name, api_base=base, api_key=key)
    if provider in PROVIDER_KEYS:
        return Endpoint(name=name, model=name, api_key=_key(name, provider, keys))
    return Endpoint(name=name, model=name)


def is_id(name: str) -> bool:
    """Whether this can be a model's id at all."""
    provider, _, rest = name.partition("/")
    named = bool(provider and rest.strip("/"))
    return named and not any(c.isspace() or not c.isprintable() for c in name)


def _written(name: str) -> str:
    if near := catalog.near(name.strip()):
        return f"Did you mean {' or '.join(near)}?"
    return (
        "Write provider/model, such as anthropic/claude-opus-4-6, "
        "huggingface/moonshotai/Kimi-K2.6 or ollama/qwen3."
    )


def _key(name: str, provider: str, keys: Mapping[str, str]) -> str:
    wanted = PROVIDER_KEYS[provider]
    if key := _sound_key(wanted, keys):
        return key
    raise CredentialError(
        f"{name} needs a key: set {wanted[0]} in the environment or in a .env file here. "
        "Or choose another model with --model (a local one: ollama/…, vllm/…, lm_studio/…, "
        "llamacpp/…), or see how it works without any: ml-intern demo."
    )


def _sound_key(variables: Sequence[str], keys: Mapping[str, str]) -> str | None:
    """The first key that is set; what no header can carry would be shown in the error instead."""
    named = next((name for name in variables if keys.get(name)), None)
    if named is None:
        return None
    key = keys[named].strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(
            f"{named} holds a character that no key has, such as a line break or a curly quote. "
            "Set it once more."
        )
    return key
