"""What may be done without asking, as it stands at the moment of a decision."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import ToolCall

from ml_intern.configs.errors import ConfigError
from ml_intern.graph.context import PermissionMode, RunOptions
from ml_intern.nodes.deps import Deps
from ml_intern.nodes.policies.approval import Permissions, Verdict
from ml_intern.nodes.policies.places import Place, begins, escaped
from ml_intern.nodes.policies.rules import Rules, about_places, read_rules
from ml_intern.nodes.policies.shell import prepare, prepared
from ml_intern.tools.spec import ToolSpec

_NOT_ASKED = (
    "Not run: the permissions were changed while the user was asked about other calls. "
    "Call again if it is still needed."
)


@dataclass
class Live:
    """What a person may change while a turn runs. One session's; nodes only read it."""

    mode: PermissionMode = "default"
    allow: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    """Ids of the calls in the question that the run at hand answers."""

    def begin(self, options: RunOptions, asked: Sequence[str] = ()) -> None:
        """A run starts with these, perhaps with the answer to a question."""
        self.mode, self.allow, self.asked = options.permission_mode, options.allow, tuple(asked)

    def take_asked(self) -> tuple[str, ...]:
        """The question that is being answered; the next one is another."""
        asked, self.asked = self.asked, ()
        return asked


def permissions_of(options: RunOptions, deps: Deps) -> Permissions:
    """The mode and the rules of now.

    Raises:
        ConfigError: a client gave something that is no rule.
    """
    settings, live = deps.settings, deps.live
    mode, allow = (live.mode, live.allow) if live else (options.permission_mode, options.allow)
    try:
        rules = Rules(
            allow=read_rules((*settings.allow, *allow)),
            ask=read_rules(settings.ask),
            deny=read_rules(settings.deny),
        )
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return Permissions(mode, rules)


def as_asked(call: ToolCall, verdict: Verdict, asked: Sequence[str]) -> Verdict:
    """The verdict where a question is being answered.

    Answers go by position: exactly the calls that were in the question must be in it again,
    whatever has changed since.
    """
    if not asked or verdict.action == "refuse":
        return verdict
    if call["id"] in asked:
        return Verdict("ask", verdict.reason, verdict.rule)
    return Verdict("deny", _NOT_ASKED) if verdict.action == "ask" else verdict


async def ready_for(calls: Iterable[ToolCall], permissions: Permissions, deps: Deps) -> None:
    """Load off the event loop what a decision on command lines needs."""
    lines = any(
        (spec := deps.tools.get(call["name"])) and spec.subject == "command" for call in calls
    )
    if lines and permissions != Permissions("yolo") and not prepared():
        await asyncio.to_thread(prepare)


async def places_of(
    calls: Iterable[ToolCall], permissions: Permissions, deps: Deps
) -> Mapping[str | None, Place]:
    """Where the paths of calls lead, if a decision needs it; without those that lead nowhere."""
    paths = {
        call["id"]: path
        for call in calls
        if (spec := deps.tools.get(call["name"])) and spec.subject == "path"
        and _matters(spec, permissions) and isinstance(path := call["args"].get("path"), str)
    }  # fmt: skip
    if not paths:
        return {}
    forbid = (*permissions.rules.ask, *permissions.rules.deny)
    patterns = [rule.pattern for rule in forbid if rule.pattern and _of_paths(rule.tool, deps)]
    return await asyncio.to_thread(_led, paths, patterns, deps.cwd, deps.env)


def _of_paths(tool: str, deps: Deps) -> bool:
    return tool in deps.tools and deps.tools[tool].subject == "path"


def _matters(spec: ToolSpec[Any], permissions: Permissions) -> bool:
    may_ask = spec.risk != "read" and permissions.mode == "default"
    return may_ask or about_places(permissions.rules, spec.name)


def _led(
    paths: Mapping[str | None, str], patterns: Sequence[str], cwd: Path, env: Mapping[str, str]
) -> dict[str | None, Place]:
    importlib.import_module("pathspec")  # in this thread, not in the event loop
    found, home = {}, env.get("HOME") or "~"
    try:
        base, own = str(cwd.resolve()), str(Path(home).resolve())
    except (OSError, RuntimeError):
        return {}
    behind = {pattern: _behind(pattern, base, own) for pattern in patterns}
    for call_id, path in paths.items():
        given = Path(path)
        if given.parts[:1] == ("~",) and env.get("HOME"):
            given = Path(home, *given.parts[1:])
        try:
            real = (cwd / given).resolve()
        except (OSError, RuntimeError, ValueError):
            continue
        # As patterns are: from the folder with its own links followed.
        named = Path(os.path.normpath(cwd / given))
        named = Path(base, named.relative_to(cwd)) if named.is_relative_to(cwd) else named
        found[call_id] = Place(str(named), str(real), base, own, behind)
    return found


def _behind(pattern: str, cwd: str, home: str) -> str:
    """A pattern as it is where its links lead."""
    first, rest = begins(pattern, cwd, home)
    try:
        real = str(Path(first).resolve()) if first else ""
    except (OSError, RuntimeError, ValueError):
        return pattern
    changed = real and real != first.rstrip("/")
    return f"{escaped(real)}/{rest}".rstrip("/") if changed else pattern
