from __future__ import annotations

import asyncio

from ml_intern.tools.feed import RATE, LineFeed


async def test_few_lines_all_arrive_whole() -> None:
    shown: list[str] = []
    feed = LineFeed(shown.append)
    for piece in (b"on", b"e\ntw", b"o\r\nthree\n", b"unfinished"):
        feed.feed(piece)
    assert shown == ["one", "two", "three"]
    feed.close()
    assert shown == ["one", "two", "three", "unfinished"]


async def test_a_flood_is_thinned_out_and_its_last_line_comes_after_a_moment() -> None:
    shown: list[str] = []
    feed = LineFeed(shown.append)
    for start in range(0, 100_000, 1000):
        feed.feed(b"".join(b"%d\n" % number for number in range(start, start + 1000)))
    assert len(shown) <= 3 * RATE
    await asyncio.sleep(0.6)
    assert shown[-1] == "99999"
    feed.close()
    assert shown.count("99999") == 1


async def test_redraws_count_as_lines_and_colours_are_dropped() -> None:
    shown: list[str] = []
    feed = LineFeed(shown.append)
    feed.feed(b"\x1b[32m10%\x1b[0m\r20%\r")
    feed.close()
    assert shown == ["10%", "20%"]


async def test_an_endless_line_is_cut() -> None:
    shown: list[str] = []
    feed = LineFeed(shown.append)
    for _ in range(100):
        feed.feed(b"x" * 100_000)
    feed.close()
    assert [set(line) for line in shown] == [{"x"}]
    assert len(shown[0]) <= 500
