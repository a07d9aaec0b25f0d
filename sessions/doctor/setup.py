"""The configuration, the keys (their names only), the model, and whether its endpoint answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from ml_intern.configs.errors import ConfigError, MlInternError
from ml_intern.configs.load import load_settings
from ml_intern.configs.paths import PROJECT_CONFIG, user_config
from ml_intern.configs.secrets import credentials
from ml_intern.configs.settings import Settings
from ml_intern.llm.endpoint import resolve
from ml_intern.sessions.doctor.finding import Finding, fine, problem, warning

_WAIT = 3
"""Seconds for an endpoint to answer."""
_HUB = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The settings, right or not, and what is to be said about them."""

    settings: Settings
    findings: list[Finding]


async def check_setup(environ: Mapping[str, str], cwd: Path) -> Setup:
    """Configuration, keys, model, network."""
    settings, configuration = _settings(environ, cwd)
    try:
        keys = await asyncio.to_thread(credentials, environ, cwd)
        found = fine("keys", f"set: {', '.join(sorted(keys))}" if keys else "none is set")
    except (ConfigError, OSError, UnicodeError) as error:
        keys, found = {}, problem("keys", _words(error), "Correct the file, or remove it.")
    findings = [configuration, found]
    if configuration.level == "ok":
        model, base = _model(settings, keys)
        findings += [model, *await _reach(_urls(settings, keys, base))]
    return Setup(settings=settings, findings=findings)


def _settings(environ: Mapping[str, str], cwd: Path) -> tuple[Settings, Finding]:
    try:
        settings = load_settings(environ, cwd, {})
    except (ConfigError, OSError, UnicodeError) as error:
        # Enough to look into the sessions.
        url = environ.get("ML_INTERN_DATABASE_URL")
        remedy = "Correct it; until then, nothing can be run."
        return Settings(model_name="", database_url=url), problem(
            "configuration", _words(error), remedy
        )
    files = [str(p) for p in (user_config(environ), cwd / PROJECT_CONFIG) if p.is_file()]
    return settings, fine("configuration", ", ".join(files) or "no file; the defaults apply")


def _model(settings: Settings, keys: Mapping[str, str]) -> tuple[Finding, str | None]:
    try:
        endpoint = resolve(settings.model_name, settings, keys)
    except MlInternError as error:
        return problem("model", str(error)), None
    where = shown(endpoint.api_base) if endpoint.api_base else "its provider's own address"
    return fine("model", f"{endpoint.name} at {where}"), endpoint.api_base


def _urls(settings: Settings, keys: Mapping[str, str], base: str | None) -> list[str]:
    """Those of the model and of the services that are set up; local servers need not run."""
    hub = settings.hf_router_url if any(name in keys for name in _HUB) else None
    return list(
        dict.fromkeys(
            url for url in (base, settings.openai_base_url, settings.anthropic_base_url, hub) if url
        )
    )


async def _reach(urls: list[str]) -> list[Finding]:
    if not urls:
        return []
    try:
        opened = httpx.AsyncClient(timeout=_WAIT)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        remedy = "Look at ALL_PROXY and NO_PROXY."
        return [warning("network", f"a proxy in the environment cannot be used: {error}", remedy)]
    async with opened as client:
        return list(await asyncio.gather(*(_answer(client, url) for url in urls)))


async def _answer(client: httpx.AsyncClient, url: str) -> Finding:
    """Without a key: any answer, a refusal too, tells that something is there."""
    name = shown(url)
    try:
        async with asyncio.timeout(_WAIT + 1), client.stream("GET", url) as response:
            status = response.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, TimeoutError) as error:
        said = type(error).__name__
        return warning("network", f"{name} does not answer ({said})", "Check address and network.")
    if status >= 500:
        return warning("network", f"{name} answers with status {status}", "Try again later.")
    return fine("network", f"{name} answers")


def shown(url: str) -> str:
    """A URL without what may be secret in it: user, password, query."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "the address (which is no URL)"
    return f"{parts.scheme}://{host}{parts.path}"


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, MlInternError) else type(error).__name__
