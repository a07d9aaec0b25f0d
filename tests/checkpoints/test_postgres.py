"""PostgreSQL as the database: what is its own. The rest is tested on both."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint

import postgres
from ml_intern.checkpoints.database import Database, InUseError, StorageError
from ml_intern.checkpoints.explain import explain, of_database
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.schema import SCHEMA_VERSION, steps
from ml_intern.configs.errors import ConfigError

NOTE = "INSERT INTO journal (session, call, text) VALUES (?, ?, ?)"
NOWHERE = Path("/nonexistent/sessions.sqlite")
CONFIG: RunnableConfig = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


@pytest.fixture
def url() -> str:
    return postgres.fresh()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(NOWHERE, url) as opened:
        yield opened


async def refusal(url: str) -> str:
    with pytest.raises(StorageError) as caught:
        async with open_database(NOWHERE, url):
            pass
    said = str(caught.value)
    assert postgres.PASSWORD not in said
    assert postgres.QUOTED not in said
    return said


async def end_connections(database: Database) -> None:
    """As a server that is restarted does, or a network that fails."""
    (pid,) = (await database.fetch("SELECT pg_backend_pid()"))[0]
    postgres.sql(f"SELECT pg_terminate_backend({pid})")


async def test_what_is_written_is_there_after_reopening(url: str) -> None:
    async with open_database(NOWHERE, url) as database:
        checkpoint = {**empty_checkpoint(), "channel_values": {"m": [HumanMessage("hi", id="a")]}}
        checkpoint["channel_versions"] = {"m": "1"}
        await database.saver.aput(CONFIG, checkpoint, {"source": "input"}, {"m": "1"})  # type: ignore[arg-type]
        await database.write((NOTE, ("s", "a", "1")), (NOTE, ("s", "b", "2")))
    async with open_database(NOWHERE, url) as database:
        found = await database.saver.aget_tuple(CONFIG)
        assert found is not None
        assert found.checkpoint["channel_values"]["m"] == [HumanMessage("hi", id="a")]
        assert await database.fetch("SELECT call, done FROM journal WHERE session = ?", "s") == [
            ("a", 0),
            ("b", 0),
        ]
        assert await database.size("t") > 0
        await database.shrink()
    assert postgres.PASSWORD not in database.name
    assert database.name.startswith("postgresql://postgres@127.0.0.1:")


async def test_several_statements_are_written_together_or_not_at_all(database: Database) -> None:
    with pytest.raises(StorageError, match="duplicate key"):
        await database.write((NOTE, ("s", "a", "")), (NOTE, ("s", "a", "")))
    assert await database.fetch("SELECT * FROM journal") == []
    await database.write((NOTE, ("s", "a", "")))


async def test_a_write_that_is_cancelled_is_carried_out_all_the_same(database: Database) -> None:
    for wait in (0, 0.001, 0.01, 0.1):
        wait_there = ("SELECT pg_sleep(?)", (0.05,))
        task = asyncio.create_task(database.write(wait_there, (NOTE, (str(wait), "a", ""))))
        await asyncio.sleep(wait / 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(await database.fetch("SELECT * FROM journal")) >= 3


async def test_a_query_that_is_cancelled_leaves_a_usable_connection(database: Database) -> None:
    for _ in range(3):
        task = asyncio.create_task(database.fetch("SELECT pg_sleep(0.1)"))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await database.fetch("SELECT 1") == [(1,)]


async def test_text_with_a_nul_can_be_stored(database: Database) -> None:
    await database.write((NOTE, ("s", "a", "b\0c")))
    assert await database.fetch("SELECT text FROM journal") == [("b\ufffdc",)]


async def test_who_loses_the_connection_loses_the_session_and_can_write_no_more(
    url: str,
) -> None:
    async with open_database(NOWHERE, url) as other:
        async with open_database(NOWHERE, url) as database:
            async with database.hold("s"):
                with pytest.raises(InUseError):
                    async with other.hold("s"):
                        pass
                await end_connections(database)
                async with other.hold("s"):
                    with pytest.raises(StorageError, match="was lost") as caught:
                        await database.write((NOTE, ("s", "a", "")))
                    with pytest.raises(StorageError, match="was lost"):
                        await database.fetch("SELECT 1")
                assert "go on with -c" in str(caught.value)
                assert postgres.PASSWORD not in str(caught.value)
        assert await other.fetch("SELECT * FROM journal") == []


async def test_our_tables_stand_beside_a_users_own(url: str) -> None:
    name = url.rsplit("/", 1)[1]
    postgres.sql("CREATE TABLE sessions (mine INTEGER)", name)
    async with open_database(NOWHERE, url) as database:
        assert await database.fetch("SELECT id FROM sessions") == []
        rows = await database.fetch(
            "SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname NOT IN (?, ?)",
            "pg_catalog",
            "information_schema",
        )
    assert sorted(rows) == [("ml_intern",), ("public",)]


async def test_many_open_an_empty_database_at_once(url: str) -> None:
    async def use(number: int) -> None:
        async with open_database(NOWHERE, url) as database:
            await database.write((NOTE, (str(number), "a", "")))

    await asyncio.gather(*[use(n) for n in range(6)])
    async with open_database(NOWHERE, url) as database:
        assert await database.fetch("SELECT count(*) FROM journal") == [(6,)]
        assert await database.fetch("SELECT version FROM schema_version") == [(SCHEMA_VERSION,)]


async def test_a_newer_version_is_refused(url: str) -> None:
    async with open_database(NOWHERE, url) as database:
        await database.write(("UPDATE schema_version SET version = ?", (SCHEMA_VERSION + 1,)))
    said = await refusal(url)
    assert f"newer ml-intern (schema {SCHEMA_VERSION + 1}, this one knows" in said


async def test_an_older_version_is_brought_up_to_date(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There was none in PostgreSQL before version 2; the way is tried all the same."""
    async with open_database(NOWHERE, url) as database:
        drop = [s.replace("ADD", "DROP").split(" TEXT")[0].split(" INTEGER")[0]
                for s in steps(1) if s.startswith("ALTER")]  # fmt: skip
        await database.write(*[(statement, ()) for statement in drop])
        await database.write(("UPDATE schema_version SET version = 1", ()))
    async with open_database(NOWHERE, url) as database:
        assert await database.fetch("SELECT state, usage, turns, move FROM sessions") == []


