"""The narrow rule that "always allow" takes for a call; "" where there is none to be had."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import ToolCall

from ml_intern.configs.rules import Rule
from ml_intern.nodes.policies.beyond import beyond
from ml_intern.nodes.policies.places import Place, rule_of
from ml_intern.nodes.policies.rules import allowed, canonical, covering, text_of
from ml_intern.nodes.policies.shell import Simple, take_apart
from ml_intern.nodes.policies.words import ANY
from ml_intern.tools.spec import ToolSpec

LONGEST = 200
"""Characters of a rule above which nobody reads it."""

_LOOK = frozenset({
    "ls", "cat", "head", "tail", "wc", "pwd", "grep", "echo", "du", "df", "stat", "which", "whoami",
    "id", "uname", "ps", "nproc", "free",
})  # fmt: skip
"""Programs that only show, whatever they are told."""
_PARTS = {
    "git": "status diff log show add commit blame rev-parse ls-files",
    "uv": "sync lock tree",
    "pip": "list show freeze check",
    "npm": "ci test ls",
    "cargo": "build check test fmt clippy run",
    "docker": "ps images logs inspect",
}
"""Commands of programs with several, that do one thing each whatever follows them. None that brings
code of anybody's (`pip install`), or writes where it is told to (`hf download --local-dir`).
"""
_NEVER = frozenset({
    "rm", "sudo", "doas", "su", "dd", "shred", "mkfs", "chmod", "chown", "kill", "pkill", "killall",
    "eval", "exec", "source", ".", "curl", "wget", "ssh", "scp", "sh", "bash", "zsh", "dash",
    "cd", "env", "xargs", "command", "builtin", "trap", "export", "unset", "shutdown", "reboot",
})  # fmt: skip
_MODULES = frozenset({"pytest", "unittest", "mypy", "ruff", "black", "isort", "build"})
_CODE = re.compile(r"(python|python3|pypy3?|node|deno|perl|ruby|php|Rscript)(\d(\.\d+)?)?")


def suggest(call: ToolCall, spec: ToolSpec[Any], rules: Sequence[Rule], place: Place | None) -> str:
    """The rule for `call`, where `rules` are allowed already. With it, the call runs."""
    pattern = ""
    if spec.subject == "command":
        pattern = _for_line(str(call["args"].get("command", "")), rules)
    elif spec.subject == "path" and place:
        pattern = rule_of(place)
    elif spec.subject == "repository":
        pattern = _exact_text(text_of(call, spec))
    if not pattern or len(pattern) > LONGEST:
        return ""
    rule = Rule(spec.name, pattern)
    return str(rule) if allowed([*rules, rule], call, spec, place) else ""


def _for_line(text: str, rules: Sequence[Rule]) -> str:
    line = take_apart(text)
    if line is None or not line.plain:
        return ""
    own = [rule for rule in rules if rule.tool == "bash"]
    missing = [command for command in line.commands if not covering(own, command)]
    patterns = {_for_command(command) for command in missing}
    return patterns.pop() if len(patterns) == 1 else ""


def _for_command(command: Simple) -> str:
    first, rest = command.words[0], command.words[1:]
    if first in _NEVER or first.rsplit("/", 1)[-1] in _NEVER:
        return ""
    if any(beyond(*command)):
        return _exact(command)
    if first in _LOOK:
        return f"{first} *"
    if rest and rest[0] in _PARTS.get(first, "").split():
        return f"{first} {rest[0]} *"
    if _CODE.fullmatch(first.rsplit("/", 1)[-1]):
        return _for_code(command)
    return _exact(command)


def _for_code(command: Simple) -> str:
    """A module or a script by name; never code that stands in the line or comes by a pipe."""
    first, rest = command.words[0], command.words[1:]
    if rest[:1] == ("-m",) and len(rest) > 1:
        return f"{first} -m {rest[1]} *" if rest[1] in _MODULES else _exact(command)
    return _exact(command) if rest and not rest[0].startswith("-") else ""


def _exact(command: Simple) -> str:
    return _exact_text(canonical(command.words))


def _exact_text(text: str) -> str:
    wild = any(sign in text for sign in (ANY, "*"))
    return "" if wild or not text.isprintable() else text
