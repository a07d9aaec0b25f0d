"""The index of sessions: what they are called, where they ran, and with what options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

_COLUMNS = "id, cwd, title, system_prompt, options, created, updated"
_RECORD = """
INSERT INTO sessions (id, used, cwd, title, system_prompt, options, created, updated)
VALUES (?, (SELECT coalesce(max(used), 0) + 1 FROM sessions), ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    used = excluded.used, options = excluded.options, updated = excluded.updated,
    title = CASE title WHEN '' THEN excluded.title ELSE title END
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A session's row."""

    id: str
    """A UUID, so that LangGraph's server can open the same thread."""
    cwd: str
    system_prompt: str
    """Rendered once: a changed prompt would void the provider's cache and signed thinking."""
    options: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    created: str = ""
    updated: str = ""


class Threads:
    """Reads and writes the index."""

    def __init__(self, saver: AsyncSqliteSaver) -> None:
        self._connection = saver.conn
        self._lock = saver.lock

    async def record(self, thread: Thread) -> None:
        """Enter a session, or update it, as the one used last. A title once given stays."""
        options = json.dumps(dict(thread.options))
        now = _now()
        values = (thread.id, thread.cwd, thread.title, thread.system_prompt, options, now, now)
        # The saver's transactions run on the same connection; its lock keeps ours out of them.
        async with self._lock:
            await self._connection.execute(_RECORD, values)
            await self._connection.commit()

    async def find(self, prefix: str) -> list[Thread]:
        """The sessions whose id begins with `prefix`, the one used last first."""
        escaped = prefix.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        return await self._read("WHERE id LIKE ? ESCAPE '\\'", (f"{escaped}%",))

    async def latest(self, cwd: str) -> Thread | None:
        """The session used last in a folder."""
        found = await self._read("WHERE cwd = ?", (cwd,), limit=1)
        return found[0] if found else None

    async def recent(self, limit: int = 50) -> list[Thread]:
        """The sessions used last, newest first."""
        return await self._read("", (), limit=limit)

    async def _read(self, where: str, values: tuple[Any, ...], limit: int = -1) -> list[Thread]:
        query = f"SELECT {_COLUMNS} FROM sessions {where} ORDER BY used DESC LIMIT ?"
        async with self._connection.execute(query, (*values, limit)) as cursor:
            return [_thread(row) for row in await cursor.fetchall()]


def _thread(row: aiosqlite.Row) -> Thread:
    thread_id, cwd, title, prompt, options, created, updated = row
    return Thread(id=thread_id, cwd=cwd, title=title, system_prompt=prompt,
                  options=json.loads(options), created=created, updated=updated)  # fmt: skip


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
