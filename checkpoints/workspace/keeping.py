"""Puts a single path's state aside before it is changed."""

from __future__ import annotations

from collections.abc import Callable

from ml_intern.checkpoints.workspace.records import Records
from ml_intern.checkpoints.workspace.states import ABSENT, Absent, State, Unknown
from ml_intern.checkpoints.workspace.tree import Tree, ancestors, hidden

Look = Callable[[str], State]


def keep(path: str, records: Records, tree: Tree, look: Look) -> None:
    """Keep a path, and the folders that will be made for it, up to the first that is there."""
    for each in (path, *ancestors(path)):
        if each in ("", "/") or _covered(tree, each) or records.holds(each):
            return
        state = look(each)
        # What was made since the turn began, and seen by nobody, was not there then.
        made = each not in tree and not hidden(tree, each)
        records.keep(each, ABSENT if made else state)
        if not isinstance(state, Absent):
            return


def _covered(tree: Tree, path: str) -> bool:
    entry = tree.get(path)
    return entry is not None and not isinstance(entry.state, Unknown)
