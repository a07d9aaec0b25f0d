"""What can go wrong with the record of files as a whole; single files never raise."""

from __future__ import annotations

from ml_intern.configs.errors import MlInternError


class WorkspaceError(MlInternError):
    """Files cannot be remembered or copied; the message names the thing and the remedy."""
