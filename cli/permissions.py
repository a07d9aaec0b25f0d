"""The permission rules in effect, and taking one more."""

from __future__ import annotations

import asyncio

from ml_intern.cli.approve import Scope
from ml_intern.cli.request import Request
from ml_intern.cli.safe import exact
from ml_intern.configs.environment import prepared_environment
from ml_intern.configs.grants import remember
from ml_intern.configs.load import placed_rules
from ml_intern.nodes.policies.approval import effective
from ml_intern.sessions.options import placed
from ml_intern.sessions.session import Session


async def rule_lines(request: Request, session: Session) -> list[str]:
    """What decides about a call, in its order, and who said so.

    Raises:
        ConfigError: a configuration file cannot be read any more.
    """
    said = await asyncio.to_thread(
        placed_rules, prepared_environment(), session.cwd, request.flags, request.config
    )
    options = session.options
    rules = effective([*said, *placed(options)], session.tools, options.permission_mode)
    lines = [f"  {one.kind:<5} {exact(one.rule)}  ({one.origin})" for one in rules]
    return [f"  {options.permission_mode} mode; the first rule that fits decides:", *lines]


async def take(rule: str, scope: Scope, session: Session) -> str:
    """Allow what comes under a rule from now on; what to say about it.

    Raises:
        ConfigError: it cannot be kept for later sessions.
    """
    session.allow(rule)
    if scope == "session":
        return f"{rule} is allowed in this session."
    path = await asyncio.to_thread(remember, rule, scope, session.cwd, prepared_environment())
    return f"{rule} is allowed; kept in {path}."
