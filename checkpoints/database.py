"""What the sessions need of a database, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver

from ml_intern.configs.errors import MlInternError

Row = tuple[Any, ...]
Statement = tuple[str, Sequence[Any]]
"""SQL that both SQLite and PostgreSQL understand, with `?` for each value; no other `?` or `%`."""


class StorageError(MlInternError):
    """The database cannot be used; the message names it and the remedy."""


class InUseError(MlInternError):
    """Another process holds the session; the message names it."""


class Database(Protocol):
    """Checkpoints and our own tables (`schema.py`), in one place."""

    saver: BaseCheckpointSaver[str]
    name: str
    """The file's path, or the URL without its password: for messages."""

    async def fetch(self, query: str, *values: Any) -> list[Row]:  # noqa: ANN401 - SQL values
        """The rows of a query; waits while someone iterates over `saver.alist`."""
        ...

    async def write(self, *statements: Statement) -> None:
        """Carry out statements in one transaction; durable when it returns, also if cancelled."""

    def hold(self, session_id: str) -> AbstractAsyncContextManager[None]:
        """Be the one writer of a session, until closed or dead.

        Raises:
            InUseError: another process is, or this one.
        """
        ...

    async def held(self, session_id: str) -> str:
        """Who writes to a session now ("process 4711 on host gpu-1, since 10:42"); "" for nobody.

        This process counts, too.
        """
        ...

    async def prune(self, session_id: str, oldest: str) -> None:
        """Delete the checkpoints of a session before the one with the id `oldest`.

        The session must be held, and at rest. Nothing is deleted if it has no such checkpoint.
        """

    async def shrink(self) -> None:
        """Give freed space back to the file system, where that is ours to do."""

    async def size(self, session_id: str) -> int:
        """Bytes that the checkpoints of a session take."""
        ...
