"""The database: private, durable, honest about what it cannot open, and never run as code."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from ml_intern.checkpoints.saver import SCHEMA_VERSION, StorageError, open_saver
from ml_intern.configs.errors import Exit

CONFIG: RunnableConfig = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.sqlite"


async def put(saver: AsyncSqliteSaver, **values: Any) -> None:
    checkpoint: Checkpoint = {**empty_checkpoint(), "channel_values": values}
    await saver.aput(CONFIG, checkpoint, {"source": "input", "step": 0}, {})


async def values(saver: AsyncSqliteSaver) -> Any:
    found = await saver.aget_tuple(CONFIG)
    return found and found.checkpoint["channel_values"]


async def pragma(saver: AsyncSqliteSaver, name: str) -> Any:
    async with saver.conn.execute(f"PRAGMA {name}") as cursor:
        row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def refusal(path: Path) -> str:
    with pytest.raises(StorageError) as caught:
        async with open_saver(path):
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
    async with open_saver(path):
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_power_cut_loses_nothing_that_was_acknowledged(path: Path) -> None:
    async with open_saver(path) as saver:
        assert await pragma(saver, "journal_mode") == "wal"
        assert await pragma(saver, "synchronous") == 2  # FULL
        assert await pragma(saver, "user_version") == SCHEMA_VERSION


async def test_what_is_written_is_visible_to_others_at_once(path: Path) -> None:
    async with open_saver(path) as saver:
        await put(saver, x=1)
        with sqlite3.connect(path) as other:
            (count,) = other.execute("SELECT count(*) FROM checkpoints").fetchone()
        other.close()
    assert count == 1


async def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    async with open_saver(path):
        pass
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    newer.close()
    said = await refusal(path)
    assert f"newer ml-intern (schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION})" in said
    assert "Upgrade" in said
    with sqlite3.connect(path) as again:
        assert again.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)
    again.close()


@pytest.mark.parametrize("content", [b"This is no database. " * 99, os.urandom(5000)])
async def test_a_file_that_is_no_database_is_named_and_left_alone(
    path: Path, content: bytes
) -> None:
    path.write_bytes(content)
    assert "cannot be used: file is not a database" in await refusal(path)
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
        async with open_saver(path):
            _ = 1 / 0


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
