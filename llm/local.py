"""What a server on the user's own machine says of a model: its window, whether it calls tools.

Each has an API of its own beside OpenAI's, which knows neither.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from ml_intern.configs.errors import ConfigError
from ml_intern.configs.settings import Settings
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.facts import FREE, Facts, size_of
from ml_intern.llm.fetch import fetch

_WAIT = 2.0
"""Seconds for an answer that needs no model to be loaded."""
_SHOWN = 8

LARGER = {
    "ollama": "Start it with a larger one: OLLAMA_CONTEXT_LENGTH=32768 ollama serve",
    "vllm": "Start it with a larger one: --max-model-len 32768",
    "lm_studio": "Load the model with a larger context length, in LM Studio's settings of it",
    "llamacpp": "Start it with a larger one: --ctx-size 32768",
}
"""How a server gets a larger window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server and the model it is asked about."""

    url: str
    """Without /v1."""
    key: str | None
    model: str
    patience: float
    """Seconds that loading the model may take."""
    listed: list[dict[str, Any]]
    """The models it has, in OpenAI's terms."""

    async def ask(
        self, path: str, body: dict[str, Any] | None = None, seconds: float = _WAIT
    ) -> dict[str, Any]:
        """Its answer; {} for none of use."""
        answer = await fetch(f"{self.url}{path}", key=self.key, body=body, seconds=seconds)
        return answer if isinstance(answer, dict) else {}


async def facts(endpoint: Endpoint, settings: Settings) -> Facts:
    """What the server says; only that it costs nothing, if nobody is there.

    Raises:
        ConfigError: it has no such model, or one that cannot call tools.
    """
    provider, _, model = endpoint.name.partition("/")
    base = endpoint.api_base or ""
    listed = await models(base, endpoint.api_key, _WAIT)
    if listed is None:
        return Facts(price=FREE)
    _check_listed(endpoint.name, base, [one["id"] for one in listed])
    server = Server(
        url=base.removesuffix("/v1"),
        key=endpoint.api_key,
        model=model,
        patience=settings.request_timeout,
        listed=listed,
    )
    known = await _ASKED[provider](server)
    if known.tools is False:
        raise ConfigError(
            f"{endpoint.name} cannot call tools, says the server at {base}, and all work here is "
            "done with tools. Choose another model."
        )
    return replace(known, price=FREE)


async def models(base: str, key: str | None, seconds: float) -> list[dict[str, Any]] | None:
    """The models at an endpoint like OpenAI's; None if it does not say."""
    answer = await fetch(f"{base.rstrip('/')}/models", key=key, seconds=seconds)
    listed = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        return None
    return [one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)]


def _check_listed(name: str, base: str, ids: list[str]) -> None:
    provider, _, model = name.partition("/")
    # With one model, llama.cpp's server serves it under any name: its own may be a whole path.
    if _among(model, ids) or (provider == "llamacpp" and len(ids) == 1):
        return
    near = difflib.get_close_matches(model, ids, n=_SHOWN, cutoff=0.3)
    shown = [*near, *(one for one in ids if one not in near)][:_SHOWN]
    has = f" It has: {', '.join(shown)}{', …' if len(ids) > _SHOWN else ''}." if ids else ""
    get = f" Fetch it with: ollama pull {model}" if provider == "ollama" else ""
    raise ConfigError(f"{name}: the server at {base} has no such model.{has}{get}")


def _among(model: str, ids: list[str]) -> bool:
    return model in ids or f"{model}:latest" in ids


async def _ollama(server: Server) -> Facts:
    shown = await server.ask("/api/show", {"model": server.model})
    able = shown.get("capabilities")
    if isinstance(able, list) and "tools" not in able:
        return Facts(tools=False)
    window = await _in_memory(server)
    if window is None:
        # Without a prompt this only loads the model, which the first call would wait for, too.
        body = {"model": server.model, "stream": False}
        await server.ask("/api/generate", body, server.patience)
        window = await _in_memory(server)
    return Facts(window=window or _declared(shown), tools=True if able else None)


async def _in_memory(server: Server) -> int | None:
    """The window that ollama gave a loaded model, which is seldom the one the model could have."""
    loaded = (await server.ask("/api/ps")).get("models")
    for one in loaded if isinstance(loaded, list) else []:
        if isinstance(one, dict) and _among(server.model, [str(one.get("model"))]):
            return size_of(one.get("context_length"))
    return None


def _declared(shown: dict[str, Any]) -> int | None:
    """The window in a model's file: as its maker set it, else what it was trained for."""
    for line in str(shown.get("parameters", "")).splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "num_ctx" and words[1].isdigit():
            return size_of(int(words[1]))
    trained = shown.get("model_info")
    items = trained.items() if isinstance(trained, dict) else ()
    return next((size_of(v) for k, v in items if str(k).endswith(".context_length")), None)


async def _vllm(server: Server) -> Facts:
    listed = {one["id"]: one for one in server.listed}
    own = listed.get(server.model, {})
    base = listed.get(str(own.get("parent")), {})  # an adapter's window is that of its base
    return Facts(window=size_of(own.get("max_model_len")) or size_of(base.get("max_model_len")))


async def _lm_studio(server: Server) -> Facts:
    known = await _studio_model(server)
    if known.get("state") == "not-loaded":
        # It is loaded when it is first used, and only then has a window.
        body = {"model": server.model, "prompt": "Hi", "max_tokens": 1}
        await server.ask("/v1/completions", body, server.patience)
        known = await _studio_model(server)
    sizes = (known.get("loaded_context_length"), known.get("max_context_length"))
    return Facts(window=next((size for size in map(size_of, sizes) if size), None))


async def _studio_model(server: Server) -> dict[str, Any]:
    return await server.ask(f"/api/v0/models/{server.model}")


async def _llamacpp(server: Server) -> Facts:
    properties = await server.ask(f"/props?model={quote(server.model)}")
    defaults = properties.get("default_generation_settings")
    window = size_of(defaults.get("n_ctx")) if isinstance(defaults, dict) else None
    named = [one for one in server.listed if one["id"] == server.model] or server.listed
    meta = named[0].get("meta")
    trained = size_of(meta.get("n_ctx_train")) if isinstance(meta, dict) else None
    return Facts(window=window or trained)


_ASKED: dict[str, Callable[[Server], Awaitable[Facts]]] = {
    "ollama": _ollama,
    "vllm": _vllm,
    "lm_studio": _lm_studio,
    "llamacpp": _llamacpp,
}
