"""The index of sessions, ordered by use and not by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint

from ml_intern.checkpoints import threads as module
from ml_intern.checkpoints.database import Database
from ml_intern.checkpoints.inbox import Inbox
from ml_intern.checkpoints.journal import Journal
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.threads import Thread, Threads
from ml_intern.checkpoints.timeline import Timeline


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path / "s.sqlite") as opened:
        yield opened


@pytest.fixture
def threads(database: Database) -> Threads:
    return Threads(database)


def thread(name: str, cwd: str = "/a", **more: Any) -> Thread:
    return replace(Thread(id=name, cwd=cwd, system_prompt="Be brief."), **more)


async def names(threads: Threads) -> list[str]:
    return [found.id for found in await threads.recent()]


async def test_a_thread_comes_back_as_it_was_recorded(threads: Threads) -> None:
    options = {"model": "a/b", "permission_mode": "plan", "max_iterations": None}
    await threads.record(thread("1", title="Train ✓", options=options, system_prompt="P\n'\""))
    (found,) = await threads.find("1")
    assert replace(found, created="", updated="") == thread(
        "1", title="Train ✓", options=options, system_prompt="P\n'\""
    )
    assert found.created == found.updated
    assert found.created.endswith("+00:00")


async def test_the_one_used_last_comes_first(threads: Threads) -> None:
    for name in ("a", "b", "c", "a"):
        await threads.record(thread(name))
    assert await names(threads) == ["a", "c", "b"]
    assert [found.id for found in await threads.recent(2)] == ["a", "c"]


async def test_order_does_not_depend_on_the_clock(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(["2030-01-01", "2020-01-01", "2025-01-01"])
    monkeypatch.setattr(module, "_now", lambda: next(clock))
    for name in ("a", "b", "c"):
        await threads.record(thread(name))
    assert await names(threads) == ["c", "b", "a"]


async def test_order_goes_on_after_reopening(tmp_path: Path) -> None:
    for name in ("a", "b", "a"):
        async with open_database(tmp_path / "s.sqlite") as database:
            await Threads(database).record(thread(name))
    async with open_database(tmp_path / "s.sqlite") as database:
        assert await names(Threads(database)) == ["a", "b"]


async def test_the_latest_is_the_folders(threads: Threads) -> None:
    for name, cwd in (("a", "/x"), ("b", "/y"), ("c", "/x/sub")):
        await threads.record(thread(name, cwd))
    found = await threads.latest("/x")
    assert found is not None
    assert found.id == "a"
    assert await threads.latest("/z") is None
    assert await threads.latest("/x/") is None


async def test_a_title_stays_and_options_change(threads: Threads) -> None:
    await threads.record(thread("a"))
    await threads.record(thread("a", title="first", options={"model": "x"}))
    await threads.record(thread("a", title="second", options={"model": "y"}))
    (found,) = await threads.find("a")
    assert (found.title, found.options) == ("first", {"model": "y"})


async def test_what_a_session_began_with_stays(threads: Threads) -> None:
    """A changed prompt would void the provider's cache and signed thinking."""
    await threads.record(thread("a"))
    await threads.record(thread("a", cwd="/other", system_prompt="Other."))
    (found,) = await threads.find("a")
    assert (found.cwd, found.system_prompt) == ("/a", "Be brief.")


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("abc", ["abc-1"]),
        ("ab", ["abd-2", "abc-1"]),
        ("", ["x_y", "x%y", "abd-2", "abc-1"]),
        ("x%", ["x%y"]),
        ("x_", ["x_y"]),
        ("x", ["x_y", "x%y"]),
        ("bc", []),
        ("\\", []),
        ("'; DROP TABLE sessions; --", []),
    ],
)
async def test_a_prefix_is_taken_as_it_is(threads: Threads, prefix: str, found: list[str]) -> None:
    for name in ("abc-1", "abd-2", "x%y", "x_y"):
        await threads.record(thread(name))
    assert [one.id for one in await threads.find(prefix)] == found


async def test_recording_keeps_out_of_the_savers_transactions(
    threads: Threads, database: Database
) -> None:
    """They share a connection: a commit of ours in the middle of theirs would save half a step."""

    async def save(number: int) -> None:
        config: RunnableConfig = {"configurable": {"thread_id": str(number), "checkpoint_ns": ""}}
        await database.saver.aput(config, empty_checkpoint(), {"source": "input", "step": 0}, {})

    work = [save(n) for n in range(20)] + [threads.record(thread(str(n))) for n in range(20)]
    await asyncio.gather(*work)
    assert sorted(await names(threads), key=int) == [str(n) for n in range(20)]
    assert await database.fetch("SELECT count(*) FROM checkpoints") == [(20,)]


async def test_a_folder_that_is_not_utf8_can_be_recorded(threads: Threads) -> None:
    folder = "/work/\udce9"
    await threads.record(thread("a", cwd=folder, system_prompt=f"You are in {folder}."))
    found = await threads.latest(folder)
    assert found is not None
    assert found.cwd == folder


async def test_how_a_session_stands_is_noted(threads: Threads) -> None:
    await threads.record(thread("a"))
    await threads.note("a", "finished", {"cost_usd": 0.5})
    await threads.note("a", "running")
    (found,) = await threads.find("a")
    assert (found.state, found.usage) == ("running", {"cost_usd": 0.5})
    await threads.note("never entered", "finished", {})
    assert await names(threads) == ["a"]


async def test_a_title_can_be_changed(threads: Threads) -> None:
    await threads.record(thread("a", title="old"))
    await threads.rename("a", "new\x00")
    await threads.record(thread("a", title="of a later turn"))
    (found,) = await threads.find("a")
    assert found.title == "new\ufffd"


async def test_a_removed_session_is_gone_with_all_it_had(
    threads: Threads, database: Database
) -> None:
    for name in ("a", "b"):
        await threads.record(thread(name))
        await Timeline(database, name).begin("", "first")
        await Journal(database, name).begin("call")
        inbox = Inbox(database, name)
        await inbox.open()
        await inbox.add("meanwhile")
    await threads.remove("a")
    assert await names(threads) == ["b"]
    for table in ("turns", "journal", "inbox"):
        assert await database.fetch(f"SELECT session FROM {table}") == [("b",)]
