"""Copying, dropping, checking and shrinking what is stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ml_intern.checkpoints.workspace import contents, tree
from ml_intern.checkpoints.workspace.errors import WorkspaceError
from ml_intern.checkpoints.workspace.states import DIGEST_AT, FILE_TAG, decode
from ml_intern.checkpoints.workspace.store import Store

_CHANGES = "SELECT path, before, after FROM changes WHERE session = ? AND turn = ?"
_ENDED = "SELECT 1 FROM ended WHERE session = ? AND turn = ?"
_COLUMNS = (("held", "state"), ("changes", "before"), ("changes", "after"))


def adopt(
    source: sqlite3.Connection,
    session: str,
    to: sqlite3.Connection,
    as_: str,
    turns: Sequence[int],
    *,
    same: bool,
) -> None:
    """Copy the records of turns, and the contents they need if the store is another one."""
    for turn in turns:
        if source.execute(_ENDED, (session, turn)).fetchone():
            to.execute("INSERT OR REPLACE INTO ended VALUES (?, ?)", (as_, turn))
        for path, before, after in source.execute(_CHANGES, (session, turn)).fetchall():
            if same or not path.startswith(b"/"):
                row = (as_, turn, path, before, after)
                to.execute("INSERT OR REPLACE INTO changes VALUES (?, ?, ?, ?, ?)", row)
                for state in () if same else (before, after):
                    _copy(source, to, state)


def _copy(source: sqlite3.Connection, to: sqlite3.Connection, state: bytes) -> None:
    if state[:1] == FILE_TAG:
        query = "SELECT digest, size, data FROM blobs WHERE digest = ?"
        rows = source.execute(query, (state[DIGEST_AT - 1 :],)).fetchall()
        to.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", rows)


def forget_session(connection: sqlite3.Connection, session: str) -> None:
    """Drop a session; with the last one, the tree, so that its contents can be removed."""
    for table in ("open_turns", "held", "changes", "ended"):
        connection.execute(f"DELETE FROM {table} WHERE session = ?", (session,))
    query = "SELECT EXISTS (SELECT 1 FROM open_turns) OR EXISTS (SELECT 1 FROM changes)"
    if not connection.execute(query).fetchone()[0]:
        connection.execute("DELETE FROM files")


def collect(store: Store) -> None:
    """Remove contents that nothing refers to, and give their space back."""
    with store.transaction() as connection:
        contents.sweep(connection)
    with store.reading() as connection:
        # Not `execute`: it takes one step, which frees one page.
        connection.executescript("PRAGMA incremental_vacuum")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def problems(store: Store) -> list[str]:
    """What is wrong with a store, each with its file's name."""
    try:
        with store.reading() as connection:
            return [f"{store.path}: {found}" for found in _problems(connection)]
    except WorkspaceError as error:
        return [str(error)]


def _problems(connection: sqlite3.Connection) -> list[str]:
    found = [row[0] for row in connection.execute("PRAGMA quick_check") if row[0] != "ok"]
    if found:
        return found
    _read_all(connection)
    counts = {
        "contents are damaged": contents.damaged(connection),
        "contents are missing": contents.missing(connection),
    }
    return [f"{count} {words}" for words, count in counts.items() if count]


def _read_all(connection: sqlite3.Connection) -> None:
    """Read every state; one that cannot be is an error."""
    tree.load(connection)
    for table, column in _COLUMNS:
        for (state,) in connection.execute(f"SELECT {column} FROM {table}"):
            decode(state)
