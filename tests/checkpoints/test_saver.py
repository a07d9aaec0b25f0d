"""The database: private, durable, honest about what it cannot open, and never run as code."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, Checkpoint, empty_checkpoint

from ml_intern.checkpoints import sqlite
from ml_intern.checkpoints.database import Database, StorageError
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.schema import SCHEMA_VERSION
from ml_intern.checkpoints.sqlite_saver import SqliteSaver
from ml_intern.configs.errors import ConfigError, Exit

CONFIG: RunnableConfig = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
NOTE = "INSERT INTO journal (session, call, text) VALUES (?, ?, ?)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.sqlite"


@asynccontextmanager
async def open_saver(path: Path) -> AsyncIterator[SqliteSaver]:
    async with open_database(path) as database:
        assert isinstance(database.saver, SqliteSaver)
        yield database.saver


async def put(saver: BaseCheckpointSaver[str], **values: Any) -> None:
    checkpoint: Checkpoint = {**empty_checkpoint(), "channel_values": values}
    await saver.aput(CONFIG, checkpoint, {"source": "input", "step": 0}, {})


async def values(saver: BaseCheckpointSaver[str]) -> Any:
    found = await saver.aget_tuple(CONFIG)
    return found and found.checkpoint["channel_values"]


async def pragma(database: Database, name: str) -> Any:
    return (await database.fetch(f"PRAGMA {name}"))[0][0]


async def refusal(path: Path) -> str:
    with pytest.raises(StorageError) as caught:
        async with open_database(path):
            pass
    assert caught.value.exit is Exit.FAILED
    assert str(path) in str(caught.value)
    return str(caught.value)


async def test_w30_what_is_saved_is_there_after_reopening(path: Path) -> None:
    """W30: a crash lost everything since the last minute."""
    kept = {"messages": [HumanMessage("hi", id="a"), AIMessage("yes", id="b")], "plan": [{"id": 1}]}
    async with open_saver(path) as saver:
        await put(saver, **kept)
    async with open_saver(path) as saver:
        assert await values(saver) == kept


async def test_w35_only_its_owner_can_read_it(path: Path) -> None:
    """W35: session files were readable by everyone."""
    mask = os.umask(0)
    try:
        async with open_saver(path) as saver:
            await put(saver, x=1)
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()
                     if file.name.startswith(path.name)}  # fmt: skip
    finally:
        os.umask(mask)
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


async def test_a_file_that_was_open_to_others_is_closed(path: Path) -> None:
    path.touch(0o644)
    async with open_database(path):
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_power_cut_loses_nothing_that_was_acknowledged(path: Path) -> None:
    async with open_database(path) as database:
        assert await pragma(database, "journal_mode") == "wal"
        assert await pragma(database, "synchronous") == 2  # FULL
        assert await pragma(database, "auto_vacuum") == 2  # INCREMENTAL
        assert await pragma(database, "journal_size_limit") == 4 * 2**20
        assert await pragma(database, "busy_timeout") == 5000
        assert await pragma(database, "user_version") == SCHEMA_VERSION


async def test_what_is_written_is_visible_to_others_at_once(path: Path) -> None:
    async with open_saver(path) as saver:
        await put(saver, x=1)
        with closing(sqlite3.connect(path)) as other, other:
            (count,) = other.execute("SELECT count(*) FROM checkpoints").fetchone()
        other.close()
    assert count == 1


async def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    async with open_database(path):
        pass
    with closing(sqlite3.connect(path)) as newer, newer:
        newer.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    newer.close()
    said = await refusal(path)
    assert f"newer ml-intern (schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION})" in said
    assert "Upgrade" in said
    with closing(sqlite3.connect(path)) as again, again:
        assert again.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)
    again.close()


@pytest.mark.parametrize("content", [b"This is no database. " * 99, os.urandom(5000)])
async def test_a_file_that_is_no_database_is_named_and_left_alone(
    path: Path, content: bytes
) -> None:
    path.write_bytes(content)
    said = await refusal(path)
    assert "is damaged: file is not a database" in said
    assert "`ml-intern doctor`" in said
    assert path.read_bytes() == content


async def test_a_place_that_cannot_be_opened_is_named(path: Path, tmp_path: Path) -> None:
    assert "cannot be used" in await refusal(tmp_path / "no" / "such" / "folder.sqlite")
    path.mkdir()
    assert "cannot be used" in await refusal(path)
    assert not [t for t in threading.enumerate() if "connection_worker" in t.name]


async def test_a_file_that_is_another_users_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refused)
    assert "Operation not permitted" in await refusal(path)


async def test_an_error_of_the_work_is_not_taken_for_one_of_the_database(path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_database(path):
            _ = 1 / 0


async def test_several_statements_are_written_together_or_not_at_all(path: Path) -> None:
    async with open_database(path) as database:
        with pytest.raises(StorageError, match="UNIQUE"):
            await database.write((NOTE, ("s", "a", "")), (NOTE, ("s", "a", "")))
        await put(database.saver, x=1)
        assert await database.fetch("SELECT * FROM journal") == []
        await database.write((NOTE, ("s", "a", "1")), (NOTE, ("s", "b", "2")))
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT call, text FROM journal").fetchall() == [
            ("a", "1"),
            ("b", "2"),
        ]


async def test_a_write_that_is_cancelled_is_carried_out_all_the_same(path: Path) -> None:
    async with open_database(path) as database:
        for number in range(40):
            many = [(NOTE, (str(number), str(n), "x" * 1000)) for n in range(5)]
            task = asyncio.create_task(database.write(*many))
            for _ in range(number):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            task.cancel()
            # A task that never began has done nothing; one that did has done everything.
            rows = await database.fetch("SELECT count(*) FROM journal WHERE session = ?", number)
            assert rows[0][0] == (5 if number else 0)
        await put(database.saver, x=1)


async def test_a_query_sees_no_half_of_a_transaction(path: Path) -> None:
    async with open_database(path) as database:

        async def write(number: int) -> None:
            await database.write(*[(NOTE, (str(number), str(n), "")) for n in range(3)])

        async def counts() -> set[int]:
            rows = await database.fetch("SELECT count(*) FROM journal")
            return {row[0] % 3 for row in rows}

        tasks = [asyncio.create_task(write(n)) for n in range(30)]
        seen = [await counts() for _ in range(60)]
        await asyncio.gather(*tasks)
    assert set().union(*seen) == {0}


async def test_what_the_saver_failed_to_write_is_not_written_with_the_next(path: Path) -> None:
    """The second of two writes does not fit on the disk."""
    async with open_database(path) as database:
        await put(database.saver, x=1)
        found = await database.saver.aget_tuple(CONFIG)
        assert found is not None
        pages = await pragma(database, "page_count")
        await pragma(database, f"max_page_count = {pages + 10}")
        writes = [("a", "small"), ("b", "x" * 200_000)]
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await database.saver.aput_writes(found.config, writes, "task")
        await pragma(database, "max_page_count = 1000000")
        await database.write((NOTE, ("s", "a", "")))
        assert await database.fetch("SELECT count(*) FROM writes") == [(0,)]


async def test_a_full_disk_is_named_and_what_was_saved_is_kept(path: Path) -> None:
    async with open_database(path) as database:
        await put(database.saver, x=1)
        await pragma(database, f"max_page_count = {await pragma(database, 'page_count')}")
        with pytest.raises(StorageError) as caught:
            await database.write((NOTE, ("s", "a", "x" * 100_000)))
        assert await values(database.saver) == {"x": 1}
    assert f"no space left for the session database {path}" in str(caught.value)
    assert "All that was saved before is kept" in str(caught.value)


async def test_what_fails_inside_the_graph_is_explained_where_the_database_is_left(
    path: Path,
) -> None:
    async def work() -> None:
        async with open_database(path) as database:
            await put(database.saver, x=1)
            await pragma(database, f"max_page_count = {await pragma(database, 'page_count')}")
            await put(database.saver, x="x" * 100_000)

    with pytest.raises(StorageError, match="no space left"):
        await work()


async def test_a_file_another_program_has_locked_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_BUSY", 0.2)
    async with open_database(path) as database:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageError, match="is locked by another program") as caught:
                await database.write((NOTE, ("s", "a", "")))
            other.execute("ROLLBACK")
        await database.write((NOTE, ("s", "a", "")))
    assert str(path) in str(caught.value)


async def test_a_file_that_may_only_be_read_is_named(path: Path) -> None:
    async with open_database(path) as database:
        await database.fetch("PRAGMA query_only = ON")
        with pytest.raises(StorageError, match="cannot be written to") as caught:
            await database.write((NOTE, ("s", "a", "")))
    assert str(path) in str(caught.value)


async def test_a_damaged_file_is_named_with_the_remedy(path: Path) -> None:
    async with open_database(path) as database:
        for n in range(50):
            await put(database.saver, x="x" * 3000, n=n)
    with path.open("r+b") as file:  # Everything but the header and the schema.
        file.seek(8192)
        file.write(os.urandom(path.stat().st_size - 8192))
    with pytest.raises(StorageError) as caught:
        async with open_database(path) as database:
            _ = [found async for found in database.saver.alist(CONFIG)]
    assert f"{path} is damaged" in str(caught.value)
    assert "`ml-intern doctor`" in str(caught.value)


async def test_space_that_became_free_is_given_back(path: Path) -> None:
    async with open_database(path) as database:
        for n in range(100):
            await put(database.saver, x="x" * 10_000, n=n)
        full = await database.size("t")
        assert 1_000_000 < full < 1_200_000
        await database.saver.adelete_thread("t")
        await database.shrink()
        assert await database.size("t") == 0
        assert path.stat().st_size < 100_000
        assert path.with_name(path.name + "-wal").stat().st_size == 0
        assert await pragma(database, "busy_timeout") == 5000


async def test_shrinking_does_not_wait_for_another_program(path: Path) -> None:
    async with open_database(path) as database:
        await put(database.saver, x=1)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(1):
                await database.shrink()
            other.execute("ROLLBACK")


async def test_many_open_a_new_file_at_once(path: Path) -> None:
    async def use(number: int) -> None:
        async with open_database(path) as database:
            await database.write((NOTE, (str(number), "a", "")))

    await asyncio.gather(*[use(n) for n in range(8)])
    async with open_database(path) as database:
        assert await database.fetch("SELECT count(*) FROM journal") == [(8,)]


async def test_of_two_that_make_the_file_at_once_both_get_it(tmp_path: Path) -> None:
    async def use(path: Path) -> None:
        async with open_database(path):
            pass

    for n in range(100):  # SQLite refuses one of them in about 4 of 100, without waiting.
        path = tmp_path / f"{n}.sqlite"
        await asyncio.gather(use(path), use(path))


async def test_our_tables_check_their_types(path: Path) -> None:
    async with open_database(path) as database:
        with pytest.raises(StorageError, match="cannot store TEXT value in INTEGER column"):
            await database.write(
                ("INSERT INTO journal (session, call, done) VALUES ('s', 'a', 'x')", ())
            )


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "secret", "sqlite:///x"])
async def test_a_url_of_another_kind_is_refused(path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="must begin with postgresql://") as caught:
        async with open_database(path, url):
            pass
    assert "secret" not in str(caught.value)


MARKER = "ML_INTERN_TEST_MARKER"
CRAFTED: dict[str, Sequence[Any]] = {
    # The extension codes langgraph's serializer gives to objects it would construct.
    "constructor": (1, ["os", "putenv", [MARKER, "1"]]),
    "one argument": (0, ["os", "system", f"touch {MARKER}"]),
    "keywords": (2, ["subprocess", "call", {"args": f"touch {MARKER}", "shell": True}]),
    "pydantic": (
        5,
        ["ml_intern.configs.settings", "Settings", {"model_name": "x"}, "model_validate"],
    ),
}


@pytest.mark.parametrize("name", CRAFTED)
async def test_an_object_crafted_into_a_checkpoint_is_not_constructed(
    path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    async with open_saver(path) as saver:
        await put(saver, x="HERE")
        code, body = CRAFTED[name]
        crafted = ormsgpack.packb(ormsgpack.Ext(code, ormsgpack.packb(body)))
        await saver.conn.execute(
            "UPDATE checkpoints SET checkpoint = CAST(replace(hex(checkpoint), ?, ?) AS BLOB)",
            (ormsgpack.packb("HERE").hex().upper(), crafted.hex().upper()),
        )
        async with saver.conn.execute("SELECT checkpoint FROM checkpoints") as cursor:
            row = await cursor.fetchone()
        assert row is not None
        raw = bytes.fromhex(row[0].decode())
        assert crafted in raw
        await saver.conn.execute("UPDATE checkpoints SET checkpoint = ?", (raw,))
        read = (await values(saver))["x"]
    assert not callable(read)
    assert isinstance(read, str | list | dict | tuple | int | None)
    assert not Path(MARKER).exists()
    assert MARKER not in os.environ


async def test_a_pickle_in_a_checkpoint_is_not_loaded(path: Path) -> None:
    async with open_saver(path) as saver:
        await put(saver, x=1)
        pickled = b"cos\nsystem\n(S'touch pickled'\ntR."
        await saver.conn.execute("UPDATE checkpoints SET type='pickle', checkpoint=?", (pickled,))
        with pytest.raises(NotImplementedError):
            await values(saver)
    assert not Path("pickled").exists()


async def test_a_constructor_in_json_is_not_called(path: Path) -> None:
    async with open_saver(path) as saver:
        await put(saver, x=1)
        call = {"lc": 2, "type": "constructor", "id": ["os", "getcwd"], "args": []}
        crafted = {**empty_checkpoint(), "channel_values": {"x": call}}
        await saver.conn.execute(
            "UPDATE checkpoints SET type='json', checkpoint=?", (json.dumps(crafted).encode(),)
        )
        assert (await values(saver))["x"] != os.getcwd()  # noqa: PTH109


async def test_a_file_can_be_opened_while_another_process_is_in_a_transaction(path: Path) -> None:
    """Whoever is refused a session is told who has it, even by one that is frozen in a write."""
    async with open_database(path):
        pass
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE sessions SET used = 0")
    async with open_database(path) as database, database.hold("s"):
        assert await database.held("s")
    other.execute("ROLLBACK")
    other.close()


async def test_a_file_that_was_replaced_while_it_was_open_is_not_written_to(path: Path) -> None:
    """`doctor` salvages a file into a new one; what is written to the old one is gone."""
    async with open_database(path) as database:
        path.rename(path.with_name("damaged"))
        async with open_database(path):
            pass
        with pytest.raises(StorageError, match="removed or replaced while it was open"):
            async with database.hold("s"):
                pass
        assert not await database.held("s")
