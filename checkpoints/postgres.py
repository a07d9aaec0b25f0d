"""Sessions in PostgreSQL: for teams, and for machines whose disk does not last.

The process has one connection, and everything goes through it. A session's lock belongs to that
connection: who loses it loses the lock and can write no more, so two writers cannot be. It must
lead to the server itself, not to a pooler that shares connections between transactions.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import psycopg
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from ml_intern.checkpoints.clock import NEWEST, seed
from ml_intern.checkpoints.database import Row, Statement, StorageError
from ml_intern.checkpoints.explain import explained
from ml_intern.checkpoints.postgres_lock import AdvisoryLock, holder, own_name
from ml_intern.checkpoints.postgres_saver import PostgresSaver
from ml_intern.checkpoints.schema import SCHEMA_VERSION, steps
from ml_intern.checkpoints.settled import settled
from ml_intern.configs.errors import ConfigError

_SCHEMA = "ml_intern"
"""PostgreSQL's: our tables' names are too common to stand among a user's own."""
_CLIENT = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""libpq's: a dead network is noticed within half a minute. Seconds; milliseconds the last."""
_SERVER = {
    "search_path": _SCHEMA,
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "idle_session_timeout": "0",
}
"""The server's: it frees the locks of a host that died, and lets a user think."""
_SET = """SELECT set_config(name, %s ->> name, false)
    FROM pg_settings WHERE name = ANY(%s)"""
_VERSION = (
    "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)",
    "DELETE FROM schema_version",
    f"INSERT INTO schema_version VALUES ({SCHEMA_VERSION})",
)
_SIZE = """SELECT
    (SELECT coalesce(sum(pg_column_size(checkpoint) + pg_column_size(metadata)), 0)
        FROM checkpoints WHERE thread_id = ?) +
    (SELECT coalesce(sum(pg_column_size(blob)), 0) FROM checkpoint_blobs WHERE thread_id = ?) +
    (SELECT coalesce(sum(pg_column_size(blob)), 0) FROM checkpoint_writes WHERE thread_id = ?)"""


class PostgresDatabase:
    """A `Database` on one connection."""

    def __init__(self, saver: PostgresSaver, name: str) -> None:
        self.saver: BaseCheckpointSaver[str] = saver
        self.name = name
        self._saver = saver
        self._ours: set[str] = set()

    async def fetch(self, query: str, *values: Any) -> list[Row]:  # noqa: ANN401 - SQL values
        """The rows of a query; waits while a `saver.alist` is being read."""
        with explained(self.name):
            return await self._saver.rows(_translated(query), _storable(values))

    async def write(self, *statements: Statement) -> None:
        """Carry out statements in one transaction; durable when it returns, also if cancelled."""
        with explained(self.name):
            await settled(self._write(statements))

    async def _write(self, statements: Sequence[Statement]) -> None:
        async with self._saver.transaction() as cursor:
            for statement, values in statements:
                await cursor.execute(_translated(statement).encode(), _storable(values))

    @asynccontextmanager
    async def hold(self, session_id: str) -> AsyncIterator[None]:
        """Be the one writer of a session, until closed, dead or disconnected."""
        lock = AdvisoryLock(self._saver, session_id, self._ours)
        try:
            with explained(self.name):
                await settled(lock.take())
            seed(await self.fetch(NEWEST, session_id))
            yield
        finally:
            await settled(lock.release())

    async def held(self, session_id: str) -> str:
        """Who writes to a session now; "" for nobody."""
        with explained(self.name):
            return str(await holder(self._saver, session_id) or "")

    async def prune(self, session_id: str, oldest: str) -> None:
        """Delete the checkpoints of a session before the one with the id `oldest`."""
        with explained(self.name):
            await self._saver.aprune_before(session_id, oldest)

    async def shrink(self) -> None:
        """Nothing: the server's autovacuum sees to it."""

    async def size(self, session_id: str) -> int:
        """Bytes that the checkpoints of a session take, compressed as they are stored."""
        return int((await self.fetch(_SIZE, *[session_id] * 3))[0][0])


@asynccontextmanager
async def open_postgres(url: str) -> AsyncIterator[PostgresDatabase]:
    """The database at `url`, with our tables made or brought up to date.

    Raises:
        ConfigError: the URL cannot be read.
        StorageError: the database cannot be used, here or later; or it is of a newer version.
    """
    parameters = _parameters(url)
    name = _shown(parameters)
    with explained(name):
        async with await AsyncConnection[DictRow].connect(
            autocommit=True, prepare_threshold=0, row_factory=dict_row, **parameters
        ) as connection:
            # None: messages and plain values only; the default runs code found in a checkpoint.
            serializer = JsonPlusSerializer(allowed_msgpack_modules=None)
            saver = PostgresSaver(connection, serde=serializer)
            await _prepare(saver, name)
            yield PostgresDatabase(saver, name)


def _parameters(url: str) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        given = {}  # Its message may repeat the password.
    if not given or _misread(given):
        raise ConfigError(
            "The database URL cannot be read. It has the form "
            "postgresql://user:password@host:5432/database; special characters in it are written "
            "as %40 for @, %2F for /, and so on."
        )
    return {**_CLIENT, **given, "application_name": own_name()}


def _misread(given: Mapping[str, Any]) -> bool:
    """Whether part of a password with an @ or / in it was taken for something else."""
    host, port, database = (str(given.get(name, "")) for name in ("host", "port", "dbname"))
    return "@" in host + database or re.fullmatch(r"[\d,]*", port) is None


def _shown(parameters: dict[str, Any]) -> str:
    user, host = parameters.get("user"), parameters.get("host", "localhost")
    port = f":{parameters['port']}" if "port" in parameters else ""
    at = f"{quote(user)}@" if user else ""
    return f"postgresql://{at}{host}{port}/{parameters.get('dbname', '')}"


async def _prepare(saver: PostgresSaver, name: str) -> None:
    await saver.rows(_SET, (Jsonb(_SERVER), list(_SERVER)))
    lock = AdvisoryLock(saver, "schema", set())
    try:
        # Two that make the same tables at once disturb each other, even with IF NOT EXISTS.
        await settled(lock.take(patience=30))
        await _migrate(saver, name)
    finally:
        await settled(lock.release())


async def _migrate(saver: PostgresSaver, name: str) -> None:
    found = await _version(saver)
    if found > SCHEMA_VERSION:
        raise StorageError(
            f"{name} was written by a newer ml-intern (schema {found}, this one knows "
            f"{SCHEMA_VERSION}). Upgrade, or use another database."
        )
    if not (await saver.rows("SELECT to_regnamespace(%s)", (_SCHEMA,)))[0][0]:
        await saver.rows(f"CREATE SCHEMA {_SCHEMA}")
    await saver.setup()
    if found < SCHEMA_VERSION:
        async with saver.transaction() as cursor:
            for step in (*_VERSION, *steps(found)):
                await cursor.execute(step.encode())


async def _version(saver: PostgresSaver) -> int:
    if (await saver.rows("SELECT to_regclass('schema_version')"))[0][0] is None:
        return 0
    return int((await saver.rows("SELECT max(version) FROM schema_version"))[0][0])


def _translated(statement: str) -> str:
    return statement.replace("?", "%s")


def _storable(values: Sequence[Any]) -> list[Any]:
    """PostgreSQL's text cannot hold NUL."""
    return [value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in values]
