"""Walks the folder: what is there, what of it is to be remembered, what of that is new."""

from __future__ import annotations

import os
from dataclasses import dataclass
from stat import S_IMODE, S_ISDIR

from ml_intern.checkpoints.workspace.coverage import (
    CACHE_MARKS,
    Ground,
    file_reason,
    folder_reason,
    own,
)
from ml_intern.checkpoints.workspace.ignore import IGNORE_FILE, Rules, read_rules
from ml_intern.checkpoints.workspace.look import Entry, stamp_of, unknown
from ml_intern.checkpoints.workspace.states import Dir, File, Reason, Unknown
from ml_intern.checkpoints.workspace.tree import Tree

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASSING = frozenset({
    Reason.LARGE, Reason.TOTAL, Reason.UNREADABLE, Reason.SPECIAL, Reason.MOUNT, Reason.OURS,
})  # fmt: skip
"""What may become coverable without any rule being changed."""


class TooManyError(Exception):
    """The folder holds more than may be scanned."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to be walked."""

    path: str
    rules: Rules
    trusted: bool
    """Whether known paths in it are still covered, or not, for the reason they were."""

    @property
    def prefix(self) -> str:
        """What the paths in it begin with."""
        return f"{self.path}/" if self.path else ""


class Walk:
    """One walk. Of contents it reads none: what it must know of them is left in `todo`.

    At the end of a turn (not `strict`) whatever was known at its beginning is covered as it was
    then, though an ignore file changed or files became too many: else it would be lost.
    """

    def __init__(self, ground: Ground, known: Tree, *, strict: bool, trusted: bool) -> None:
        self.tree: Tree = {"": Entry(Dir(0))}
        self.todo: list[str] = []
        """Files and links to be looked at."""
        self.overflow = False
        """New files were left out: there are too many."""
        self.stale = False
        """Known paths may have to be classified anew: ignore files changed."""
        self._ground = ground
        self._known = known
        self._strict = strict
        self._count = 0
        self._root = -1
        self._device = -1
        self._pending = [Folder("", Rules(), trusted)]

    def run(self) -> None:
        """Walk.

        Raises:
            TooManyError: there are more files than are followed, and this is a beginning.
            OSError: the root cannot be opened.
        """
        self._root = os.open(self._ground.root, _OPEN)
        try:
            self._device = os.fstat(self._root).st_dev
            while self._pending:
                self._enter(self._pending.pop())
        finally:
            os.close(self._root)

    def _enter(self, folder: Folder) -> None:
        try:
            descriptor = os.open(folder.path or ".", _OPEN, dir_fd=self._root)
        except FileNotFoundError:
            self.tree.pop(folder.path, None)
            return
        except OSError:
            self.tree[folder.path] = Entry(Unknown(Reason.UNREADABLE))
            return
        try:
            self._list(descriptor, folder)
        except OSError:
            self.tree[folder.path] = Entry(Unknown(Reason.UNREADABLE))
        finally:
            os.close(descriptor)

    def _list(self, descriptor: int, folder: Folder) -> None:
        names = os.listdir(descriptor)
        if folder.path and not CACHE_MARKS.isdisjoint(names) and not self._settled(folder):
            self.tree[folder.path] = Entry(Unknown(Reason.CACHE))
            return
        names = self._counted(names, folder.prefix)
        inner = self._ruled(descriptor, folder, IGNORE_FILE in names)
        keep = inner.trusted or not self._strict
        known, tree, prefix = self._known, self.tree, folder.prefix
        for name in names:
            path = prefix + name
            try:
                status = os.lstat(name, dir_fd=descriptor)
            except FileNotFoundError:
                continue
            except OSError:
                tree[path] = Entry(Unknown(Reason.UNREADABLE))
                continue
            if S_ISDIR(status.st_mode):
                self._folder(path, status, inner, keep=keep)
                continue
            entry = known.get(path)
            if keep and entry and entry.stamp == stamp_of(status):
                tree[path] = entry
            else:
                self._file(path, status, inner, keep=keep)

    def _settled(self, folder: Folder) -> bool:
        entry = self._known.get(folder.path)
        keep = folder.trusted or not self._strict
        return keep and entry is not None and isinstance(entry.state, Dir)

    def _counted(self, names: list[str], prefix: str) -> list[str]:
        names = [name for name in names if not own(name)]
        self._count += len(names)
        if self._count <= self._ground.limits.max_files:
            return names
        if self._strict:
            raise TooManyError
        self.overflow = True
        return [name for name in names if prefix + name in self._known]

    def _ruled(self, descriptor: int, folder: Folder, here: bool) -> Folder:
        """The folder with its own ignore file, and whether that is the one it was."""
        entry = self._known.get(folder.prefix + IGNORE_FILE)
        if not here and entry is None:
            return folder
        same = here and entry is not None and _unchanged(descriptor, entry)
        self.stale = self.stale or not same
        text = read_rules(descriptor) if here else ""
        rules = folder.rules.nested(folder.prefix, text) if text else folder.rules
        return Folder(folder.path, rules, folder.trusted and same)

    def _folder(self, path: str, status: os.stat_result, outer: Folder, *, keep: bool) -> None:
        reason = self._excluded_folder(path, status, outer.rules, keep=keep)
        if reason:
            self.tree[path] = Entry(Unknown(reason))
            return
        self.tree[path] = Entry(Dir(S_IMODE(status.st_mode)))
        self._pending.append(Folder(path, outer.rules, outer.trusted))

    def _excluded_folder(
        self, path: str, status: os.stat_result, rules: Rules, *, keep: bool
    ) -> Reason | None:
        if status.st_dev != self._device:
            return Reason.MOUNT
        if self._ground.root / path == self._ground.store:
            return Reason.OURS
        entry = self._known.get(path)
        if keep and entry and isinstance(entry.state, Dir | Unknown):
            return _lasting(entry)
        named = folder_reason(path.rpartition("/")[2])
        return named or (Reason.IGNORED if rules.ignores(path, folder=True) else None)

    def _file(self, path: str, status: os.stat_result, folder: Folder, *, keep: bool) -> None:
        entry = self._known.get(path)
        if keep and entry and not isinstance(entry.state, Dir):
            reason = _lasting(entry)
        else:
            reason = file_reason(path.rpartition("/")[2], status.st_mode)
            if not reason and folder.rules.ignores(path):
                reason = Reason.IGNORED
        if reason:
            self.tree[path] = unknown(reason, status)
        elif entry and isinstance(entry.state, File) and entry.stamp == stamp_of(status):
            self.tree[path] = entry
        else:
            self.todo.append(path)


def _lasting(entry: Entry) -> Reason | None:
    """Why a rule left something out; None if it did not."""
    state = entry.state
    out = isinstance(state, Unknown) and state.reason not in _PASSING
    return state.reason if out and isinstance(state, Unknown) else None


def _unchanged(descriptor: int, entry: Entry) -> bool:
    try:
        return entry.stamp == stamp_of(os.lstat(IGNORE_FILE, dir_fd=descriptor))
    except OSError:
        return False
