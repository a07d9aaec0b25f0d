"""Permission rules as they are written: `tool` or `tool(pattern)`, in three lists."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

Kind = Literal["allow", "ask", "deny"]
KINDS: tuple[Kind, ...] = ("allow", "ask", "deny")

_RULE = re.compile(r"(?P<tool>[A-Za-z_][\w.-]*)(\((?P<pattern>.*)\))?", re.DOTALL)
_REMEDY = "Write a tool's name or `tool(pattern)`, such as bash(git status *) or write(src/**)"
_OF_FILES = ("read", "write", "edit")
_BUILT_IN = ("bash", *_OF_FILES, "plan_tool", "recall")


class Rule(NamedTuple):
    """What a rule is about: all calls of a tool, or those that match."""

    tool: str
    pattern: str | None = None

    def __str__(self) -> str:
        return self.tool if self.pattern is None else f"{self.tool}({self.pattern})"


class Placed(NamedTuple):
    """A rule, and who made it."""

    kind: Kind
    rule: str
    origin: str
    """`default`, `user`, `project`, `environment`, `flag`, `grant` or `session`."""


def parse_rule(text: str) -> Rule:
    """The rule that `text` says.

    Raises:
        ValueError: it says none; the message names it and the remedy.
    """
    match = _RULE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"'{text}' is no permission rule. {_REMEDY}.")
    tool, pattern = match["tool"], match["pattern"]
    if pattern is None:
        return Rule(tool)
    if problem := _problem(tool, pattern.strip()):
        raise ValueError(f"'{text}' is no permission rule: {problem}. {_REMEDY}.")
    return Rule(tool, pattern.strip())


def _problem(tool: str, pattern: str) -> str:
    if not pattern:
        return "its pattern is empty"
    if "\0" in pattern:
        return "a pattern cannot hold a NUL"
    if tool in _OF_FILES and pattern.startswith(("!", "#")):
        return f"a pattern of files cannot begin with {pattern[0]}; write \\{pattern[0]}"
    return ""


def checked(rules: tuple[str, ...]) -> tuple[str, ...]:
    """The rules as they are compared, each once; for Settings.

    Raises:
        ValueError: one is no rule.
    """
    return tuple(dict.fromkeys(str(parse_rule(rule)) for rule in rules))


def several(value: Any) -> Any:  # noqa: ANN401 - whatever a file says
    """A variable holds one rule a line; for Settings."""
    if not isinstance(value, str):
        return value
    return tuple(line for line in value.splitlines() if line.strip())


def collected(layers: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Placed]:
    """All the rules of layers of configuration, each a list that adds to those before."""
    return [
        Placed(kind, str(parse_rule(rule)), origin)
        for origin, layer in layers
        for kind in KINDS
        for rule in layer.get(kind, ())
    ]


def rules_of(placed: Iterable[Placed], kind: Kind) -> tuple[str, ...]:
    """The rules of one list, each once."""
    return tuple(dict.fromkeys(item.rule for item in placed if item.kind == kind))


def doubts(rules: Iterable[str], tools: Iterable[str] = _BUILT_IN) -> list[str]:
    """What to say of rules whose tool looks mistyped; tools of MCP servers may come later."""
    said = []
    known = list(tools)
    for text in rules:
        name = parse_rule(text).tool
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.7)
        if name not in known and near:
            said.append(f"The rule {text} is about no tool there is. Did you mean {near[0]}?")
    return said
