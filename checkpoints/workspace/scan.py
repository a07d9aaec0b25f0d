"""Brings what is known of the folder up to date: walks it, then looks at what is new."""

from __future__ import annotations

import os
from dataclasses import dataclass
from stat import S_ISREG

from ml_intern.checkpoints.workspace.coverage import Ground
from ml_intern.checkpoints.workspace.look import Entry, Put, look, mark_of, unknown
from ml_intern.checkpoints.workspace.states import File, Reason, Unknown
from ml_intern.checkpoints.workspace.tree import Tree
from ml_intern.checkpoints.workspace.walk import TooManyError, Walk


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan found."""

    tree: Tree
    overflow: bool = False
    stale: bool = False


def scan(
    ground: Ground, known: Tree, put: Put, budget: int, *, strict: bool, trusted: bool
) -> Scanned:
    """The tree as it is.

    Args:
        ground: The folder.
        known: The tree as last seen.
        put: Stores a content.
        budget: Bytes all contents of the tree may have.
        strict: At the beginning of a turn; see `Walk`.
        trusted: Whether the rules are those that `known` was made by.
    """
    if ground.unscanned:
        return Scanned({"": Entry(Unknown(ground.unscanned))})
    root = known.get("")
    if not strict and root and isinstance(root.state, Unknown):
        return Scanned(known)
    walk = Walk(ground, known, strict=strict, trusted=trusted)
    try:
        walk.run()
        _learn(walk, ground, put, budget, strict=strict)
    except TooManyError:
        return Scanned({"": Entry(Unknown(Reason.MANY))})
    except OSError:
        return Scanned({"": Entry(Unknown(Reason.UNREADABLE))})
    return Scanned(walk.tree, walk.overflow, walk.stale)


def _learn(walk: Walk, ground: Ground, put: Put, budget: int, *, strict: bool) -> None:
    used = sum(entry.stamp[1] for entry in walk.tree.values() if _remembered(entry))
    if strict and used > budget:
        used = _cut(walk.tree, used, budget)
    folder = os.open(ground.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for path in walk.todo:
            used += _look(walk.tree, folder, path, ground, put, budget - used)
    finally:
        os.close(folder)


def _cut(tree: Tree, used: int, budget: int) -> int:
    """Leave out files known from before that no longer fit; the size of the others."""
    for path, entry in tree.items():
        if used > budget and _remembered(entry):
            used -= entry.stamp[1]
            tree[path] = Entry(Unknown(Reason.TOTAL, mark_of(entry.stamp)))
    return used


def _remembered(entry: Entry) -> bool:
    return type(entry.state) is File and bool(entry.stamp)


def _look(tree: Tree, folder: int, path: str, ground: Ground, put: Put, room: int) -> int:
    """Look at one path; the bytes it takes."""
    try:
        status = os.lstat(path, dir_fd=folder)
        if S_ISREG(status.st_mode) and room < status.st_size <= ground.max_file:
            tree[path] = Entry(unknown(Reason.TOTAL, status).state)
            return 0
        entry = look(folder, path, ground.max_file, put)
    except FileNotFoundError:
        return 0
    except OSError:
        tree[path] = Entry(Unknown(Reason.UNREADABLE))
        return 0
    tree[path] = entry
    return status.st_size if isinstance(entry.state, File) else 0
