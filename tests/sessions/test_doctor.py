"""The parts of the doctor: what is read of a damaged file, and what a history must be."""

from __future__ import annotations

import random
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.base import empty_checkpoint

from ml_intern.checkpoints.sqlite import open_sqlite
from ml_intern.checkpoints.threads import Thread, Threads
from ml_intern.sessions.doctor import machine
from ml_intern.sessions.doctor.file import inspect
from ml_intern.sessions.doctor.pages import PAGE, rows
from ml_intern.sessions.doctor.reading import reading
from ml_intern.sessions.doctor.rows import readable
from ml_intern.sessions.doctor.salvage import salvage
from ml_intern.sessions.doctor.setup import shown
from ml_intern.sessions.doctor.strict import violations

SESSIONS, STEPS = 6, 15


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A database with small and long values, deleted ones among them."""
    found, chance = tmp_path / "sessions.sqlite", random.Random(1)
    async with open_sqlite(found) as database:
        threads = Threads(database)
        for number in range(SESSIONS + 1):
            thread = Thread(id=f"{number}-id", cwd="/x", system_prompt="p" * 2000, title="t")
            await threads.record(thread)
            for step in range(STEPS):
                config = {"configurable": {"thread_id": thread.id, "checkpoint_ns": ""}}
                checkpoint = empty_checkpoint()
                checkpoint["channel_values"] = {"a": chance.randbytes(chance.randint(1, 9000))}
                at = await database.saver.aput(config, checkpoint, {"step": step}, {})  # type: ignore[arg-type]
                await database.saver.aput_writes(at, [("a", HumanMessage("hi" * 300))], "task")
        await threads.remove("0-id")
    return found


def all_rows(path: Path, table: str) -> set[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute(f"SELECT * FROM {table}"))


@pytest.mark.parametrize("table", ["sessions", "checkpoints", "writes"])
async def test_pages_hold_what_queries_find(path: Path, table: str) -> None:
    wanted = all_rows(path, table)
    width = len(next(iter(wanted)))
    assert wanted <= set(rows(path, width))


async def test_a_page_that_is_not_one_is_passed_over(tmp_path: Path) -> None:
    chance = random.Random(2)
    for _ in range(30):
        junk = bytearray(chance.randbytes(PAGE * 20))
        junk[::PAGE] = b"\x0d" * 20
        (tmp_path / "junk").write_bytes(junk)
        list(rows(tmp_path / "junk", 12))


async def test_rows_around_a_damaged_page_are_read(path: Path) -> None:
    content = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        names = ["thread_id", "checkpoint_id"]
        before = set(readable(connection, "checkpoints", names))
    leaf = next(
        at for at in range(PAGE * 20, len(content), PAGE)
        if content[at] == 13 and b'"step"' in content[at : at + PAGE]
    )  # fmt: skip
    content[leaf : leaf + PAGE] = bytes(PAGE)
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        found = list(readable(connection, "checkpoints", names))
    assert len(found) == len(set(found))
    assert len(before) - 20 <= len(found) < len(before)
    assert set(found) < before


Damage = Callable[[bytearray, random.Random], None]


def flip(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content) - 64)
    content[at : at + 64] = bytes(byte ^ 0xFF for byte in content[at : at + 64])


def zero(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content) // PAGE) * PAGE
    content[at : at + PAGE] = bytes(PAGE)


def cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content) // 2, len(content)) :]


@pytest.mark.parametrize("damage", [flip, zero, cut])
@pytest.mark.parametrize("seed", range(6))
async def test_whatever_the_damage_most_is_saved(path: Path, damage: Damage, seed: int) -> None:
    """A page, or a row with its long value, is the price; what is saved can be read."""
    before = {row[:3] for row in all_rows(path, "checkpoints")}
    content = bytearray(path.read_bytes())
    damage(content, random.Random(seed))
    path.write_bytes(content)
    inspect(path, Path("/x"))
    said = await salvage(path, Path("/x"))
    assert path.with_name("sessions.sqlite.damaged-1").read_bytes() == content
    assert inspect(path, Path("/x")).readable, said
    after = {row[:3] for row in all_rows(path, "checkpoints")}
    assert after <= before
    if damage is not cut:
        assert len(after) >= len(before) - 5
        assert len(all_rows(path, "sessions")) == SESSIONS
    async with reading(path) as database:
        for thread_id in {str(row[0]) for row in after}:
            where = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
            assert await database.saver.aget_tuple(where)  # type: ignore[arg-type]


async def test_what_stands_in_the_log_only_is_saved(path: Path, tmp_path: Path) -> None:
    """A killed process leaves its newest steps in the write-ahead log."""
    async with open_sqlite(path) as database:
        await Threads(database).record(Thread(id="new-id", cwd="/x", system_prompt=""))
        killed = tmp_path / "killed"
        killed.mkdir()
        for part in ("", "-wal"):
            copy = killed / f"sessions.sqlite{part}"
            copy.write_bytes(path.with_name(f"sessions.sqlite{part}").read_bytes())
    found = killed / "sessions.sqlite"
    content = bytearray(found.read_bytes())
    content[:100] = bytes(100)
    found.write_bytes(content)
    await salvage(found, Path("/x"))
    assert "new-id" in {row[0] for row in all_rows(found, "sessions")}
    assert not found.with_name("sessions.sqlite-wal").exists()


async def test_a_second_salvage_keeps_the_first_copy(path: Path) -> None:
    for number in (1, 2):
        path.write_bytes(b"junk" * number * 1000)
        assert f"damaged-{number}" in await salvage(path, Path("/x"))
    copies = [path.with_name(f"sessions.sqlite.damaged-{n}").read_bytes() for n in (1, 2)]
    assert copies == [b"junk" * 1000, b"junk" * 2000]


async def test_looking_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    assert inspect(path, Path("/x")).readable
    async with reading(path) as database:
        assert len(await Threads(database).recent()) == SESSIONS
    assert path.read_bytes() == before


CALL = {"name": "bash", "args": {"command": "ls"}, "id": "1"}
RESULT = ToolMessage("c", tool_call_id="1")


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([], []),
        ([HumanMessage("a"), AIMessage("b")], []),
        ([HumanMessage("a"), AIMessage("", tool_calls=[CALL]), RESULT], []),
        ([AIMessage("b")], ["begins with a message of type ai"]),
        ([HumanMessage("a"), AIMessage("", tool_calls=[CALL])], ["without exactly one result"]),
        ([HumanMessage("a"), AIMessage("", tool_calls=[CALL, CALL])],
         ["without an id of their own", "without exactly one result"]),
        ([HumanMessage("a\x00")], ["cannot be sent"]),
    ],
)  # fmt: skip
def test_what_could_not_be_sent_is_named(history: Sequence[AnyMessage], said: list[str]) -> None:
    found = violations(history)
    assert len(found) == len(said)
    assert all(part in line for part, line in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://user:pw@host:8/v1?key=x#y", "https://host:8/v1"),
        ("http://127.0.0.1/v1", "http://127.0.0.1/v1"),
        ("http://[broken", "the address (which is no URL)"),
    ],
)
def test_an_address_is_shown_without_secrets(url: str, safe: str) -> None:
    assert shown(url) == safe


async def test_a_sandbox_that_works_and_one_that_does_not(tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    for code, level in ((0, "ok"), (1, "warning")):
        program.write_text(f"#!/bin/sh\nexit {code}\n")
        program.chmod(0o755)
        found = await machine.check_machine({"PATH": f"{tmp_path}:/usr/bin:/bin"})
        assert [f.level for f in found if f.check == "sandbox"] == [level]


async def test_a_machine_without_bash(tmp_path: Path) -> None:
    found = await machine.check_machine({"PATH": str(tmp_path)})
    bash = next(f for f in found if f.check == "commands")
    # Our own interpreter's folder is searched, too.
    assert bash.level == ("ok" if Path(sys.executable).with_name("bash").exists() else "problem")
