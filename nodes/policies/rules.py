"""Which permission rule a call matches."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from langchain_core.messages import ToolCall

from ml_intern.configs.rules import Rule, parse_rule
from ml_intern.nodes.policies import repository
from ml_intern.nodes.policies.beyond import beyond, names
from ml_intern.nodes.policies.places import Place, forbidden, matches
from ml_intern.nodes.policies.reach import reached
from ml_intern.nodes.policies.shell import Simple, take_apart
from ml_intern.nodes.policies.words import ANY
from ml_intern.tools.spec import ToolSpec


class Rules(NamedTuple):
    """The lists that hold for a decision."""

    allow: tuple[Rule, ...] = ()
    ask: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()


class Hit(NamedTuple):
    """A rule that a call comes under; not `sure` if only the shell would know."""

    rule: Rule
    sure: bool


@lru_cache(maxsize=256)
def read_rules(texts: tuple[str, ...]) -> tuple[Rule, ...]:
    """Rules as they are compared."""
    return tuple(parse_rule(text) for text in texts)


def about_places(rules: Rules, tool: str) -> bool:
    """Whether it must be known where a call's path leads."""
    every = (*rules.allow, *rules.ask, *rules.deny)
    return any(rule.tool == tool and rule.pattern is not None for rule in every)


def restricting(
    rules: Iterable[Rule], call: ToolCall, spec: ToolSpec[Any], place: Place | None
) -> Hit | None:
    """The rule of `ask` or `deny` that a call comes under, a sure one first."""
    hits = [_hit(rule, call, spec, place) for rule in rules if rule.tool == call["name"]]
    found = sorted((hit for hit in hits if hit), key=lambda hit: not hit.sure)
    return found[0] if found else None


def _hit(rule: Rule, call: ToolCall, spec: ToolSpec[Any], place: Place | None) -> Hit | None:
    if rule.pattern is None:
        return Hit(rule, True)
    match spec.subject:
        case "command":
            return _command_hit(rule, rule.pattern, str(call["args"].get("command", "")))
        case "path":
            # Where it is not known where the path leads, it may lead there.
            inside = place is None or forbidden(rule.pattern, place)
            return Hit(rule, place is not None) if inside else None
        case "repository":
            hit = any(
                _whole(rule.pattern.casefold(), form) for form in repository.forms(call["args"])
            )
            return Hit(rule, True) if hit else None
        case _:
            return Hit(rule, True) if _whole(rule.pattern, text_of(call, spec)) else None


def _command_hit(rule: Rule, pattern: str, command: str) -> Hit | None:
    commands = reached(command)
    if commands is None:
        return Hit(rule, False)
    texts = [" ".join(words) for words in commands]
    if any(_whole(pattern, text) for text in texts):
        return Hit(rule, True)
    return Hit(rule, False) if any(_perhaps(pattern, text) for text in texts) else None


def allowed(
    rules: Sequence[Rule], call: ToolCall, spec: ToolSpec[Any], place: Place | None
) -> Rule | None:
    """The rule that lets a call run; for a command line the one that lets the last part run."""
    own = [rule for rule in rules if rule.tool == call["name"]]
    if bare := [rule for rule in own if rule.pattern is None]:
        return bare[0]
    if spec.subject == "command":
        return _command_allowed(own, call)
    text = text_of(call, spec)
    for rule in own:
        pattern = rule.pattern or ""
        if spec.subject == "path":
            covered = place is not None and matches(pattern, place.real, place)
        else:
            covered = _whole(pattern, text)
            if spec.subject == "repository":
                covered = covered and repository.means(pattern, text)
        if covered:
            return rule
    return None


def _command_allowed(rules: Sequence[Rule], call: ToolCall) -> Rule | None:
    # A relative name of a program means another one in another folder.
    if str(call["args"].get("work_dir", ".")) not in (".", "./", ""):
        return None
    line = take_apart(str(call["args"].get("command", "")))
    if line is None or not line.plain or not line.commands:
        return None
    found = [covering(rules, command) for command in line.commands]
    return found[-1] if all(found) else None


def covering(rules: Iterable[Rule], command: Simple) -> Rule | None:
    """The rule that lets a simple command run, as it was written or with its quotes in order."""
    texts, more = (command.raw, canonical(command.words)), set(beyond(*command))
    for rule in rules:
        pattern = rule.pattern or "*"
        if all(names(pattern, option) for option in more) and any(
            _whole(pattern, text) for text in texts
        ):
            return rule
    return None


def canonical(words: Iterable[str]) -> str:
    """A command as it stands in a rule: what is computed is bare, what needs quotes has them."""
    return " ".join(word if ANY in word else shlex.quote(word) for word in words)


def text_of(call: ToolCall, spec: ToolSpec[Any]) -> str:
    """What a pattern is compared with, where it is neither a command nor a path."""
    if spec.subject == "repository":
        return repository.stated(call["args"])
    return json.dumps(call["args"], ensure_ascii=False, sort_keys=True)


def _whole(pattern: str, text: str) -> bool:
    """Whether the pattern is about the whole text. `git *` is about `git` alone, too."""
    pattern = " ".join(pattern.split())
    alone = pattern.endswith(" *") and _glob(pattern[:-2].split("*"), text)
    return alone or _glob(pattern.split("*"), text)


def _glob(parts: Sequence[str], text: str) -> bool:
    """Whether a text is these parts with anything between them.

    Not a regular expression: with some stars, those take hours for a long text.
    """
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    at, end = len(first), len(text) - len(last)
    if at > end or not (text.startswith(first) and text.endswith(last)):
        return False
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _perhaps(pattern: str, text: str) -> bool:
    """Whether a text with computed parts could come under the pattern, as its ends go."""
    if ANY not in text:
        return False
    pattern = " ".join(pattern.split())
    begins = (pattern.split("*")[0], text.split(ANY)[0])
    ends = (pattern.split("*")[-1][::-1], text.split(ANY)[-1][::-1])
    return _agree(*begins) and _agree(*ends)


def _agree(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
