"""Choosing a session to go on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulators.openai_server import Call, ModelServer, calls, text
from harness import agent
from ml_intern.cli.choose import choose
from ml_intern.configs.errors import ConfigError
from ml_intern.graph.context import RunOptions
from process import run
from terminal import spawned


def test_the_picker_shows_the_sessions_and_opens_the_chosen(tmp_path: Path) -> None:
    with ModelServer([text("One."), text("Two.")]) as server:
        run(tmp_path, "the first", server=server)
        run(tmp_path, "the second", server=server)
        with spawned(tmp_path, server, "-r", columns=120) as seen:
            seen.find("(?s)finished.*the second.*the first.*Which one")
            seen.enter("2")
            seen.see("resumed session")
            seen.leave()


async def test_nobody_can_choose_where_nobody_is(tmp_path: Path) -> None:
    async with agent([text("A.")], tmp_path) as it:
        with pytest.raises(ConfigError, match="no session to go on with"):
            await choose(it.sessions, interactive=True)
        await it.say("hello")
        with pytest.raises(ConfigError, match=f"needs an id .*{it.session.id[:8]}"):
            await choose(it.sessions, interactive=False)


async def test_the_picker_says_truly_how_each_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def second(*_: object) -> str:
        return " 1 "

    monkeypatch.setattr("prompt_toolkit.PromptSession.prompt_async", second)
    write = calls(Call("write", {"path": "x", "content": "x"}))
    async with agent([write], tmp_path, options=RunOptions(permission_mode="default")) as it:
        await it.say("hello")
        await it.sessions.threads.note(it.session.id, "")
        assert await choose(it.sessions, interactive=True) == it.session.id
    assert "waiting for approval" in capsys.readouterr().out
