"""Packaged defaults < user file < project file (may only tighten) < environment < flags."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from ml_intern.configs.errors import ConfigError
from ml_intern.configs.grants import granted
from ml_intern.configs.paths import PACKAGED_CONFIG, PROJECT_CONFIG, user_config
from ml_intern.configs.project import UnusableError, read_own
from ml_intern.configs.rules import KINDS, Placed, collected, rules_of, several
from ml_intern.configs.secrets import child_environment
from ml_intern.configs.settings import STRICTNESS, PermissionMode, Settings

LOCAL_SERVERS = {
    "ollama": ("OLLAMA_BASE_URL", "http://localhost:11434"),
    "vllm": ("VLLM_BASE_URL", "http://localhost:8000"),
    "lm_studio": ("LMSTUDIO_BASE_URL", "http://127.0.0.1:1234"),
    "llamacpp": ("LLAMACPP_BASE_URL", "http://localhost:8080"),
}
"""Prefix of a local server's models: the variable with its address, and the usual address."""

_TIGHTENED = ("permission_mode", "max_iterations", "max_budget_usd", "ask", "deny")
_MOST = 256 * 1024
"""Bytes of a project's file."""
_VARIABLE = re.compile(r"\$\{(\w+)(:-([^}]*))?\}")


def load_settings(
    environ: Mapping[str, str], cwd: Path, flags: Mapping[str, Any], config: Path | None = None
) -> Settings:
    """The effective settings; `flags` that are None were not given.

    Raises:
        ConfigError: a file is missing, unreadable or wrong; the message names file and key.
    """
    user, project = config or user_config(environ), cwd / PROJECT_CONFIG
    required = config is not None or "ML_INTERN_CONFIG" in environ
    layers = read_layer(PACKAGED_CONFIG, environ)
    layers |= read_layer(user, environ, required=required)
    _validate(layers, str(user))
    layers = tighten(layers, project_layer(project, environ), project)
    layers |= _environment(environ, layers.get("local_base_urls", {}))
    _validate(layers, "the environment", lambda key: f"ML_INTERN_{key.upper()}")
    layers |= {key: value for key, value in flags.items() if value is not None}
    settings = _validate(layers, "the flags", _flag)
    placed = placed_rules(environ, cwd, flags, config)
    return settings.model_copy(update={kind: rules_of(placed, kind) for kind in KINDS})


def placed_rules(
    environ: Mapping[str, str], cwd: Path, flags: Mapping[str, Any], config: Path | None = None
) -> list[Placed]:
    """The permission rules of every source with where they come from; valid settings are given."""
    variables: dict[str, Any] = {
        kind: several(environ.get(f"ML_INTERN_{kind.upper()}", "")) for kind in KINDS
    }
    return collected(
        [
            ("user", read_layer(config or user_config(environ), environ)),
            ("project", project_layer(cwd / PROJECT_CONFIG, environ)),
            ("grant", {"allow": granted(environ, cwd)}),
            ("environment", variables),
            ("flag", {kind: flags.get(kind) or () for kind in KINDS}),
        ]
    )


def _flag(key: str) -> str:
    return "--model" if key == "model_name" else f"--{key.replace('_', '-')}"


def read_layer(path: Path, environ: Mapping[str, str], required: bool = False) -> dict[str, Any]:
    """One configuration file, `${VAR}` and `${VAR:-default}` replaced; {} if it does not exist."""
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if required:
            raise ConfigError(f"The configuration file {path} does not exist.") from None
        return {}
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid JSON: {error}.") from error
    return _layer(values, environ, path)


