"""LangGraph's PostgreSQL saver, completed: it prunes threads with delta channels, and copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, TupleRow, tuple_row
from psycopg.types.json import Jsonb

from ml_intern.checkpoints.database import Row
from ml_intern.checkpoints.prune import Cut, PruningSaver
from ml_intern.checkpoints.settled import settled

_COLUMNS = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
    "checkpoint_blobs": "checkpoint_ns, channel, version, type, blob",
    "checkpoint_writes": "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, "
    "blob",
}
"""Of the saver's tables, all but `thread_id`."""
_CUT = """UPDATE checkpoints SET parent_checkpoint_id = %s, metadata = %s, checkpoint =
    jsonb_set(checkpoint, '{channel_values}', checkpoint -> 'channel_values' || %s)
    WHERE thread_id = %s AND checkpoint_ns = %s AND checkpoint_id = %s"""
_SNAPSHOT = """INSERT INTO checkpoint_blobs
    (thread_id, checkpoint_ns, channel, version, type, blob) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (thread_id, checkpoint_ns, channel, version)
    DO UPDATE SET type = excluded.type, blob = excluded.blob"""
_DOOMED = "WHERE thread_id = %s AND checkpoint_ns = %s AND checkpoint_id = ANY(%s)"
_UNUSED = """DELETE FROM checkpoint_blobs WHERE thread_id = %s AND checkpoint_ns = %s
    AND (channel, version) NOT IN (
        SELECT used.key, used.value FROM checkpoints
        CROSS JOIN LATERAL jsonb_each_text(checkpoint -> 'channel_versions') AS used
        WHERE thread_id = %s AND checkpoint_ns = %s)"""
"""A value is stored once for all checkpoints that have it."""


class PostgresSaver(PruningSaver, AsyncPostgresSaver):
    """On one connection, in autocommit mode."""

    mark = "%s"

    def __init__(
        self, connection: AsyncConnection[DictRow], *, serde: SerializerProtocol | None = None
    ) -> None:
        AsyncPostgresSaver.__init__(self, connection, serde=serde)
        self._connection = connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncCursor[TupleRow]]:
        """Everything within it, or nothing."""
        async with (
            self.lock,
            self._connection.transaction(),
            self._connection.cursor(row_factory=tuple_row) as cursor,
        ):
            yield cursor

    async def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query."""
        return await settled(self._rows(query, values))

    async def _rows(self, query: str, values: Sequence[Any]) -> list[Row]:
        async with self.lock, self._connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(query.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread whole; what the target already has stays."""
        await settled(self._copy(source_thread_id, target_thread_id))

    async def _copy(self, source: str, target: str) -> None:
        async with self.transaction() as cursor:
            for table, columns in _COLUMNS.items():
                copy = (
                    f"INSERT INTO {table} (thread_id, {columns}) SELECT %s, {columns} "
                    f"FROM {table} WHERE thread_id = %s ON CONFLICT DO NOTHING"
                )
                await cursor.execute(copy.encode(), (target, source))

    async def _of_runs(self, run_ids: Sequence[str]) -> Mapping[tuple[str, str], Collection[str]]:
        query = (
            "SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints "
            "WHERE metadata ->> 'run_id' = ANY(%s)"
        )
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for thread, ns, id_ in await self.rows(query, (list(run_ids),)):
            found[thread, ns].add(id_)
        return found

    async def _remove(
        self, thread: str, ns: str, doomed: Collection[str], cuts: Sequence[Cut]
    ) -> None:
        async with self.transaction() as cursor:
            for cut in cuts:
                # A snapshot is marked in the checkpoint and stored as the channel's value.
                marks = Jsonb(dict.fromkeys(cut.snapshots, True))
                values = (cut.parent, Jsonb(cut.metadata), marks, thread, ns, cut.id)
                await cursor.execute(_CUT, values)
                for blob in self._blobs(cut):
                    await cursor.execute(_SNAPSHOT, (thread, ns, *blob))
            for table in ("checkpoint_writes", "checkpoints"):
                delete = f"DELETE FROM {table} {_DOOMED}".encode()
                await cursor.execute(delete, (thread, ns, list(doomed)))
            await cursor.execute(_UNUSED, (thread, ns, thread, ns))

    def _blobs(self, cut: Cut) -> list[tuple[str, str, str, bytes]]:
        versions = cut.saved.checkpoint["channel_versions"]
        return [
            (name, str(versions[name]), *self.serde.dumps_typed(snapshot))
            for name, snapshot in cut.snapshots.items()
        ]
