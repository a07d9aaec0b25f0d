"""The doctor knows the archive: what is damaged or lost is named, what can be read is saved."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from harness import surroundings
from ml_intern.checkpoints.archive import Archive
from ml_intern.checkpoints.sqlite import open_sqlite
from ml_intern.checkpoints.threads import Thread
from ml_intern.configs.paths import Home
from ml_intern.nodes.policies.archived import archived_marking
from ml_intern.nodes.policies.marks import marking
from ml_intern.sessions.doctor.finding import Finding
from ml_intern.sessions.doctor.orphans import orphan_rows
from ml_intern.sessions.doctor.salvage import salvage
from ml_intern.sessions.doctor.stored import check_sessions
from ml_intern.sessions.opening import Sessions, open_sessions

GONE = [AIMessage(f"step {n}: " + "x" * 3000, id=str(n)) for n in range(40)]


def thread(root: Path) -> Thread:
    return Thread(id="s", cwd=str(root / "work"), system_prompt="p", title="t")


async def compacted(sessions: Sessions, root: Path) -> None:
    """A session whose history names two batches, of which one was never stored."""
    at = sessions.look(thread(root))
    await sessions.threads.record(at.thread)
    await Archive(sessions.database, "s").keep("a", GONE)
    marks = {**marking("summary"), **archived_marking(["a", "lost"])}
    messages = [HumanMessage("first"), HumanMessage("SUMMARY.", additional_kwargs=marks)]
    async with sessions.database.hold("s"):
        await at.graph.aupdate_state(at.config, {"messages": messages}, as_node="llm")


async def findings(sessions: Sessions) -> list[Finding]:
    return await check_sessions(sessions, await sessions.threads.recent(), None)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    async with open_sessions(surroundings("http://127.0.0.1:1", tmp_path)) as sessions:
        await compacted(sessions, tmp_path)
    return Home(tmp_path / "home").database


def rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT * FROM archive ORDER BY batch, position").fetchall()


async def test_what_is_lost_is_named(tmp_path: Path, path: Path) -> None:
    async with open_sessions(surroundings("http://127.0.0.1:1", tmp_path)) as sessions:
        (said,) = [f.found for f in await findings(sessions) if f.level == "warning"]
        assert said == "what 1 of 2 compactions took out of its history is lost"


async def test_what_is_damaged_is_named_and_dropped(tmp_path: Path, path: Path) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE archive SET message = '{\"type\": 1}' WHERE position = 7")
    around = surroundings("http://127.0.0.1:1", tmp_path)
    async with open_sessions(around) as sessions:
        (said,) = [f.found for f in await findings(sessions) if f.level == "problem"]
        assert said == "archived messages of it are damaged"
    await salvage(path, tmp_path)
    assert [row[2] for row in rows(path)] == [n for n in range(40) if n != 7]
    async with open_sessions(around) as sessions:
        assert not [f for f in await findings(sessions) if f.level == "problem"]


async def test_it_is_saved_from_a_damaged_file(tmp_path: Path, path: Path) -> None:
    """From its pages, too: here the start of the file is gone, and a page in the middle."""
    before, content = rows(path), bytearray(path.read_bytes())
    content[:4096] = bytes(4096)
    leaf = content.index(b"step 20: ") // 4096 * 4096
    content[leaf : leaf + 4096] = bytes(4096)
    path.write_bytes(content)
    await salvage(path, tmp_path)
    after = rows(path)
    assert set(after) < set(before)
    assert len(after) >= len(before) - 3


async def test_rows_of_no_session_are_orphans(path: Path) -> None:
    async with open_sqlite(path) as database:
        await Archive(database, "s").copy_to("nobody")
        found = await orphan_rows(database, Home(path.parent), None)
        assert "1 sessions that do not exist" in found.found
        assert found.repair
    await found.repair.do()
    assert {row[0] for row in rows(path)} == {"s"}
