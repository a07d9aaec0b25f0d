"""The files of the folder as last seen, shared by all its sessions, and what a baseline is.

An open turn's baseline is this tree as it is now, but for the paths that changed since: their
earlier states are put aside (`held`) for every open turn whenever the tree is brought up to date.
So it takes no copying to begin a turn, and nothing is lost with the process.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Iterator

from ml_intern.checkpoints.workspace.look import Entry, Stamp
from ml_intern.checkpoints.workspace.states import (
    ABSENT,
    Reason,
    State,
    Unknown,
    decode,
    encode,
)

Tree = dict[str, Entry]
"""By path relative to the root, whose own is "". Without an entry for it, nothing was scanned."""

_STAMP = struct.Struct("<QqqqQ")
_HOLD = """
INSERT OR IGNORE INTO held (session, path, state, kept) SELECT session, ?, ?, 0 FROM open_turns
"""


def ancestors(path: str) -> Iterator[str]:
    """The folders a path is in, innermost first, the root ("" or "/") last."""
    while path not in ("", "/"):
        path = path.rpartition("/")[0] or ("/" if path.startswith("/") else "")
        yield path


def hidden(tree: Tree, path: str) -> Reason | None:
    """Why a path without an entry may exist for all that; None if it cannot."""
    if path.startswith("/"):
        return Reason.OUTSIDE
    for folder in ancestors(path):
        entry = tree.get(folder)
        if entry and isinstance(entry.state, Unknown):
            return entry.state.reason
    return None if "" in tree else Reason.OUTSIDE


def state_in(tree: Tree, path: str) -> State:
    """What is known of a path."""
    if entry := tree.get(path):
        return entry.state
    reason = hidden(tree, path)
    return Unknown(reason) if reason else ABSENT


def load(connection: sqlite3.Connection) -> Tree:
    """The tree as the store has it."""
    rows = connection.execute("SELECT path, state, stamp FROM files")
    return {os.fsdecode(path): Entry(decode(state), _unpack(stamp)) for path, state, stamp in rows}


def update(connection: sqlite3.Connection, old: Tree, new: Tree) -> None:
    """Bring the store from one tree to the next; open turns keep what they began with."""
    found = new.items()
    fresh = [(p, entry) for p, entry in found if (e := old.get(p)) is not entry and e != entry]
    gone = old.keys() - new.keys()
    moved = [path for path, entry in fresh if path not in old or old[path].state != entry.state]
    if connection.execute("SELECT 1 FROM open_turns").fetchone():
        states = ((os.fsencode(path), encode(state_in(old, path))) for path in (*moved, *gone))
        connection.executemany(_HOLD, states)
    connection.executemany(
        "INSERT OR REPLACE INTO files (path, state, stamp) VALUES (?, ?, ?)",
        ((os.fsencode(path), encode(entry.state), _pack(entry.stamp)) for path, entry in fresh),
    )
    connection.executemany(
        "DELETE FROM files WHERE path = ?", ((os.fsencode(path),) for path in gone)
    )


def _unpack(stamp: bytes) -> Stamp:
    return _STAMP.unpack(stamp) if len(stamp) == _STAMP.size else ()


def _pack(stamp: Stamp) -> bytes:
    return _STAMP.pack(*stamp) if stamp else b""
