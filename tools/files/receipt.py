"""Remembers what an edit was about to do, so that repeating the call does not do it twice.

"Insert this line" leaves a file in which the same insertion is possible again, so looking at the
file does not tell whether it was done. The receipt does: written before the change, it holds the
content's digest before and after.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ml_intern.tools.output import create
from ml_intern.tools.spec import ToolContext


@dataclass(frozen=True, slots=True)
class Receipt:
    """The digests of a file before and after one call's change."""

    before: str
    after: str


def place(ctx: ToolContext, path: Path, call: str) -> Path:
    """Where the receipt of this call on this file is kept."""
    key = "\0".join([ctx.call_id, str(path), call]).encode("utf-8", "surrogateescape")
    return ctx.spill / "receipts" / hashlib.sha256(key).hexdigest()[:40]


def find(at: Path) -> Receipt | None:
    """The receipt left by an earlier run of the same call."""
    try:
        before, after = at.read_text(encoding="ascii").split()
    except (FileNotFoundError, ValueError):
        return None
    return Receipt(before, after)


def leave(at: Path, receipt: Receipt) -> None:
    """Make the receipt durable."""
    with create(at) as file:
        file.write(f"{receipt.before} {receipt.after}\n".encode("ascii"))
        file.flush()
        os.fsync(file.fileno())
