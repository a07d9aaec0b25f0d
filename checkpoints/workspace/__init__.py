"""The files of the working folder, turn by turn: what undo, redo and fork bring back."""

from ml_intern.checkpoints.workspace.coverage import Limits
from ml_intern.checkpoints.workspace.errors import WorkspaceError
from ml_intern.checkpoints.workspace.report import Report, Restored
from ml_intern.checkpoints.workspace.workspace import Workspace

__all__ = ["Limits", "Report", "Restored", "Workspace", "WorkspaceError"]
