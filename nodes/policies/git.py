"""Where git's own options end and its command begins: `git -C x push` is `git push`."""

from __future__ import annotations

_WITH_VALUE = frozenset({
    "-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env",
    "--attr-source",
})  # fmt: skip


def split(rest: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What follows `git`, before its command and from there on."""
    at = 0
    while at < len(rest) and rest[at].startswith("-"):
        at += 2 if rest[at] in _WITH_VALUE else 1
    return rest[:at], rest[at:]
