"""A question whose answer may be missing, wrong, endless or late: then there is none."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from emulators.json_server import JsonServer
from ml_intern.llm import fetch as fetch_module
from ml_intern.llm.fetch import fetch


class Fixed(JsonServer):
    """Gives one answer to everything."""

    def __init__(self, answer: Any, status: int = 200) -> None:
        super().__init__()
        self.given = status, answer

    def answer(self, line: str, body: Any) -> tuple[int, Any]:
        return self.given


async def test_it_asks_with_get_or_post_and_the_key() -> None:
    with Fixed({"a": 1}) as server:
        assert await fetch(f"{server.root}/x", seconds=20) == {"a": 1}
        assert await fetch(f"{server.root}/y", seconds=20, key="k", body={"b": 2}) == {"a": 1}
        first, second = server.ledger
        assert (first.line, first.key, first.body) == ("GET /x", None, None)
        assert (second.line, second.key, second.body) == ("POST /y", "Bearer k", {"b": 2})


@pytest.mark.parametrize(
    ("answer", "status"),
    [({}, 404), ({}, 500), ({}, 204), (b"<html>", 200), (b"[" * 100_000, 200), (b"\xff", 200)],
    ids=["404", "500", "204", "html", "deep", "not-utf-8"],
)
async def test_what_is_of_no_use_is_nothing(answer: Any, status: int) -> None:
    with Fixed(b"" if status == 204 else answer, status) as server:
        assert await fetch(f"{server.root}/", seconds=20) is None


async def test_an_answer_without_end_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "_MOST", 1000)
    with Fixed({"a": "x" * 2000}) as server:
        assert await fetch(f"{server.root}/", seconds=20) is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://[::1", "ftp://127.0.0.1/", "", "no address"]
)
async def test_nobody_there_is_nothing(url: str) -> None:
    assert await fetch(url, seconds=20) is None


async def test_who_is_late_is_not_waited_for() -> None:
    with Fixed({}) as server:
        server.delay = 30
        began = time.monotonic()
        assert await fetch(f"{server.root}/", seconds=0.2) is None
        assert time.monotonic() - began < 10


async def test_giving_up_is_immediate() -> None:
    with Fixed({}) as server:
        server.delay = 30
        asking = asyncio.create_task(fetch(f"{server.root}/", seconds=60))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
