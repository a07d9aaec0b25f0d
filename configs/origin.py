"""Where every value of the effective configuration comes from, fit to be shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_intern.configs.grants import grants_file
from ml_intern.configs.load import (
    LOCAL_SERVERS,
    load_settings,
    placed_rules,
    project_layer,
    read_layer,
    tighten,
)
from ml_intern.configs.masking import Mask
from ml_intern.configs.paths import PACKAGED_CONFIG, PROJECT_CONFIG, user_config
from ml_intern.configs.rules import KINDS
from ml_intern.configs.secrets import credentials, token_file
from ml_intern.configs.settings import Settings

_ALIASES = {
    "openai_base_url": "OPENAI_BASE_URL",
    "anthropic_base_url": "ANTHROPIC_BASE_URL",
    "hf_endpoint": "HF_ENDPOINT",
}
"""Variables of others that go before our own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a start is configured by."""

    environ: Mapping[str, str]
    cwd: Path
    flags: Mapping[str, Any]
    """By the key of the setting; those not given are left out."""
    config: Path | None = None
    """`--config`."""

    @property
    def user(self) -> Path:
        """The user's file."""
        return self.config or user_config(self.environ)

    @property
    def project(self) -> Path:
        """The project's file."""
        return self.cwd / PROJECT_CONFIG


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A setting, or a part of one."""

    key: str
    value: Any
    """JSON, with nothing secret in it."""
    origin: str
    """A path, a variable, a flag, `packaged` or `default`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a credential was found; its value is nowhere in it."""

    name: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file that is looked for."""

    what: str
    path: Path
    exists: bool


def places(sources: Sources) -> list[Place]:
    """Every file that configures a start, in the order in which one goes before the other."""
    looked = {
        "packaged": PACKAGED_CONFIG,
        "user": sources.user,
        "permissions": grants_file(sources.environ),
        "project": sources.project,
        ".env": sources.cwd / ".env",
        "saved token": token_file(sources.environ),
    }
    return [Place(what=k, path=path, exists=path.is_file()) for k, path in looked.items()]


def found_credentials(sources: Sources) -> list[Origin]:
    """The names of the credentials at hand.

    Raises:
        ConfigError: a file that may hold one cannot be read.
    """
    environ, cwd = sources.environ, sources.cwd
    # Without an environment and a saved token, what is left is that of the file.
    from_file = credentials({"HF_TOKEN_PATH": os.devnull}, cwd)

    def origin(name: str) -> str:
        if environ.get(name):
            return "environment"
        return str(cwd / ".env") if name in from_file else str(token_file(environ))

    names = sorted(credentials(environ, cwd))
    return [Origin(name=name, origin=origin(name)) for name in names]


def entries(sources: Sources) -> list[Entry]:
    """Every setting with its value and origin.

    Raises:
        ConfigError: the configuration is wrong, in the words that a start would say it.
    """
    settings = load_settings(sources.environ, sources.cwd, sources.flags, sources.config)
    mask = Mask(sources.environ, credentials(sources.environ, sources.cwd).values())
    shown = _Shown(sources, settings, mask)
    return [entry for key in sorted(Settings.model_fields) for entry in shown.entries(key)]


class _Shown:
    """The settings, beside the layers that they were made of."""

    def __init__(self, sources: Sources, settings: Settings, mask: Mask) -> None:
        self._sources = sources
        self._settings: dict[str, Any] = settings.model_dump(mode="json")
        self._mask = mask
        environ = mask.expanded(sources.environ)
        self._packaged = read_layer(PACKAGED_CONFIG, environ)
        self._user = read_layer(sources.user, environ)
        self._project = _tightened(sources)

    def entries(self, key: str) -> list[Entry]:
        """One for a plain setting; one a server or a rule for those that are made up of them."""
        if key in KINDS:
            return self._rules(key)
        if key == "local_base_urls":
            return [self._local(name) for name in LOCAL_SERVERS]
        value, origin = self._settings[key], self._origin(key)
        if origin == str(self._sources.user):
            value = self._user[key]  # as it is written, secret variables hidden
        return [Entry(key=key, value=self._mask.value(value, key), origin=origin)]

    def _origin(self, key: str) -> str:
        """The last source that has a say."""
        environ, own = self._sources.environ, f"ML_INTERN_{key.upper()}"
        if self._sources.flags.get(key) is not None:
            return "--model" if key == "model_name" else f"--{key.replace('_', '-')}"
        if environ.get(_ALIASES.get(key, "")):
            return _ALIASES[key]
        if own in environ:
            return own
        if key in self._project:
            return str(self._sources.project)
        if key in self._user:
            return str(self._sources.user)
        return "packaged" if key in self._packaged else "default"

    def _rules(self, kind: str) -> list[Entry]:
        sources = self._sources
        placed = placed_rules(sources.environ, sources.cwd, sources.flags, sources.config)
        where = {
            "user": str(sources.user),
            "project": str(sources.project),
            "grant": str(grants_file(sources.environ)),
            "environment": f"ML_INTERN_{kind.upper()}",
            "flag": f"--{kind}",
        }
        found = [
            Entry(
                key=kind,
                value=self._mask.text(rule.rule),
                origin=where.get(rule.origin, rule.origin),
            )
            for rule in placed
            if rule.kind == kind
        ]
        return found or [Entry(key=kind, value=[], origin="default")]

    def _local(self, name: str) -> Entry:
        environ, variable = self._sources.environ, LOCAL_SERVERS[name][0]
        origin = str(self._sources.user) if self._user.get("local_base_urls", {}).get(name) else ""
        given = (one for one in (variable, "LOCAL_LLM_BASE_URL") if environ.get(one))
        origin = next(given, "") or origin or "default"
        value = self._mask.value(self._settings["local_base_urls"][name])
        return Entry(key=f"local_base_urls.{name}", value=value, origin=origin)


def _tightened(sources: Sources) -> set[str]:
    """The keys in which the project's file made a difference."""
    environ, path = sources.environ, sources.project
    base = read_layer(PACKAGED_CONFIG, environ) | read_layer(sources.user, environ)
    after = tighten(base, project_layer(path, environ), path)
    return {key for key, value in after.items() if value != base.get(key)}
