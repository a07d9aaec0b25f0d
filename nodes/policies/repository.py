"""A call on a repository of the Hub, as permission rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PUBLIC = "public "
"""What the text of a call begins with that makes a repository public, or opens its gate: only rules
that say so allow that, and those about all calls of the tool."""
_KINDS = {"dataset": "datasets/", "space": "spaces/"}
"""Before the name, by type, as in the Hub's addresses; models have nothing there."""


def stated(args: Mapping[str, Any]) -> str:
    """What a rule that allows must fit: `[public ]operation [type/]owner/name`."""
    return _text(args, PUBLIC if opens(args) else "", _kind(args))


def forms(args: Mapping[str, Any]) -> set[str]:
    """What a rule that restricts may fit, too: such a rule need not say what kind it is.

    In lower case: the Hub takes names in any.
    """
    publics = {"", PUBLIC} if opens(args) else {""}
    kinds = {"", _kind(args)}
    return {_text(args, public, kind).casefold() for public in publics for kind in kinds}


def means(pattern: str, text: str) -> bool:
    """Whether what makes public is not only let through by a star at the pattern's start."""
    return not text.startswith(PUBLIC) or pattern == "*" or pattern.startswith(PUBLIC)


def opens(args: Mapping[str, Any]) -> bool:
    """Whether more people would see a repository: whatever is read as no ("false", 0) counts."""
    private, gated = args.get("private"), args.get("gated")
    return private not in (None, "", True) or gated not in (None, "", "auto", "manual")


def _kind(args: Mapping[str, Any]) -> str:
    return _KINDS.get(str(args.get("repo_type")), "")


def _text(args: Mapping[str, Any], public: str, kind: str) -> str:
    operation, name = (str(args.get(key) or "").strip() for key in ("operation", "repo_id"))
    return public + f"{operation} {kind}{name}".strip()
