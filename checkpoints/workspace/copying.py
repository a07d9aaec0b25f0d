"""Copies the covered files of the folder into another one."""

from __future__ import annotations

import os
from pathlib import Path

from ml_intern.checkpoints.workspace.coverage import Ground
from ml_intern.checkpoints.workspace.errors import WorkspaceError
from ml_intern.checkpoints.workspace.plan import Plan, Step, fits
from ml_intern.checkpoints.workspace.report import Report, phrases
from ml_intern.checkpoints.workspace.restore import Content, Restoration
from ml_intern.checkpoints.workspace.states import ABSENT, Absent, State, Unknown
from ml_intern.checkpoints.workspace.tree import Tree, state_in


def require_empty(ground: Ground, folder: Path) -> Path:
    """The folder to copy to, links resolved.

    Raises:
        WorkspaceError: it is not empty, or is the working folder, in it or above it.
    """
    target = folder.resolve()
    if target.is_relative_to(ground.root) or ground.root.is_relative_to(target):
        raise WorkspaceError(
            f"{folder} is the working folder, is inside it or holds it. Choose a folder elsewhere."
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
        empty = next(target.iterdir(), None) is None
    except OSError as error:
        raise WorkspaceError(
            f"{folder} cannot be copied to: {error.strerror or error}. Choose another folder."
        ) from error
    if not empty:
        raise WorkspaceError(f"{folder} is not empty. Choose a new or an empty folder.")
    return target


def require_scanned(ground: Ground, tree: Tree) -> None:
    """Refuse to copy what is not followed.

    Raises:
        WorkspaceError: the folder was not scanned.
    """
    root = tree[""].state
    if isinstance(root, Unknown):
        raise WorkspaceError(
            f"The files of {ground.root} cannot be copied: {root.reason.value}. Copy those you "
            "need yourself."
        )


def earlier(tree: Tree, plan: Plan) -> dict[str, State]:
    """The tree with a plan carried out, as far as it fits."""
    states = {path: entry.state for path, entry in tree.items() if path}
    for step in plan.steps:
        if fits(state_in(tree, step.path), step):
            states[step.path] = step.target
    return states


def copy(states: dict[str, State], folder: Path, limit: int, content: Content) -> Report:
    """Write states into an empty folder."""
    wanted = {
        path: state for path, state in states.items() if not isinstance(state, Absent | Unknown)
    }
    work = Restoration(folder, limit, content, sync=False)
    work.run(Step(path, ABSENT, state, whole=True) for path, state in wanted.items())
    os.sync()
    left = [(path, s.reason.value) for path, s in states.items() if isinstance(s, Unknown)]
    stopped = [(path, "its folder could not be copied") for path in work.conflicts]
    copied = tuple(Path(path) for path in work.restored)
    return Report(copied, phrases([*left, *work.failed, *stopped]))
