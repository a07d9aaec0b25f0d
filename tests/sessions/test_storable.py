"""Whatever a provider sends, the checkpoint can hold it and be read again."""

from __future__ import annotations

from pathlib import Path

from emulators.openai_server import text
from harness import agent


async def test_numbers_beyond_64_bits_do_not_cost_the_session(tmp_path: Path) -> None:
    huge = text("one", usage=(10, 5, 10**30, 10**25))
    async with agent([huge, text("two")], tmp_path) as a:
        await a.say("first")
        await a.say("second")
    async with agent([text("three")], tmp_path, proceed=True) as a:
        await a.say("third")
        assert [m.content for m in await a.messages()][1::2] == ["one", "two", "three"]


async def test_reasoning_that_is_no_text_does_not_either(tmp_path: Path) -> None:
    odd = text("one \ud83d", reasoning="half a pair \ud83d and \x00")
    async with agent([odd, text("two")], tmp_path) as a:
        await a.say("first")
        await a.say("second")
        assert await a.history_violations() == []
    async with agent([text("three")], tmp_path, proceed=True) as a:
        await a.say("third")
        assert len(await a.messages()) == 6
