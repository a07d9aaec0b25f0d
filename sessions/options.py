"""The options that belong to a session: stored with its turns, restored when it is opened."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, get_args

from ml_intern.configs.errors import ConfigError
from ml_intern.configs.rules import Placed, checked
from ml_intern.configs.settings import STRICTNESS, Effort, PermissionMode
from ml_intern.graph.context import RunOptions
from ml_intern.sessions import operations as op

_KEPT = ("model", "permission_mode", "allow", "max_iterations", "effort", "max_budget_usd")


def stored(options: RunOptions) -> dict[str, Any]:
    """What is kept of a session's options."""
    values = asdict(options)
    return {key: values[key] for key in _KEPT}


def restored(kept: Mapping[str, Any], options: RunOptions) -> dict[str, Any]:
    """What a session is gone on with: never looser than a new start would have it."""
    found = {key: kept[key] for key in _KEPT if kept.get(key) is not None}
    # A headless run's `yolo` must not follow the session to a terminal unasked.
    modes = (options.permission_mode, found.get("permission_mode", options.permission_mode))
    found["permission_mode"] = min(modes, key=STRICTNESS.index)
    found["allow"] = _rules(found.get("allow", ()))
    limits = [n for n in (options.max_iterations, found.get("max_iterations")) if n is not None]
    # 0 could once be set, and made one call.
    found["max_iterations"] = min((max(n, 1) for n in limits if n != -1), default=-1)
    sums = [n for n in (options.max_budget_usd, found.get("max_budget_usd")) if n]
    found["max_budget_usd"] = min(sums, default=None)
    return found


def _rules(kept: object) -> tuple[str, ...]:
    """Rules that were given; what is damaged allows nothing."""
    try:
        return checked(tuple(map(str, kept))) if isinstance(kept, list | tuple) else ()
    except ValueError:
        return ()


def placed(options: RunOptions) -> list[Placed]:
    """The rules that a person gave for the session, to be listed with the others."""
    return [Placed("allow", rule, "session") for rule in options.allow]


def with_mode(options: RunOptions, mode: PermissionMode) -> RunOptions:
    """The options with another mode.

    Raises:
        ConfigError: there is no such mode.
    """
    if mode not in STRICTNESS:
        raise ConfigError(f"'{mode}' is no mode. Choices: {', '.join(STRICTNESS)}.")
    return replace(options, permission_mode=mode)


def with_rule(options: RunOptions, rule: str) -> RunOptions:
    """The options with a rule more.

    Raises:
        ConfigError: it is no rule.
    """
    try:
        return replace(options, allow=checked((*options.allow, rule)))
    except ValueError as error:
        raise ConfigError(str(error)) from None


def changed(options: RunOptions, wanted: op.SetOptions) -> RunOptions:
    """The options with those that are wanted.

    Raises:
        ConfigError: there is no such effort, or the budget is no sum.
    """
    if wanted.effort is not None and wanted.effort not in get_args(Effort):
        choices = ", ".join(get_args(Effort))
        raise ConfigError(f"'{wanted.effort}' is no effort. Choices: {choices}.")
    budget = wanted.max_budget_usd
    if budget is not None and not (budget >= 0 and math.isfinite(budget)):
        raise ConfigError("A budget is a number of dollars, or none.")
    changes = {key: value for key, value in asdict(wanted).items() if value is not None}
    return replace(options, **changes)


def told(wanted: op.SetOptions) -> list[str]:
    """What to say about options that were set."""
    lines = []
    if wanted.effort is not None:
        lines.append(f"Effort from the next message on: {wanted.effort}.")
    if wanted.max_budget_usd == 0:
        lines.append("The session has no budget any more.")
    elif wanted.max_budget_usd is not None:
        lines.append(f"The session's model calls may cost ${wanted.max_budget_usd:.2f} in all.")
    return lines
