"""Carries out a plan: brings paths from one state to another, and touches nothing else.

Repeated after a crash, it goes on where it was: what is already as it should be is left. Times,
owners of deleted files, hard links and extended attributes are not brought back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from ml_intern.checkpoints.workspace.look import look, look_at, parent
from ml_intern.checkpoints.workspace.place import (
    place_file,
    place_folder,
    place_link,
    sync_folder,
    writable,
)
from ml_intern.checkpoints.workspace.plan import Step, fits, opened, same
from ml_intern.checkpoints.workspace.report import Gap
from ml_intern.checkpoints.workspace.states import (
    ABSENT,
    Absent,
    Dir,
    File,
    Link,
    Reason,
    State,
    Unknown,
)
from ml_intern.checkpoints.workspace.tree import ancestors

Content = Callable[[bytes], bytes | None]
"""The content of a digest; None if the store does not have it."""

_FULL = (errno.ENOTEMPTY, errno.EEXIST)


class ChangedError(Exception):
    """A path is not, or no longer, what it should be."""


class Restoration:
    """One undo, redo or copy."""

    def __init__(self, root: Path, limit: int, content: Content, *, sync: bool = True) -> None:
        self.restored: list[str] = []
        self.conflicts: list[str] = []
        self.failed: list[Gap] = []
        self._root = root
        self._limit = limit
        self._content = content
        self._sync = sync
        self._touched: set[str] = set()

    def run(self, steps: Iterable[Step]) -> None:
        """Bring every path to its target, if it is as expected; never raises for a path's sake."""
        ready = self._ready(sorted(steps))
        moving = [step for step, current in ready.items() if not same(current, step.target)]
        self._each(filter(_goes, reversed(moving)), self._clear)
        self._each(filter(_is_new_folder, moving), self._make)
        self._each((s for s in moving if isinstance(s.target, File | Link)), self._fill)
        self._each((s for s in reversed(ready) if isinstance(s.target, Dir)), self._close)
        lost = {*self.conflicts, *(path for path, _ in self.failed)}
        self.restored = [s.path for s in ready if s.path not in lost and s.expected != s.target]
        if self._sync:
            self._make_durable()

    def _ready(self, steps: Sequence[Step]) -> dict[Step, State]:
        """The steps that can be taken, or need not be, with what is there; others are conflicts."""
        ready: dict[Step, State] = {}
        turning: set[str] = set()
        for step in steps:
            current = self._now(step.path)
            if current == Unknown(Reason.BLOCKED) and not turning.isdisjoint(ancestors(step.path)):
                current = ABSENT
            if not same(current, step.target) and not fits(current, step):
                self.conflicts.append(step.path)
                continue
            ready[step] = current
            if isinstance(current, File | Link):
                turning.add(step.path)
        return ready

    def _now(self, path: str) -> State:
        return look_at(self._root, path, self._limit)

    def _each(self, steps: Iterable[Step], act: Callable[[Step, int, str], None]) -> None:
        lost = {*self.conflicts, *(path for path, _ in self.failed)}
        for step in steps:
            if step.path in lost:
                continue
            try:
                with parent(self._root, step.path) as (folder, name), writable(folder):
                    act(step, folder, name)
            except (ChangedError, FileNotFoundError, NotADirectoryError):
                self.conflicts.append(step.path)
            except OSError as error:
                self.failed.append((step.path, error.strerror or str(error)))

    def _check(self, step: Step, folder: int, name: str) -> None:
        try:
            current: State = look(folder, name, self._limit).state
        except FileNotFoundError:
            current = ABSENT
        if not fits(current, step):
            raise ChangedError

    def _clear(self, step: Step, folder: int, name: str) -> None:
        """Take away what is to go, and what a folder cannot replace or be replaced by."""
        self._touched.add(step.path)
        self._check(step, folder, name)
        if not isinstance(step.expected, Dir):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
            return
        try:
            os.rmdir(name, dir_fd=folder)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in _FULL:
                raise
            if not isinstance(step.target, Absent):
                raise ChangedError from error
            self.failed.append((step.path, "a folder that is not empty"))

    def _make(self, step: Step, folder: int, name: str) -> None:
        assert isinstance(step.target, Dir)
        self._touched.add(step.path)
        check = partial(self._check, step, folder, name)
        place_folder(folder, name, opened(step.target.mode), check)

    def _fill(self, step: Step, folder: int, name: str) -> None:
        check = partial(self._check, step, folder, name)
        self._touched.add(step.path)
        match step.target:
            case File(digest, mode):
                data = self._content(digest)
                if data is None:
                    self.failed.append((step.path, "its stored content is damaged"))
                else:
                    place_file(folder, name, data, mode, check, sync=self._sync)
            case Link(target):
                place_link(folder, name, target, check)
            case _:
                pass

    def _close(self, step: Step, folder: int, name: str) -> None:
        """Give folders their modes, now that they are filled."""
        assert isinstance(step.target, Dir)
        current = look(folder, name, self._limit).state
        if not isinstance(current, Dir):
            raise ChangedError
        if current.mode != step.target.mode:
            os.chmod(name, step.target.mode, dir_fd=folder)

    def _make_durable(self) -> None:
        for path in {next(ancestors(path)) for path in self._touched}:
            try:
                with parent(self._root, f"{path}/." if path else ".") as (folder, _):
                    sync_folder(folder)
            except OSError:
                continue


def _goes(step: Step) -> bool:
    was, will = step.expected, step.target
    if isinstance(was, Absent):
        return False
    return isinstance(will, Absent) or isinstance(was, Dir) != isinstance(will, Dir)


def _is_new_folder(step: Step) -> bool:
    return isinstance(step.target, Dir) and not isinstance(step.expected, Dir)
