"""The files of a working folder as one session follows them, turn by turn."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ml_intern.checkpoints.workspace import contents, copying
from ml_intern.checkpoints.workspace.coverage import Ground, Limits
from ml_intern.checkpoints.workspace.index import Index
from ml_intern.checkpoints.workspace.keeping import keep
from ml_intern.checkpoints.workspace.look import Put, look_at
from ml_intern.checkpoints.workspace.plan import Plan, plan_redo, plan_undo
from ml_intern.checkpoints.workspace.records import Change, Records
from ml_intern.checkpoints.workspace.report import (
    Report,
    Restored,
    phrases,
    report_of,
    restored_of,
    uncovered,
)
from ml_intern.checkpoints.workspace.restore import Restoration
from ml_intern.checkpoints.workspace.states import Reason, State
from ml_intern.checkpoints.workspace.store import Store
from ml_intern.checkpoints.workspace.turn import differences, doubtful, merged
from ml_intern.checkpoints.workspace.upkeep import adopt, collect, forget_session, problems

_NO_RECORD = ("", Reason.NO_RECORD)
Planner = Callable[[Iterable[Change]], Plan]


class Workspace:
    """Blocks; may be used by several threads, and beside other sessions of the same folder.

    A turn is everything between `begin` and `end`, whoever did it: what the user or another
    session changed meanwhile belongs to it too, and is kept like the rest.

    Every method may raise WorkspaceError: the store cannot be used.
    """

    def __init__(
        self,
        store: Path,
        root: Path,
        session: str,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        *,
        home: Path | None = None,
    ) -> None:
        """Touches nothing yet.

        Args:
            store: The folder of the stores of all projects, made when needed.
            root: The working folder.
            session: Whose turns these are.
            limits: How much is remembered.
            home: Never scanned, nor is anything above it; the user's home if not given.
        """
        self.session = session
        self._ground = Ground(root.resolve(), store.resolve(), _home(home), limits)
        self._store = Store(self._ground.store, self._ground.root)
        self._index = Index(self._ground)

    @property
    def root(self) -> Path:
        """The working folder, links resolved."""
        return self._ground.root

    def begin(self, turn: int) -> Report | None:
        """Remember the files before a turn changes them; durable when it returns.

        Again for the same turn it does nothing, also in a new process. An earlier turn that was
        never ended is ended first, as `recover` does.

        Returns:
            What that turn did; None if there was none.
        """
        with self._transaction() as connection:
            records = Records(connection, self.session)
            earlier = records.open_turn()
            if earlier == turn:
                return None
            report = None if earlier is None else self._close(connection, earlier, cut_off=True)
            self._index.refresh(connection, self.session, strict=True)
            records.open(turn)
        return report

    def keep(self, path: Path) -> None:
        """Remember one file of the open turn before it is changed, wherever it is.

        Only this covers what is outside the folder, ignored, or data; of what the turn did to it
        before, nothing is known.
        """
        place = path.parent.resolve() / path.name
        inside = place.is_relative_to(self.root)
        key = str(place.relative_to(self.root) if inside else place)
        with self._transaction() as connection:
            records = Records(connection, self.session)
            assert records.open_turn() is not None, "begin() comes first"
            look = partial(self._look, put=partial(contents.put, connection))
            keep(key, records, self._index.tree(connection), look)

    def end(self, turn: int) -> Report:
        """Record what the turn did; what it did, also when it was recorded before."""
        if not self._store.exists():
            return Report()
        with self._transaction() as connection:
            records = Records(connection, self.session)
            if records.open_turn() == turn:
                return self._close(connection, turn)
            return report_of(records.changes([turn]))

    def recover(self) -> Report | None:
        """End a turn that a crash cut off; None if there is none.

        What was changed since it began may as well be the user's work: it is on record as changed,
        and undo leaves it alone.
        """
        if not self._store.exists():
            return None
        with self._store.reading() as connection:
            turn = Records(connection, self.session).open_turn()
        if turn is None:
            return None
        with self._transaction() as connection:
            return self._close(connection, turn, cut_off=True)

    def hurry(self, now: bool) -> None:
        """Give up waiting for another process, now and until told otherwise."""
        (self._store.hurry.set if now else self._store.hurry.clear)()

    def undo(self, turns: Sequence[int]) -> Restored:
        """Bring files back to where they were before these turns, given oldest first."""
        return self._restore(turns, plan_undo)

    def redo(self, turns: Sequence[int]) -> Restored:
        """Bring back what these turns did, given oldest first."""
        return self._restore(turns, plan_redo)

    def forget(self, turns: Sequence[int]) -> None:
        """Drop what these turns did; it cannot be undone or redone any more."""
        if self._store.exists():
            with self._transaction() as connection:
                Records(connection, self.session).forget(turns)

    def forget_session(self, session: str) -> None:
        """Drop all turns of a session."""
        if self._store.exists():
            with self._transaction() as connection:
                forget_session(connection, session)
            self._index.drop()

    def adopt(self, session: str, turns: Sequence[int], root: Path | None = None) -> None:
        """Take over turns of another session, of the same or of another working folder.

        From another folder come only changes inside it: what is outside stays with the original.
        """
        other = Store(self._ground.store, (root or self.root).resolve())
        if other.exists():
            try:
                with other.reading() as source, self._transaction() as connection:
                    same = other.path == self._store.path
                    adopt(source, session, connection, self.session, turns, same=same)
            finally:
                other.close()

    def copy_to(self, folder: Path, undo: Sequence[int] = ()) -> Report:
        """Write the covered files into an empty or new folder, as they were before these turns.

        Raises:
            WorkspaceError: the folder will not do, or the working folder is not followed.
        """
        target = copying.require_empty(self._ground, folder)
        self.recover()
        with self._transaction() as connection:
            tree = self._index.refresh(connection, self.session, strict=True).tree
        copying.require_scanned(self._ground, tree)
        with self._store.reading() as connection:
            plan = plan_undo(Records(connection, self.session).changes(undo))
            states = copying.earlier(tree, plan)
            return copying.copy(
                states, target, self._ground.max_file, partial(contents.get, connection)
            )

    def uncovered(self) -> tuple[str, ...]:
        """What of the folder was not covered when last looked at: a few paths for each reason."""
        if not self._store.exists():
            return ()
        with self._transaction() as connection:
            return uncovered(self._index.tree(connection))

    def check(self) -> list[str]:
        """What is wrong with the store; reads all of it."""
        return problems(self._store) if self._store.exists() else []

    def size(self) -> int:
        """Bytes the store takes on disk, for all sessions of the folder."""
        return self._store.size()

    def collect(self) -> None:
        """Remove contents that nothing refers to, and give their space back."""
        if self._store.exists():
            collect(self._store)

    def close(self) -> None:
        """Let go of the store; it is opened again when needed."""
        self._index.drop()
        self._store.close()

    def _restore(self, turns: Sequence[int], planned: Planner) -> Restored:
        if not (turns and self._store.exists()):
            return Restored(not_covered=phrases([_NO_RECORD]) if turns else ())
        self.recover()
        with self._store.reading() as connection:
            records = Records(connection, self.session)
            plan = planned(records.changes(turns))
            if not records.has(turns):
                plan.gaps.append(_NO_RECORD)
            content = partial(contents.get, connection)
            work = Restoration(self.root, self._ground.max_file, content)
            work.run(plan.steps)
        return restored_of(work.restored, work.conflicts, work.failed, plan.gaps)

    def _close(self, connection: sqlite3.Connection, turn: int, *, cut_off: bool = False) -> Report:
        records = Records(connection, self.session)
        scanned = self._index.refresh(connection, self.session, strict=False)
        put = partial(contents.put, connection)
        found = differences(records.held(), scanned, self._look, put)
        changes = merged(records.changes([turn]), doubtful(found) if cut_off else found)
        records.record(turn, changes)
        records.close()
        return report_of(changes)

    def _look(self, path: str, put: Put) -> State:
        return look_at(self.root, path, self._ground.max_file, put)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._store.transaction() as connection:
                yield connection
        except BaseException:
            # What it holds may have been rolled back.
            self._index.drop()
            raise


def _home(home: Path | None) -> Path | None:
    try:
        return (home or Path.home()).resolve()
    except (OSError, RuntimeError):
        return None
