"""Opens the database that holds every session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from ml_intern.checkpoints.database import Database
from ml_intern.checkpoints.sqlite import open_sqlite
from ml_intern.configs.errors import ConfigError

_SCHEMES = ("postgresql://", "postgres://")


@asynccontextmanager
async def open_database(path: Path, url: str | None = None) -> AsyncIterator[Database]:
    """The PostgreSQL database at `url`; without one, the SQLite file at `path`.

    Raises:
        ConfigError: the URL is none, or PostgreSQL's client is not installed.
        StorageError: the database cannot be used, while it is opened or later.
    """
    opening = (await asyncio.to_thread(_client, url))(url) if url else open_sqlite(path)
    async with opening as database:
        yield database


def _client(url: str) -> Callable[[str], AbstractAsyncContextManager[Database]]:
    """Imported only when used: it is an extra."""
    if not url.startswith(_SCHEMES):
        raise ConfigError("The database URL must begin with postgresql:// (SQLite needs none).")
    try:
        from ml_intern.checkpoints.postgres import open_postgres
    except ImportError as error:
        raise ConfigError(
            "Sessions in PostgreSQL need the extra 'postgres' "
            f"({error}): pip install 'ml-intern-graph[postgres]'"
        ) from error
    return open_postgres
