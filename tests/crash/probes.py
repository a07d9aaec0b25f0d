"""What is watched in the victim: every statement it sends to its database; and its clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import aiosqlite.core
import langgraph.checkpoint.base.id as ids

from crash.edges import Edges

WATCHED = (
    "execute", "executemany", "executescript", "_execute_fetchall", "_execute_insert", "commit",
    "rollback",
)  # fmt: skip


def install(edges: Edges) -> None:
    """Put an edge before and after every statement, in whatever database."""
    _watch_sqlite(edges)
    with suppress(ImportError):  # an extra
        _watch_postgres(edges)


def _watch_sqlite(edges: Edges) -> None:
    """In the thread that carries it out, at the last moment before and the first after."""
    connection: Any = aiosqlite.core.Connection
    send = connection._execute

    async def watched(self: Any, fn: Callable[..., Any], *args: Any, **options: Any) -> Any:
        name = getattr(fn, "__name__", "")
        if name not in WATCHED:
            return await send(self, fn, *args, **options)

        def carry_out() -> Any:
            detail = _detail(*args) if args else name
            edges.reach("before statement", detail)
            result = fn(*args, **options)
            edges.reach("after statement", detail)
            return result

        return await send(self, carry_out)

    connection._execute = watched


def _watch_postgres(edges: Edges) -> None:
    """Around every round trip: all of them go through `wait`."""
    connection: Any = import_module("psycopg").AsyncConnection
    wait = connection.wait

    async def watched(self: Any, *args: Any, **options: Any) -> Any:
        edges.reach("before statement", getattr(self, "detail", ""))
        result = await wait(self, *args, **options)
        edges.reach("after statement", getattr(self, "detail", ""))
        return result

    connection.wait = watched
    _note_statements()


def _note_statements() -> None:
    """Let a connection know what it is doing, for the trace."""
    psycopg: Any = import_module("psycopg")
    cursor, connection = psycopg.AsyncCursor, psycopg.AsyncConnection
    execute, command = cursor.execute, connection._exec_command

    def executing(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        self.connection.detail = _detail(_text(query), *args[:1])
        return execute(self, query, *args, **options)

    def commanding(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        self.detail = _text(query)
        return command(self, query, *args, **options)

    cursor.execute, connection._exec_command = executing, commanding


def _text(query: Any) -> str:
    return query.decode() if isinstance(query, bytes) else str(query)


def _detail(statement: str, values: Any = ()) -> str:
    """The statement's beginning and its short values, enough to tell whose row it is."""
    known = values if isinstance(values, Sequence) else ()
    short = [value for value in known if isinstance(value, str) and len(value) <= 40]
    return " ".join([" ".join(str(statement).split())[:60], *short[:4]])


def shift_clock(seconds: int) -> None:
    """The clock that orders checkpoints is off by so much."""

    def shifted() -> int:
        return time.time_ns() + seconds * 1_000_000_000

    module: Any = ids
    module.time = SimpleNamespace(time_ns=shifted)
