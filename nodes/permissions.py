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
from ml_intern.nodes.policies.places import Place
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
    return await asyncio.to_thread(_led, paths, deps.cwd, deps.env) if paths else {}


def _matters(spec: ToolSpec[Any], permissions: Permissions) -> bool:
    may_ask = spec.risk != "read" and permissions.mode == "default"
    return may_ask or about_places(permissions.rules, spec.name)


def _led(
    paths: Mapping[str | None, str], cwd: Path, env: Mapping[str, str]
) -> dict[str | None, Place]:
    importlib.import_module("pathspec")  # in this thread, not in the event loop
    found, home = {}, env.get("HOME") or "~"
    for call_id, path in paths.items():
        given = Path(path)
        if given.parts[:1] == ("~",) and env.get("HOME"):
            given = Path(home, *given.parts[1:])
        try:
            real, base = (cwd / given).resolve(), cwd.resolve()
        except (OSError, RuntimeError, ValueError):
            continue
        named = os.path.normpath(cwd / given)
        found[call_id] = Place(named, str(real), str(base), str(Path(home).resolve()))
    return found