def project_layer(path: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """The file that a project came with; {} if there is none.

    A cloned repository is not trusted: no secret variable is filled in, for its rules are told to
    the model; and a device or a FIFO is not read.
    """
    try:
        found = read_own(path, _MOST)
        values = json.loads(found.text) if found else {}
    except UnusableError as error:
        raise ConfigError(f"Cannot read {path}: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid JSON: {error}.") from error
    return _layer(values, child_environment(environ), path)


def _layer(values: Any, environ: Mapping[str, str], path: Path) -> dict[str, Any]:  # noqa: ANN401 - JSON
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold a JSON object.")
    _refuse_unknown(values, path)
    expanded: dict[str, Any] = _expand(values, environ, path)
    return expanded


def _refuse_unknown(values: Mapping[str, Any], path: Path) -> None:
    for key in values:
        if key not in Settings.model_fields:
            near = difflib.get_close_matches(key, Settings.model_fields, n=1, cutoff=0.5)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise ConfigError(f"{path}: unknown key '{key}'.{hint}")


def _expand(value: Any, environ: Mapping[str, str], path: Path) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: _expand(item, environ, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, environ, path) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name, optional, default = match.groups()
        value = environ.get(name)
        if optional:  # as in a shell, an empty variable takes the default
            return value or default or ""
        if value is not None:
            return value
        raise ConfigError(
            f"{path} uses ${{{name}}}, which is not set, or is secret and this a project's file. "
            f"Set it or write ${{{name}:-}}."
        )

    return _VARIABLE.sub(replace, value)


def tighten(base: dict[str, Any], project: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """`base` with the limits of a project's file where they are stricter.

    A cloned repository is not trusted: it must not choose endpoints, models or wider permissions.
    """
    if not project:
        return base
    own, wanted = _validate(base, str(path)), _validate({**base, **project}, str(path))
    for key in project:
        if key == "allow":
            raise ConfigError(
                f"{path}: a project may not allow calls, only ask for and deny them. 'allow' may "
                f"stand in {user_hint()}; `a` at a question keeps a rule for the project."
            )
        if key not in _TIGHTENED:
            raise ConfigError(f"{path}: a project may not set '{key}', only {user_hint()} may.")
    tighter: dict[str, Any] = {
        "permission_mode": _stricter(own.permission_mode, wanted.permission_mode),
        "max_iterations": _fewer(own.max_iterations, wanted.max_iterations),
        "max_budget_usd": _smaller(own.max_budget_usd, wanted.max_budget_usd),
        "ask": (*own.ask, *wanted.ask),
        "deny": (*own.deny, *wanted.deny),
    }
    return {**base, **{key: tighter[key] for key in project}}


def _fewer(own: int, wanted: int) -> int:
    return min((number for number in (own, wanted) if number != -1), default=-1)


def _smaller(own: float | None, wanted: float | None) -> float | None:
    return min((dollars for dollars in (own, wanted) if dollars is not None), default=None)


def _stricter(own: PermissionMode | None, wanted: PermissionMode | None) -> PermissionMode | None:
    """The stricter mode. Not given, the user's is `default` in a terminal and `yolo` headless."""
    if wanted is None or (own is None and wanted == "yolo"):
        return own
    modes: tuple[PermissionMode, ...] = (own or "default", wanted)
    return min(modes, key=STRICTNESS.index)


def user_hint() -> str:
    """Where a person sets what a project may not."""
    return "~/.config/ml-intern/config.json, ML_INTERN_* variables or flags"


def _environment(environ: Mapping[str, str], local: Mapping[str, str]) -> dict[str, Any]:
    """What variables say; `local` are the local servers' addresses in the files."""
    values: dict[str, Any] = {}
    for key in Settings.model_fields:
        if (text := environ.get(f"ML_INTERN_{key.upper()}")) is not None:
            values[key] = text
    for provider in ("openai", "anthropic"):
        if url := environ.get(f"{provider.upper()}_BASE_URL"):
            values[f"{provider}_base_url"] = url
    if url := environ.get("HF_ENDPOINT"):
        values["hf_endpoint"] = url
    urls = {name: _local_url(name, environ, local) for name in LOCAL_SERVERS}
    return {**values, "local_base_urls": urls}


def _local_url(name: str, environ: Mapping[str, str], local: Mapping[str, str]) -> str:
    variable, default = LOCAL_SERVERS[name]
    given = environ.get(variable) or environ.get("LOCAL_LLM_BASE_URL")
    url = (given or local.get(name) or default).rstrip("/")
    return url if url.endswith("/v1") else f"{url}/v1"


def _validate(values: Mapping[str, Any], where: str, spelt: Callable[[str], str] = str) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        choices = (
            f" Choices: {', '.join(get_args(PermissionMode))}." if key == "permission_mode" else ""
        )
        raise ConfigError(f"{where}: '{spelt(key)}': {first['msg']}.{choices}") from None
