"""Files in permission rules: patterns as in .gitignore, from the working folder, `~/` or `/`."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Place(NamedTuple):
    """Where a call's path leads. All absolute, without `..`."""

    named: str
    """As it was written."""
    real: str
    """With links followed."""
    cwd: str
    """The working folder, with links followed."""
    home: str
    led: Mapping[str, str] = MappingProxyType({})
    """Patterns that forbid and go through a link, as they are behind it."""

    @property
    def both(self) -> tuple[str, str]:
        """What a rule that forbids is compared with."""
        return self.named, self.real


def forbidden(pattern: str, place: Place) -> bool:
    """Whether a path comes under a pattern that forbids, whichever way either leads there.

    A pattern that allows is taken as it is: whoever can make links must not widen it.
    """
    patterns = {pattern, place.led.get(pattern, pattern)}
    return any(matches(one, path, place) for one in patterns for path in place.both)


def matches(pattern: str, path: str, place: Place) -> bool:
    """Whether a path comes under a pattern."""
    base, spec = _spec(pattern, place.cwd, place.home)
    inside = path.removeprefix("/") if base == "/" else _below(path, base)
    return bool(inside) and spec.match_file(inside)


def _below(path: str, base: str) -> str:
    return path[len(base) + 1 :] if path.startswith(base.rstrip("/") + "/") else ""


@lru_cache(maxsize=512)
def _spec(pattern: str, cwd: str, home: str) -> tuple[str, GitIgnoreSpec]:
    from pathspec import GitIgnoreSpec  # 90 ms, and few have such rules

    base = cwd
    if pattern == "~" or pattern.startswith("~/"):
        base, pattern = home, pattern[1:] or "/**"
    elif pattern.startswith("/"):
        base = "/"
    elif pattern.startswith("../") or "/../" in pattern:
        base, pattern = "/", posixpath.normpath(posixpath.join(cwd, pattern))
    elif pattern.startswith("./"):
        pattern = pattern[1:]
    return base, GitIgnoreSpec.from_lines([pattern])


def begins(pattern: str, cwd: str, home: str) -> tuple[str, str]:
    """The absolute path that a pattern begins with, and the rest; "" if it is about any folder."""
    if pattern == "~" or pattern.startswith("~/"):
        whole = home + pattern[1:]
    elif pattern.startswith("/"):
        whole = pattern
    elif "/" in pattern[:-1] and not pattern.startswith("**/"):
        whole = posixpath.normpath(posixpath.join(cwd, pattern))
    else:
        return "", pattern
    parts = whole.split("/")
    fixed = next((at for at, part in enumerate(parts) if set(part) & set("*?[\\")), len(parts))
    return "/".join(parts[:fixed]), "/".join(parts[fixed:])


def escaped(path: str) -> str:
    """A path as a pattern."""
    for special in "\\*?[]!#":
        path = path.replace(special, "\\" + special)
    return path


def rule_of(place: Place) -> str:
    """The pattern for exactly this file; "" if it cannot be written."""
    path = place.real
    if any(not character.isprintable() for character in path) or path.endswith(" "):
        return ""
    inside = _below(path, place.cwd)
    shown = escaped(inside or path)
    return shown if "/" in shown else f"./{shown}"
