"""Every database that a released version left behind is opened, brought up to date and read."""

from __future__ import annotations

import asyncio
import gzip
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph

from ml_intern.checkpoints import schema
from ml_intern.checkpoints.database import StorageError
from ml_intern.checkpoints.saver import open_database
from ml_intern.graph.state import AgentState

STORED = sorted(Path(__file__).with_name("stored").glob("*.sqlite.gz"))
NODES = ("compaction", "llm", "doom_check", "approval", "tool_execute")


@pytest.fixture(params=STORED, ids=lambda path: path.name)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "sessions.sqlite"
    path.write_bytes(gzip.decompress(request.param.read_bytes()))
    return path


def compiled(saver: BaseCheckpointSaver[str]) -> Any:
    """A graph of the agent's shape: enough to read its threads."""
    builder: Any = StateGraph(AgentState)
    for node in NODES:
        builder.add_node(node, lambda _: {})
    builder.add_edge(START, "compaction")
    return builder.compile(checkpointer=saver)


def of(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread}}


async def said(graph: Any, thread: str) -> list[list[str]]:
    """The messages of every checkpoint, newest first."""
    found = [state async for state in graph.aget_state_history(of(thread))]
    return [[message.text for message in state.values.get("messages", [])] for state in found]


def test_there_is_an_example_of_every_released_version() -> None:
    versions = {int(path.name.removeprefix("v").split(".")[0]) for path in STORED}
    assert versions == set(range(1, schema.SCHEMA_VERSION))


async def test_every_thread_of_it_can_be_read(stored: Path) -> None:
    with closing(sqlite3.connect(stored)) as before:
        counts = dict(before.execute("SELECT thread_id, count(*) FROM checkpoints GROUP BY 1"))
        sessions = before.execute("SELECT id, cwd, title, created FROM sessions").fetchall()
        journal = before.execute("SELECT session, call, done, ok, text FROM journal").fetchall()
    async with open_database(stored) as database:
        graph = compiled(database.saver)
        assert await database.fetch("PRAGMA user_version") == [(schema.SCHEMA_VERSION,)]
        assert await database.fetch("SELECT id, cwd, title, created FROM sessions") == sessions
        assert await database.fetch("SELECT session, call, done, ok, text FROM journal") == journal
        assert {session[0] for session in sessions} == set(counts)
        for thread, count in counts.items():
            history = await said(graph, thread)
            assert len(history) == count
            head = await graph.aget_state(of(thread))
            assert [m.text for m in head.values["messages"]] == history[0]
            assert history[0]


async def test_its_sessions_stand_where_they_stood(tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite"
    path.write_bytes(gzip.decompress(STORED[0].read_bytes()))
    async with open_database(path) as database:
        graph = compiled(database.saver)
        ids: dict[str, str] = dict(await database.fetch("SELECT title, id FROM sessions"))
        states = {title: await graph.aget_state(of(id_)) for title, id_ in ids.items()}
    assert {title: state.next for title, state in states.items()} == {
        "make a.txt": (),
        "ask me": ("approval",),
        "run it": ("tool_execute",),
    }
    assert states["ask me"].interrupts
    assert not states["run it"].interrupts


async def test_it_becomes_like_a_new_one(stored: Path, tmp_path: Path) -> None:
    for path in (stored, tmp_path / "new.sqlite"):
        async with open_database(path) as database:
            assert await database.fetch("PRAGMA auto_vacuum") == [(2,)]
    columns = [described(path) for path in (stored, tmp_path / "new.sqlite")]
    assert columns[0] == columns[1]
    assert "journal" in columns[0]


def described(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as file:
        tables = file.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
        return {
            name: [strict, *file.execute("SELECT * FROM pragma_table_info(?)", (name,))]
            for name, strict in tables.fetchall()
        }


async def test_two_bring_it_up_to_date_at_once(stored: Path) -> None:
    async def use() -> None:
        async with open_database(stored) as database:
            assert await database.fetch("SELECT state, usage, turns, move FROM sessions")

    await asyncio.gather(*[use() for _ in range(5)])


async def test_a_crash_on_the_way_leaves_the_old_version(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(stored)) as before:
        (found,) = before.execute("PRAGMA user_version").fetchone()
    broken = (*schema.MIGRATIONS[found][:2], "ALTER TABLE nowhere ADD COLUMN x TEXT")
    with monkeypatch.context() as patch:
        patch.setitem(schema.MIGRATIONS, found, broken)
        with pytest.raises(StorageError, match="nowhere"):
            async with open_database(stored):
                pass
    with closing(sqlite3.connect(stored)) as after:
        assert after.execute("PRAGMA user_version").fetchone() == (found,)
    async with open_database(stored) as database:
        assert await database.fetch("PRAGMA user_version") == [(schema.SCHEMA_VERSION,)]


async def test_its_threads_can_be_pruned_and_go_on(stored: Path) -> None:
    async with open_database(stored) as database:
        graph = compiled(database.saver)
        for (thread,) in await database.fetch("SELECT id FROM sessions"):
            before = await said(graph, thread)
            await database.saver.aprune([thread])
            assert await said(graph, thread) == before[:1]
            async with database.hold(thread):
                await graph.ainvoke({"messages": [HumanMessage("go on")]}, of(thread))
            assert (await said(graph, thread))[0] == [*before[0], "go on"]
