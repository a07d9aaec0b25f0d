"""The event loop must never be blocked: under `langgraph dev` that is an error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster

# Opening a session reads files before anything else runs; what runs in a turn is watched.
WATCHED = [f"ml_intern.{name}" for name in ("nodes", "tools", "checkpoints", "sessions.runner")]
# What langgraph's server lets pass, too: litellm and aiohttp do it on their first call.
ALLOWED = ("os.stat", "io.TextIOWrapper.read", "io.BufferedReader.read")


@pytest.fixture(autouse=True)
def no_blocking() -> Iterator[None]:
    """A blocking call inside the event loop raises `BlockingError`."""
    watch = BlockBuster(WATCHED)
    for name, function in watch.functions.items():
        if name not in ALLOWED:
            function.activate()
    yield
    watch.deactivate()
