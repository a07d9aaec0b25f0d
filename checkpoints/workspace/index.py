"""The tree in memory, and how it is brought up to date."""

from __future__ import annotations

import sqlite3
from functools import partial

from ml_intern.checkpoints.workspace import contents, tree
from ml_intern.checkpoints.workspace.coverage import Ground
from ml_intern.checkpoints.workspace.scan import Scanned, scan
from ml_intern.checkpoints.workspace.states import File
from ml_intern.checkpoints.workspace.tree import Tree

_BASIS = "basis"
"""What known files were classified by; "" if an ignore file changed since."""


class Index:
    """To be used within a transaction, and dropped if that is rolled back."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._tree: Tree = {}
        self._version: int | None = None

    def drop(self) -> None:
        """Forget; the store has it."""
        self._tree, self._version = {}, None

    def tree(self, connection: sqlite3.Connection) -> Tree:
        """The tree as last seen, by whatever session; read anew only if others wrote."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._tree, self._version = tree.load(connection), version
        return self._tree

    def refresh(self, connection: sqlite3.Connection, session: str, *, strict: bool) -> Scanned:
        """Scan the folder and bring the store up to date; see `Walk` for `strict`."""
        known = self.tree(connection)
        basis = _get(connection)
        found = scan(
            self._ground,
            known,
            partial(contents.put, connection),
            self._budget(connection, session),
            strict=strict,
            trusted=basis == self._ground.basis,
        )
        tree.update(connection, known, found.tree)
        new = self._ground.basis if strict else "" if found.stale else basis
        if new != basis:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_BASIS, new))
        self._tree = found.tree
        return found

    def _budget(self, connection: sqlite3.Connection, session: str) -> int:
        """What the tree may take beside what the session's turns hold alone."""
        sizes = contents.sizes(connection, session)
        states = (entry.state for entry in self._tree.values()) if sizes else ()
        present = {state.digest for state in states if isinstance(state, File)}
        alone = sum(size for digest, size in sizes.items() if digest not in present)
        return self._ground.limits.max_total - alone


def _get(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (_BASIS,)).fetchone()
    return str(row[0]) if row else ""
