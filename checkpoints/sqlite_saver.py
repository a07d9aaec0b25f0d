"""LangGraph's SQLite saver, completed: it prunes, copies, and leaves no half of anything behind."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any

import aiosqlite
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from ml_intern.checkpoints.database import Row
from ml_intern.checkpoints.prune import Cut, PruningSaver
from ml_intern.checkpoints.settled import settled

_COLUMNS = {
    "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
    "writes": "checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value",
}
"""Of the saver's tables, all but `thread_id`."""


class _Lock(asyncio.Lock):
    """Leaves no transaction open: what fails or is cancelled halfway is rolled back.

    Without it, the half would be committed with whatever is written next.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        super().__init__()
        self._connection = connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is not None:
                with suppress(ValueError, aiosqlite.Error):  # closed, or nothing to roll back
                    await settled(self._connection.rollback())
        finally:
            self.release()


class SqliteSaver(PruningSaver, AsyncSqliteSaver):
    """LangGraph's saver, which can also prune and copy."""

    def __init__(
        self, connection: aiosqlite.Connection, *, serde: SerializerProtocol | None = None
    ) -> None:
        AsyncSqliteSaver.__init__(self, connection, serde=serde)
        self.lock = _Lock(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Everything within it, or nothing."""
        await self.setup()
        async with self.lock:
            await self.conn.execute("BEGIN IMMEDIATE")
            yield self.conn
            await self.conn.commit()

    async def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query, none of them from a transaction that is still open."""
        await self.setup()
        async with self.lock:
            return [tuple(row) for row in await self.conn.execute_fetchall(query, values)]

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread whole; what the target already has stays."""
        await settled(self._copy(source_thread_id, target_thread_id))

    async def _copy(self, source: str, target: str) -> None:
        async with self.transaction() as connection:
            for table, columns in _COLUMNS.items():
                await connection.execute(
                    f"INSERT OR IGNORE INTO {table} (thread_id, {columns}) "
                    f"SELECT ?, {columns} FROM {table} WHERE thread_id = ?",
                    (target, source),
                )

    async def _of_runs(self, run_ids: Sequence[str]) -> Mapping[tuple[str, str], Collection[str]]:
        query = (
            "SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints "
            "WHERE json_extract(CAST(metadata AS TEXT), '$.run_id') "
            "IN (SELECT value FROM json_each(?))"
        )
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for thread, ns, id_ in await self.rows(query, (json.dumps(list(run_ids)),)):
            found[thread, ns].add(id_)
        return found

    async def _remove(
        self, thread: str, ns: str, doomed: Collection[str], cuts: Sequence[Cut]
    ) -> None:
        rewritten = [(*self._written(cut), thread, ns, cut.id) for cut in cuts]
        gone = [(thread, ns, id_) for id_ in doomed]
        where = "WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?"
        columns = "parent_checkpoint_id = ?, type = ?, checkpoint = ?, metadata = ?"
        async with self.transaction() as connection:
            await connection.executemany(f"UPDATE checkpoints SET {columns} {where}", rewritten)
            for table in _COLUMNS:
                await connection.executemany(f"DELETE FROM {table} {where}", gone)

    def _written(self, cut: Cut) -> tuple[str | None, str, bytes, bytes]:
        checkpoint = cut.saved.checkpoint
        values = {**checkpoint["channel_values"], **cut.snapshots}
        kind, blob = self.serde.dumps_typed({**checkpoint, "channel_values": values})
        return cut.parent, kind, blob, json.dumps(cut.metadata, ensure_ascii=False).encode()
