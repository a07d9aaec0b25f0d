"""Sessions of every released schema can be gone on with."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from emulators.openai_server import ModelServer, text
from harness import MODEL, Agent, surroundings
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.sessions import operations as op
from ml_intern.sessions.opening import open_sessions

STORED = sorted((Path(__file__).parents[1] / "checkpoints/stored").glob("*.gz"))


def restore(stored: Path, root: Path) -> None:
    home = root / "home"
    home.mkdir()
    (home / "sessions.sqlite").write_bytes(gzip.decompress(stored.read_bytes()))
    database = sqlite3.connect(home / "sessions.sqlite")
    with database:
        database.execute("UPDATE sessions SET cwd = ?", (str(root / "work"),))
    database.close()


@asynccontextmanager
async def reopened(
    stored: Path, root: Path, title: str, answer: str, mode: str = "yolo"
) -> AsyncIterator[Agent]:
    restore(stored, root)
    with ModelServer([text(answer)]) as server:
        around = surroundings(server.base_url, root)
        async with open_sessions(around) as sessions:
            (thread,) = [t for t in await sessions.threads.recent() if t.title == title]
            options = RunOptions(permission_mode=mode, model=MODEL)  # type: ignore[arg-type]
            session = await sessions.open(thread, options, {})
            yield Agent(session, sessions, server, around.cwd)


@pytest.mark.parametrize("stored", STORED, ids=lambda path: path.name)
async def test_a_finished_session_goes_on(tmp_path: Path, stored: Path) -> None:
    async with reopened(stored, tmp_path, "make a.txt", "Still here.") as a:
        assert not await a.session.unfinished()
        count = len(await a.messages())
        assert count >= 6
        await a.say("and now?")
        assert len(await a.messages()) == count + 2
        await a.do(op.Undo())
        assert len(await a.messages()) == count
        assert await a.history_violations() == []


@pytest.mark.parametrize("stored", STORED, ids=lambda path: path.name)
async def test_a_pending_question_is_asked_again(tmp_path: Path, stored: Path) -> None:
    async with reopened(stored, tmp_path, "ask me", "Ran it.", mode="default") as a:
        assert await a.session.unfinished()
        question = (await a.do(op.Resume()))[-1]
        assert isinstance(question, ev.ApprovalRequired)
        events = await a.do(op.ExecApproval([Decision(type="approve")]))
        assert [e.success for e in events if isinstance(e, ev.ToolOutput)] == [True]


@pytest.mark.parametrize("stored", STORED, ids=lambda path: path.name)
async def test_a_call_that_was_cut_off_is_not_run_again(tmp_path: Path, stored: Path) -> None:
    async with reopened(stored, tmp_path, "run it", "I see.") as a:
        events = await a.do(op.Resume())
        (output,) = [e.output for e in events if isinstance(e, ev.ToolOutput)]
        assert output.startswith("Outcome unknown")
        assert not (a.cwd / "ran.txt").exists()
        assert await a.history_violations() == []


def test_every_schema_that_was_released_is_stored() -> None:
    from ml_intern.checkpoints.schema import SCHEMA_VERSION

    released = [f"v{n}.sqlite.gz" for n in range(1, SCHEMA_VERSION)]
    assert [path.name for path in STORED][: len(released)] == released
