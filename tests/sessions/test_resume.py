"""A thread outlives its process."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulators.openai_server import Call, calls, fault, text
from harness import agent, surroundings
from ml_intern.configs.errors import ConfigError
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.marks import is_users
from ml_intern.sessions import operations as op
from ml_intern.sessions.opening import open_sessions


async def test_the_next_process_sees_every_message(tmp_path: Path) -> None:
    async with agent([calls(Call("bash", {"command": "echo 1"})), text("one")], tmp_path) as a:
        await a.say("first")
        before = await a.messages()
    async with agent([text("two")], tmp_path, proceed=True) as a:
        assert await a.messages() == before
        await a.say("second")
        sent = [m["content"] for m in a.server.requests[0].body["messages"] if m["role"] == "user"]
        assert sent == ["first", "second"]


async def test_the_system_prompt_is_the_same_to_the_byte(tmp_path: Path) -> None:
    async with agent([text("one")], tmp_path) as a:
        await a.say("first")
        before = a.server.requests[0].body["messages"][0]
    async with agent([text("two")], tmp_path, proceed=True) as a:
        await a.say("second")
        assert a.server.requests[0].body["messages"][0] == before


async def test_options_belong_to_the_session(tmp_path: Path) -> None:
    careful = RunOptions(permission_mode="default", max_iterations=7)
    async with agent([text("one")], tmp_path, options=careful) as a:
        await a.say("first")
    async with agent([], tmp_path, proceed=True) as a:
        assert a.session.options.permission_mode == "default"
        assert a.session.options.max_iterations == 7


async def test_a_session_is_never_opened_looser_than_it_would_be_begun(tmp_path: Path) -> None:
    async with agent([text("one")], tmp_path, options=RunOptions(permission_mode="yolo")) as a:
        await a.say("first")
    careful = RunOptions(permission_mode="default")
    async with agent([], tmp_path, options=careful, proceed=True) as a:
        assert a.session.options.permission_mode == "default"


async def test_finished_work_is_not_done_again(tmp_path: Path) -> None:
    """Trap 2: unfinished work shows in `tasks`, not in `next`."""
    script = [calls(Call("bash", {"command": "echo x >> log"})), fault("401")]
    async with agent(script, tmp_path) as a:
        await a.say("go")
    async with agent([text("finished")], tmp_path, proceed=True) as a:
        assert await a.session.unfinished()
        await a.do(op.Resume())
        assert a.of(ev.TurnComplete)[-1].final_response == "finished"
        assert (a.cwd / "log").read_text() == "x\n"


async def test_resuming_a_finished_session_says_so_and_runs_nothing(tmp_path: Path) -> None:
    async with agent([text("one")], tmp_path) as a:
        await a.say("first")
        said, complete = await a.do(op.Resume())
        assert isinstance(said, ev.Notice)
        assert isinstance(complete, ev.TurnComplete)
        assert complete.final_response == "one"


async def test_new_keeps_the_old_session(tmp_path: Path) -> None:
    async with agent([text("one"), text("two")], tmp_path) as a:
        await a.say("first")
        old = a.session.id
        assert isinstance((await a.do(op.New()))[0], ev.Ready)
        await a.say("fresh")
        assert a.session.id != old
        assert [m.content for m in await a.messages()] == ["fresh", "two"]
        titles = [thread.title for thread in await a.sessions.threads.recent()]
        assert titles == ["fresh", "first"]


async def test_an_id_is_found_by_its_beginning(tmp_path: Path) -> None:
    async with agent([text("one")], tmp_path) as a:
        await a.say("first")
        session_id = a.session.id
    around = surroundings("http://127.0.0.1:9/v1", tmp_path)
    async with open_sessions(around) as sessions:
        found = await sessions.find(session_id[:6])
        assert found.id == session_id
        with pytest.raises(ConfigError, match="No session's id begins with"):
            await sessions.find("zz")


async def test_a_session_without_a_message_leaves_no_trace(tmp_path: Path) -> None:
    async with agent([], tmp_path):
        pass
    async with open_sessions(surroundings("http://127.0.0.1:9/v1", tmp_path)) as sessions:
        assert await sessions.threads.recent() == []
        with pytest.raises(ConfigError, match="No session"):
            await sessions.last_here()


async def test_guard_texts_are_not_the_users(tmp_path: Path) -> None:
    """W11."""
    async with agent([fault("empty"), text("one")], tmp_path) as a:
        await a.say("first")
        assert [m.content for m in await a.messages() if is_users(m)] == ["first"]
