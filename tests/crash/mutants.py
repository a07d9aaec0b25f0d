"""Defects put into the victim, to see whether the sweep sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.pregel import Pregel

from ml_intern.checkpoints.journal import Journal

NEVER = 30
"""Seconds that storing takes where it is to be too late: the kill comes first."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A defect."""

    install: Callable[[], None]
    lasting: bool = True
    """Also in the processes after the one that is struck."""


def no_intent() -> None:
    """A call with an effect is run without a note that it begins."""

    async def begin(self: Journal, call_id: str) -> None:
        return None

    Journal.begin = begin  # type: ignore[method-assign]


def no_lock() -> None:
    """Whoever wants a session gets it."""
    from ml_intern.checkpoints.lock import FileLock

    FileLock.take = lambda self, session_id: None  # type: ignore[method-assign]


def no_seed() -> None:
    """Checkpoints are ordered by the clock."""
    from ml_intern.checkpoints import sqlite

    module: Any = sqlite
    module.seed = lambda rows: None


def late() -> None:
    """LangGraph's default durability, with the disk as slow as a disk may be."""
    stream = Pregel.astream

    def astream(self: Any, *args: Any, **options: Any) -> AsyncIterator[Any]:
        _slow("aput")
        _slow("aput_writes")
        return stream(self, *args, **{**options, "durability": "async"})

    Pregel.astream = astream  # type: ignore[method-assign]


def _slow(name: str) -> None:
    store = getattr(AsyncSqliteSaver, name)

    async def slowly(self: Any, *args: Any, **options: Any) -> Any:
        await asyncio.sleep(NEVER)
        return await store(self, *args, **options)

    setattr(AsyncSqliteSaver, name, slowly)


MUTANTS: dict[str, Mutant] = {
    "no-intent": Mutant(no_intent),
    "no-lock": Mutant(no_lock),
    "no-seed": Mutant(no_seed),
    "async": Mutant(late, lasting=False),
}