async def test_a_server_that_is_not_there_is_named(url: str) -> None:
    said = await refusal("postgresql://me:hidden@127.0.0.1:1/none?connect_timeout=2")
    assert "postgresql://me@127.0.0.1:1/none" in said
    assert "Check that the server runs" in said
    assert "hidden" not in said


async def test_a_wrong_password_is_not_repeated(url: str) -> None:
    said = await refusal(url.replace(postgres.QUOTED, "not-the-password"))
    assert "password authentication failed" in said
    assert "not-the-password" not in said


@pytest.mark.parametrize(
    "written",
    [
        "me:hid@den@h:1/d",
        "me:hid@den@h:x:y/d",
        "me:hid/den@h/d",
        "me:12/hidden@h/d",
        "me:hidden@h/d?nonsense=hidden",
    ],
)
async def test_a_url_that_cannot_be_read_is_not_repeated(written: str) -> None:
    with pytest.raises(ConfigError) as caught:
        async with open_database(NOWHERE, f"postgresql://{written}"):
            pass
    assert "hid" not in str(caught.value)
    assert "postgresql://user:password@host:5432/database" in str(caught.value)


async def test_a_database_that_may_only_be_read_is_named(url: str) -> None:
    name = url.rsplit("/", 1)[1]
    postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "cannot be written to" in await refusal(url)


async def test_a_dead_network_is_noticed_and_a_user_may_think(database: Database) -> None:
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
    found = [(await database.fetch("SELECT current_setting(?)", name))[0][0] for name in names]
    assert found == ["10", "5", "3"]
    assert await database.fetch("SELECT current_setting(?)", "idle_session_timeout") == [("0",)]


def test_without_the_extra_the_command_that_installs_it_is_named() -> None:
    """In a process of its own, without psycopg."""
    script = (
        "import asyncio, sys\n"
        "sys.modules['psycopg'] = None\n"
        "from pathlib import Path\n"
        "from ml_intern.checkpoints.saver import open_database\n"
        "async def main():\n"
        "    async with open_database(Path('x'), 'postgresql://h/d'): pass\n"
        "try:\n"
        "    asyncio.run(main())\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("ConfigError ")
    assert "pip install 'ml-intern-graph[postgres]'" in done.stdout


def test_psycopg_is_not_imported_without_need() -> None:
    script = "import sys, ml_intern.checkpoints.saver; print('psycopg' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("DiskFull", "no space left"),
        ("ReadOnlySqlTransaction", "cannot be written to"),
        ("LockNotAvailable", "locked by another program"),
        ("DataCorrupted", "is damaged"),
        ("AdminShutdown", "was lost"),
        ("ConnectionFailure", "was lost"),
        ("OperationalError", "was lost"),
        ("UndefinedTable", "cannot be used"),
    ],
)
def test_each_failure_is_explained(name: str, said: str) -> None:
    errors = pytest.importorskip("psycopg.errors")
    error = getattr(errors, name)("what the server\n  said.")
    assert of_database(error)
    assert said in explain(error, "postgresql://h/d")
    assert "postgresql://h/d" in explain(error, "postgresql://h/d")
    assert "\n" not in explain(error, "postgresql://h/d")
