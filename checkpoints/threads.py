"""The index of sessions: title, folder, options, and how each stands."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote_from_bytes, unquote_to_bytes

from ml_intern.checkpoints.database import Database, Row, Statement
from ml_intern.configs.text import clean

ThreadState = Literal["", "running", "finished", "waiting", "interrupted"]
"""How the newest turn stands; `running` in a thread that nobody holds means it was cut off."""

_COLUMNS = "id, cwd, title, system_prompt, options, created, updated, state, usage, turns, move"
_RECORD = """
INSERT INTO sessions (id, used, cwd, title, system_prompt, options, created, updated)
VALUES (?, (SELECT coalesce(max(used), 0) + 1 FROM sessions), ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    used = excluded.used, options = excluded.options, updated = excluded.updated,
    title = CASE sessions.title WHEN '' THEN excluded.title ELSE sessions.title END
"""
_NOTE = "UPDATE sessions SET state = ?, usage = coalesce(?, usage), updated = ? WHERE id = ?"
_QUOTED = "bytes:"
_OF_SESSION = ("archive", "inbox", "turns", "journal", "sessions")


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
    """UTC, ISO 8601; for display. The order of use is kept apart, by a counter."""
    state: ThreadState = ""
    usage: Mapping[str, float] = field(default_factory=dict)
    turns: int = 0
    move: str = ""
    """An undo or redo that a crash cut off, to be completed; see `timeline.py`."""


class Threads:
    """Reads and writes the index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> str:
        """The database's name, for messages."""
        return self._database.name

    async def record(self, thread: Thread) -> None:
        """Enter a session, or update it, as the one used last. A title once given stays."""
        options, now = json.dumps(dict(thread.options)), _now()
        await self._database.write(
            (_RECORD, (thread.id, _storable(thread.cwd), clean(thread.title)[0],
                       clean(thread.system_prompt)[0], options, now, now))
        )  # fmt: skip

    async def note(
        self, thread_id: str, state: ThreadState, usage: Mapping[str, float] | None = None
    ) -> None:
        """Note how a session's newest turn stands, and what the session used so far."""
        spent = None if usage is None else json.dumps(dict(usage))
        await self._database.write((_NOTE, (state, spent, _now(), thread_id)))

    async def rename(self, thread_id: str, title: str) -> None:
        """Give a session another title."""
        await self._database.write(
            ("UPDATE sessions SET title = ? WHERE id = ?", (clean(title)[0], thread_id))
        )

    async def remove(self, thread_id: str) -> None:
        """Delete a session and its rows in every table. Its files are the caller's."""
        await self._database.saver.adelete_thread(thread_id)
        await self._database.write(*(_deletion(table, thread_id) for table in _OF_SESSION))

    async def find(self, prefix: str) -> list[Thread]:
        """The sessions whose id begins with `prefix`, the one used last first."""
        escaped = prefix.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        return await self._read("WHERE id LIKE ? ESCAPE '!'", f"{escaped}%")

    async def latest(self, cwd: str) -> Thread | None:
        """The session used last in a folder."""
        found = await self._read("WHERE cwd = ?", _storable(cwd), limit=1)
        return found[0] if found else None

    async def recent(self, limit: int = 50) -> list[Thread]:
        """The sessions used last, newest first."""
        return await self._read("", limit=limit)

    async def _read(self, where: str, *values: str, limit: int = 1000) -> list[Thread]:
        query = f"SELECT {_COLUMNS} FROM sessions {where} ORDER BY used DESC LIMIT ?"
        return [_thread(row) for row in await self._database.fetch(query, *values, limit)]


def _thread(row: Row) -> Thread:
    thread_id, cwd, title, prompt, options, created, updated, state, usage, turns, move = row
    return Thread(
        id=thread_id, cwd=_folder(cwd), title=title, system_prompt=prompt,
        options=_object(options), created=created, updated=updated, state=state,
        usage=_object(usage), turns=turns, move=move,
    )  # fmt: skip


def _object(text: str) -> dict[str, Any]:
    """What was stored as JSON; nothing if it is damaged: the session can still be opened."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _deletion(table: str, thread_id: str) -> Statement:
    column = "id" if table == "sessions" else "session"
    return (f"DELETE FROM {table} WHERE {column} = ?", (thread_id,))


def _storable(folder: str) -> str:
    """A folder's name as text: one that is not UTF-8 is quoted, and told by its beginning."""
    try:
        folder.encode()
    except UnicodeEncodeError:
        return _QUOTED + quote_from_bytes(os.fsencode(folder))
    return folder


def _folder(stored: str) -> str:
    if not stored.startswith(_QUOTED):
        return stored
    return os.fsdecode(unquote_to_bytes(stored.removeprefix(_QUOTED)))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
