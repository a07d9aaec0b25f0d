"""What the user is told, in plain words and never at length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ml_intern.checkpoints.workspace.records import Change
from ml_intern.checkpoints.workspace.states import Reason, Unknown
from ml_intern.checkpoints.workspace.tree import Tree

_NAMED = 3
"""Paths named for each reason; the others are counted."""
_LONGEST = 120
"""Characters of a path that are shown."""
_QUIET = frozenset({Reason.CACHE, Reason.OURS})
"""Made anew by the programs that made them: not worth a word after every turn."""

Gap = tuple[str, str]
"""A path and why it is not covered."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a turn did to files, or what was copied. Paths are relative to the root, if below it."""

    changed: tuple[Path, ...] = ()
    not_covered: tuple[str, ...] = ()
    """What changed and cannot be undone: a few paths for each reason."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What an undo or redo did. Paths are relative to the root, if below it."""

    restored: tuple[Path, ...] = ()
    """As they were, also if they already were."""
    conflicts: tuple[Path, ...] = ()
    """Changed since, and left alone."""
    not_covered: tuple[str, ...] = ()
    """Changed by these turns and left alone: a few paths for each reason."""


def report_of(changes: Iterable[Change]) -> Report:
    """A turn's changes, told."""
    changes = list(changes)
    gaps = [(change.path, gap) for change in changes if (gap := gap_of(change))]
    missed = {path for path, _ in gaps}
    changed = (change.path for change in changes if change.path not in missed)
    return Report(_paths(changed), phrases(loud(gaps)))


def restored_of(
    restored: Iterable[str],
    conflicts: Iterable[str],
    failed: Iterable[Gap],
    gaps: Iterable[tuple[str, Reason]],
) -> Restored:
    """An undo or redo, told."""
    return Restored(_paths(restored), _paths(conflicts), phrases([*failed, *loud(gaps)]))


def uncovered(tree: Tree) -> tuple[str, ...]:
    """What of a tree is not covered, told."""
    states = ((path, entry.state) for path, entry in tree.items())
    return phrases((path, s.reason.value) for path, s in states if isinstance(s, Unknown))


def gap_of(change: Change) -> Reason | None:
    """Why a change cannot be undone or redone; None if it can."""
    for state in (change.after, change.before):
        if isinstance(state, Unknown):
            return state.reason
    return None


def loud(gaps: Iterable[tuple[str, Reason]]) -> list[Gap]:
    """The gaps that are worth a word."""
    return [(path, reason.value) for path, reason in gaps if reason not in _QUIET]


def phrases(gaps: Iterable[Gap]) -> tuple[str, ...]:
    """For each reason a few of its paths: "a.pt, b.pt and 5 more (data or weights)"."""
    by_reason: dict[str, list[str]] = {}
    for path, reason in gaps:
        by_reason.setdefault(reason, []).append(path)
    return tuple(
        f"{_names(sorted(paths))} ({reason})" for reason, paths in sorted(by_reason.items())
    )


def _paths(paths: Iterable[str]) -> tuple[Path, ...]:
    return tuple(sorted(map(Path, paths)))


def _names(paths: list[str]) -> str:
    shown = ", ".join(_shown(path) for path in paths[:_NAMED])
    more = len(paths) - _NAMED
    return shown if more <= 0 else f"{shown} and {more:,} more"


def _shown(path: str) -> str:
    if not path:
        return "whatever commands did to files"
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)
    return text if len(text) <= _LONGEST else f"…{text[-_LONGEST:]}"
