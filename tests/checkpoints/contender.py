"""A process that holds sessions when told to: `hold ID WHEN`, `release`, `held ID` on stdin."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from ml_intern.checkpoints.database import Database, InUseError
from ml_intern.checkpoints.saver import open_database


async def heard() -> list[str]:
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.split()


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201 - the protocol


async def hold(database: Database, session: str, when: float) -> None:
    while time.monotonic() < when:
        pass
    began = time.monotonic()
    try:
        async with database.hold(session):
            say("held", time.monotonic() - began)
            while await heard() == ["write"]:
                await database.write(("DELETE FROM journal", ()))
                say("written")
        say("released")
    except InUseError as error:
        say("refused", time.monotonic() - began, error)


async def main(path: str, url: str = "") -> None:
    async with open_database(Path(path), url or None) as database:
        say("ready")
        while words := await heard():
            if words[0] == "hold":
                await hold(database, words[1], float(words[2]))
            else:
                say(await database.held(words[1]))


asyncio.run(main(*sys.argv[1:]))
