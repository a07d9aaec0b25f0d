"""Permissions given for good: kept beside the user's configuration, never in a project.

`permissions.json` holds `{"user": [rules], "projects": {"/its/folder": [rules]}}`.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from ml_intern.configs.errors import ConfigError
from ml_intern.configs.paths import user_folder
from ml_intern.configs.rules import parse_rule

Scope = Literal["project", "user"]


def grants_file(environ: Mapping[str, str]) -> Path:
    """Where they are kept: never beside a configuration that a clone could have brought along."""
    return user_folder(environ) / "permissions.json"


def granted(environ: Mapping[str, str], cwd: Path) -> list[str]:
    """The rules that hold in a folder; blocks.

    Raises:
        ConfigError: the file is damaged.
    """
    path = grants_file(environ)
    kept = _read(path)
    rules = [*kept["user"], *kept["projects"].get(_key(cwd), [])]
    try:
        return [str(parse_rule(rule)) for rule in rules]
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def remember(rule: str, scope: Scope, cwd: Path, environ: Mapping[str, str]) -> Path:
    """Keep a rule for later sessions; the file it is in. Blocks.

    Raises:
        ConfigError: it is no rule, or it cannot be kept.
    """
    try:
        rule = str(parse_rule(rule))
    except ValueError as error:
        raise ConfigError(str(error)) from None
    path = grants_file(environ)
    try:
        with _alone(path):
            kept = _read(path)
            rules = kept["user"] if scope == "user" else kept["projects"].setdefault(_key(cwd), [])
            if rule not in rules:
                rules.append(rule)
                _replace(path, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise ConfigError(f"Cannot keep permissions in {path}: {error.strerror}.") from error
    return path


def _key(cwd: Path) -> str:
    return os.fsencode(cwd.resolve()).decode("utf-8", "backslashreplace")


def _read(path: Path) -> dict[str, Any]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        kept = {}
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid JSON: {error}. Mend or remove it.") from error
    if not isinstance(kept, dict) or not _sound(kept):
        raise ConfigError(
            f'{path} must hold {{"user": [rules], "projects": {{"folder": [rules]}}}}. '
            "Mend or remove it."
        )
    return {**kept, "user": kept.get("user", []), "projects": kept.get("projects", {})}


def _sound(kept: Mapping[str, Any]) -> bool:
    projects = kept.get("projects", {})
    if not isinstance(projects, dict):
        return False
    lists = [kept.get("user", []), *projects.values()]
    return all(
        isinstance(found, list) and all(isinstance(r, str) for r in found) for found in lists
    )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two sessions that remember at once must not lose a rule."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    path = path.resolve()  # who keeps it elsewhere, behind a link, goes on finding it there
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
