"""Whether a file is still what the model last saw."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ml_intern.tools.errors import ToolError
from ml_intern.tools.files.paths import explained, show
from ml_intern.tools.spec import ToolContext

HASHED = 10 * 1024 * 1024
"""Bytes up to which the content itself is compared; above, size and time of the last change."""


def fingerprint(path: Path) -> str:
    """SHA-256 of the content, of size and modification time if it is over 10 MiB."""
    with explained(path):
        status = path.stat()
        if status.st_size > HASHED:
            return digest(f"{status.st_size}:{status.st_mtime_ns}".encode())
        return digest(path.read_bytes())


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def require_current(path: Path, ctx: ToolContext, *, must_be_seen: bool) -> None:
    """Refuse to change a file on the strength of what it is no longer."""
    seen = ctx.seen.get(path)
    if seen is None:
        if must_be_seen:
            raise ToolError(
                f"{show(path)} exists and has not been read in this session. Read it first with "
                "`read`, then decide; or choose another path."
            )
    elif seen != fingerprint(path):
        raise ToolError(
            f"{show(path)} has changed on disk since it was last read. Read it again with `read`, "
            "then repeat the change on what is there now."
        )
