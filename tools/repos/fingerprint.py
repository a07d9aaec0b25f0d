"""A short name for what is too long to be shown: it changes when that does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def fingerprint(parts: Iterable[object]) -> str:
    """Twelve digits of all parts in their order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:12]
