"""What waits for the agent: kept in order, in two hands never."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

import postgres
from ml_intern.checkpoints.database import Database
from ml_intern.checkpoints.inbox import Inbox, Queued
from ml_intern.checkpoints.saver import open_database


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = postgres.fresh() if request.param == "postgres" else None
    async with open_database(tmp_path / "sessions.sqlite", url) as opened:
        yield opened


async def filled(database: Database, *said: str) -> Inbox:
    inbox = Inbox(database, "s")
    await inbox.open()
    for text in said:
        assert await inbox.add(text)
    return inbox


def texts(queued: list[Queued]) -> list[str]:
    return [message.text for message in queued]


async def test_the_next_process_finds_it_in_order(database: Database) -> None:
    said = [f"message {number}" for number in range(12)]
    await filled(database, *said)
    assert texts(await Inbox(database, "s").waiting()) == said
    assert await Inbox(database, "another").empty()


async def test_what_is_claimed_is_not_given_back_until_it_is_settled(database: Database) -> None:
    inbox = await filled(database, "one", "two")
    claimed = await inbox.claim()
    assert await inbox.add("three")
    assert texts(await inbox.take_back()) == ["three"]
    await inbox.settle({claimed[0].id})
    assert texts(await inbox.take_back()) == ["two"]
    assert await inbox.empty()
    assert await Inbox(database, "s").empty()


async def test_what_is_still_on_its_way_stays_claimed(database: Database) -> None:
    inbox = await filled(database, "one", "two")
    one, _ = await inbox.claim()
    await inbox.settle((), claimed={one.id})
    assert texts(await inbox.waiting()) == ["two"]
    assert not await inbox.empty()


async def test_only_a_turn_takes_messages(database: Database) -> None:
    inbox = Inbox(database, "s")
    assert not await inbox.add("too early")
    await inbox.open()
    assert await inbox.add("one")
    assert texts(await inbox.claim_or_close()) == ["one"]
    assert await inbox.add("two")
    await inbox.take_back()
    assert await inbox.claim_or_close() == []
    assert not await inbox.add("too late")
    await inbox.open()
    await inbox.close()
    assert not await inbox.add("too late")


async def test_of_one_that_comes_as_the_turn_ends_somebody_knows(database: Database) -> None:
    for _ in range(20):
        inbox = await filled(database)
        taken, left = await asyncio.gather(inbox.add("one"), inbox.claim_or_close())
        assert texts(left) == (["one"] if taken else [])
        await inbox.settle({message.id for message in left})


async def test_what_was_stored_as_it_was_cancelled_is_there(database: Database) -> None:
    inbox = await filled(database, "one")
    adding = asyncio.create_task(inbox.add("two"))
    await asyncio.sleep(0)
    adding.cancel()
    with suppress(asyncio.CancelledError):
        await adding
    assert await inbox.waiting() == await Inbox(database, "s").waiting()
