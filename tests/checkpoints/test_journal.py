"""An effect is noted before it happens and never repeated because nobody knows about it."""

from __future__ import annotations

from pathlib import Path

from emulators.openai_server import Call, calls, text
from harness import agent
from ml_intern.checkpoints.journal import Entry, Journal
from ml_intern.checkpoints.saver import open_database
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.sessions import operations as op

RUN = Call("bash", {"command": "echo ran >> log"})


async def test_a_call_is_known_to_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite"
    async with open_database(path) as database:
        assert await Journal(database, "s").begin("one") is None
        assert await Journal(database, "s").begin("two") is None
        await Journal(database, "s").end("two", True, "result")
    async with open_database(path) as database:
        assert await Journal(database, "s").begin("one") == Entry(done=False, ok=False, text="")
        assert await Journal(database, "s").begin("two") == Entry(done=True, ok=True, text="result")
        assert await Journal(database, "another").begin("two") is None


async def test_clearing_forgets_one_session_only(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db.sqlite") as database:
        here, there = Journal(database, "here"), Journal(database, "there")
        await here.begin("one")
        await there.begin("one")
        await here.clear()
        assert await here.begin("one") is None
        assert await there.begin("one") is not None


async def test_a_result_that_is_known_is_given_back_not_made_again(tmp_path: Path) -> None:
    """As if the process had died between the effect and the checkpoint."""
    asking = RunOptions(permission_mode="default")
    async with agent([calls(RUN), text("ok")], tmp_path, options=asking) as a:
        await a.say("go")
        call_id = a.of(ev.ToolCall)[0].tool_call_id
        async with open_database(tmp_path / "home/sessions.sqlite") as database:
            journal = Journal(database, a.session.id)
            await journal.begin(call_id)
            await journal.end(call_id, True, "done before the crash")
        await a.do(op.ExecApproval([Decision(type="approve")]))
        assert [e.output for e in a.of(ev.ToolOutput)] == ["done before the crash"]
        assert not (a.cwd / "log").exists()


async def test_the_journal_is_empty_once_the_results_are_stored(tmp_path: Path) -> None:
    async with agent([calls(RUN), text("ok")], tmp_path) as a:
        await a.say("go")
        async with open_database(tmp_path / "home/sessions.sqlite") as database:
            assert await database.fetch("SELECT * FROM journal") == []


async def test_a_key_is_the_calls_own_in_every_process(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db.sqlite") as database:
        key = Journal(database, "s").key("call_1")
        others = (Journal(database, "s").key("call_2"), Journal(database, "t").key("call_1"))
    async with open_database(tmp_path / "db.sqlite") as database:
        assert Journal(database, "s").key("call_1") == key
    assert key not in others
