"""An event loop for a command that needs one: `--help` does without the import of asyncio."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns."""
    import asyncio

    return asyncio.run(work)
