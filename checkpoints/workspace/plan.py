"""Which paths an undo or redo changes, from what to what. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from ml_intern.checkpoints.workspace.records import Change
from ml_intern.checkpoints.workspace.report import gap_of
from ml_intern.checkpoints.workspace.states import Absent, Dir, Reason, State


class Step(NamedTuple):
    """A path that is to become something else, if it is what it should be."""

    path: str
    expected: State
    target: State
    whole: bool
    """Whether nobody else changed it between the turns."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done; `gaps` are left alone."""

    steps: list[Step] = field(default_factory=list)
    gaps: list[tuple[str, Reason]] = field(default_factory=list)


def plan_undo(changes: Iterable[Change]) -> Plan:
    """Back over changes, given oldest first."""
    return _plan([Change(path, after, before) for path, before, after in reversed([*changes])])


def plan_redo(changes: Iterable[Change]) -> Plan:
    """Forth over changes, given oldest first."""
    return _plan(list(changes))


def _plan(changes: Sequence[Change]) -> Plan:
    chains: dict[str, list[Change]] = {}
    for change in changes:
        chains.setdefault(change.path, []).append(change)
    plan = Plan()
    for path, links in chains.items():
        reason = next((gap for link in links if (gap := gap_of(link))), None)
        if reason:
            plan.gaps.append((path, reason))
        else:
            whole = all(one.after == next_.before for one, next_ in pairwise(links))
            plan.steps.append(Step(path, links[0].before, links[-1].after, whole))
    return plan


def fits(current: State, step: Step) -> bool:
    """Whether a path may be changed: it is as the turns left it, or as we left it halfway."""
    if same(current, step.expected):
        return step.whole
    return step.whole and isinstance(current, Absent) and _through_absence(step)


def same(current: State, other: State) -> bool:
    """Whether a path is what it should be; a folder may be more open, as it is while we work."""
    if isinstance(current, Dir) and isinstance(other, Dir):
        return current.mode in (other.mode, opened(other.mode))
    return current == other


def opened(mode: int) -> int:
    """The mode of a folder while we work in it."""
    return mode | 0o700


def _through_absence(step: Step) -> bool:
    """A folder cannot become a file, or a file a folder, in one step."""
    kinds = isinstance(step.expected, Dir), isinstance(step.target, Dir)
    return kinds[0] != kinds[1] and not isinstance(step.expected, Absent)
