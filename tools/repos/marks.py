"""The name of a call, as it is written into what the call leaves on the Hub.

After a crash it tells whether the call had its effect.
"""

from __future__ import annotations

import re

_COMMIT = "ml-intern: "
_PART = re.compile(r" part (\d+) of (\d+)")


def commit_mark(key: str, part: int = 1, parts: int = 1) -> str:
    """The line for a commit's description."""
    return f"{_COMMIT}{key}" + (f" part {part} of {parts}" if parts > 1 else "")


def part_of(description: str, key: str) -> tuple[int, int] | None:
    """Which of how many commits of the call this is; None if it is none of them."""
    at = description.find(f"{_COMMIT}{key}") if key else -1
    if at < 0:
        return None
    found = _PART.match(description, at + len(_COMMIT) + len(key))
    return (int(found[1]), int(found[2])) if found else (1, 1)


def comment_mark(key: str) -> str:
    """The line for a comment or a pull request, which readers do not see."""
    return f"<!-- ml-intern: {key} -->"


def has_mark(text: str, key: str) -> bool:
    """Whether the call wrote this text."""
    return bool(key) and comment_mark(key) in text


def without_marks(text: str) -> str:
    """`text` as readers see it."""
    return re.sub(r"\s*<!-- ml-intern: [\w-]+ -->", "", text)
