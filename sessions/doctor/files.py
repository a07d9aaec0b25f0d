"""The records of files, one a project folder: whole, and with every content they refer to?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from ml_intern.checkpoints.workspace import Workspace, WorkspaceError
from ml_intern.checkpoints.workspace.store import Store
from ml_intern.sessions.doctor.finding import Finding, fine, problem

_REMEDY = "Undo will leave out what is missing; your own files are not touched by this."


async def check_snapshots(folder: Path, roots: Iterable[str]) -> list[Finding]:
    """Each record of files under `folder` that belongs to one of the working folders `roots`."""
    found = [await asyncio.to_thread(_check, folder, Path(root)) for root in sorted(roots)]
    wrong = [finding for findings in found for finding in findings or []]
    checked = sum(findings is not None for findings in found)
    said = f"{checked} {'folder' if checked == 1 else 'folders'} with records for undo"
    return wrong or [fine("file snapshots", said)]


def _check(folder: Path, root: Path) -> list[Finding] | None:
    """What is wrong; None if there is no record of that folder."""
    try:
        if not Store(folder.resolve(), root.resolve()).exists():
            return None
        wrong = Workspace(folder, root, "").check()
    except (WorkspaceError, OSError) as error:
        return [problem("file snapshots", f"{root}: {error}")]
    return [problem("file snapshots", f"{root}: {said}", _REMEDY) for said in wrong]
