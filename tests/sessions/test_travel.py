"""Undo, redo and fork where they meet errors, crashes, pruning, forks and the user's own work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Call, Step, calls, text
from harness import Agent, agent
from ml_intern.checkpoints.database import StorageError
from ml_intern.checkpoints.snapshots import Snapshots
from ml_intern.checkpoints.workspace import Workspace, WorkspaceError
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.marks import is_users
from ml_intern.sessions import operations as op
from ml_intern.sessions import travel
from ml_intern.tools.repos.files import REPO_FILES

ASKING = RunOptions(permission_mode="default")


def shell(command: str) -> Step:
    return calls(Call("bash", {"command": command}))


async def asked(a: Agent) -> list[str]:
    return [str(m.content) for m in await a.messages() if is_users(m)]


async def moved(a: Agent, operation: op.Undo | op.Redo) -> ev.UndoComplete:
    return next(e for e in await a.do(operation) if isinstance(e, ev.UndoComplete))


async def say_and_stop(a: Agent, message: str) -> None:
    """Stopped shortly after a call has begun."""
    async for event in a.say_live(message):
        if isinstance(event, ev.ToolStateChange) and event.state == "running":
            asyncio.get_running_loop().call_later(0.3, a.session.stop)


def failing(error: Exception) -> Callable[..., Any]:
    async def fail(*_: object) -> None:
        raise error

    return fail


async def test_an_undo_that_failed_is_completed_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Carried out later, it would take away what was said since."""
    async with agent([text("x")] * 3, tmp_path) as a:
        await a.say("m1")
        await a.say("m2")
        monkeypatch.setattr(travel, "set_values", failing(StorageError("no space left")))
        assert [type(e) for e in await a.do(op.Undo())] == [ev.Error]
        assert [type(e) for e in await a.say("too early")] == [ev.Error]
        monkeypatch.undo()
        events = await a.say("m3 precious")
        assert isinstance(events[0], ev.UndoComplete)
        assert await asked(a) == ["m1", "m3 precious"]
    async with agent([], tmp_path, proceed=True) as a:
        assert await asked(a) == ["m1", "m3 precious"]
        assert [t.turns for t in await a.sessions.threads.recent()] == [2]


async def test_a_pending_undo_is_not_pruned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with agent([text("x")] * 6, tmp_path, undo_turns=2) as a:
        for n in range(6):
            await a.say(f"m{n}")
        monkeypatch.setattr(travel, "set_values", failing(StorageError("terminated")))
        await a.do(op.Undo(5))
        monkeypatch.undo()
    async with agent([], tmp_path, proceed=True, undo_turns=2) as a:
        assert await asked(a) == ["m0"]


async def test_a_move_to_what_is_no_longer_stored_is_given_up_aloud(tmp_path: Path) -> None:
    async with agent([text("x")] * 2, tmp_path) as a:
        await a.say("m1")
        await a.say("m2")
        statement = "UPDATE turns SET before = 'nowhere' WHERE number = 2"
        await a.sessions.database.write((statement, ()))
        (error,) = await a.do(op.Undo())
        assert isinstance(error, ev.Error)
        assert "no longer stored" in error.error
        assert await asked(a) == ["m1", "m2"]
        assert await a.session._at.timeline.pending() is None


async def test_redo_after_pruning_keeps_chat_and_files_together(tmp_path: Path) -> None:
    script = [step for n in range(6) for step in (shell(f"echo {n} > f{n}.txt"), text("done"))]
    async with agent(script, tmp_path, undo_turns=2) as a:
        for n in range(6):
            await a.say(f"m{n}")
        await moved(a, op.Undo(5))
    async with agent([], tmp_path, proceed=True, undo_turns=2) as a:
        await moved(a, op.Redo(2))
        (thread,) = await a.sessions.threads.recent()
        assert await asked(a) == ["m0", "m1", "m2"]
        assert sorted(p.name for p in a.cwd.glob("f*")) == ["f0.txt", "f1.txt", "f2.txt"]
        assert thread.turns == 3


async def test_undo_in_a_fork_touches_only_what_the_fork_did(tmp_path: Path) -> None:
    script = [shell("echo 1 > x.txt"), text("done"), shell("echo 2 > y.txt"), text("done")]
    async with agent([text("hi"), *script], tmp_path) as a:
        await a.say("m1")
        await a.say("make x")
        await a.do(op.Fork(without=1))
        await a.say("make y")
        await moved(a, op.Undo())
        assert sorted(p.name for p in a.cwd.iterdir()) == ["x.txt"]


async def test_a_fork_of_what_was_undone_can_undo_its_own(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/a.txt").write_text("v1")
    script = [shell("printf v2 > a.txt"), text("done"), shell("printf v3 > a.txt"), text("done")]
    async with agent(script, tmp_path) as a:
        await a.say("v2")
        await moved(a, op.Undo())
        await a.do(op.Fork())
        await a.say("v3")
        assert [str(p) for p in (await moved(a, op.Undo())).restored] == ["a.txt"]
        assert (a.cwd / "a.txt").read_text() == "v1"


async def test_a_fork_with_its_own_files_can_undo_them(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/big.csv").write_bytes(b"1" * 2_000_000)
    script = [shell("echo 1 > f.txt"), text("done")]
    async with agent(script, tmp_path, snapshot_file_mb=1) as a:
        await a.say("the title")
        events = await a.do(op.Fork(folder=tmp_path / "copy"))
        assert any("big.csv" in e.message for e in events if isinstance(e, ev.Notice))
        await moved(a, op.Undo())
        assert list((tmp_path / "copy").iterdir()) == []
        assert (tmp_path / "work/f.txt").exists()
        assert [t.title for t in await a.sessions.threads.recent()] == ["the title"] * 2


async def test_a_fork_of_a_pruned_session_has_as_many_turns(tmp_path: Path) -> None:
    async with agent([text("x")] * 4, tmp_path, undo_turns=2) as a:
        for n in range(4):
            await a.say(f"m{n}")
    async with agent([], tmp_path, undo_turns=2, proceed=True) as a:
        await a.do(op.Fork(without=1))
        assert [t.turns for t in await a.sessions.threads.recent()] == [3, 4]


@pytest.mark.parametrize("operation", [op.Undo(), op.Redo()])
async def test_where_there_is_nothing_to_move_an_open_question_stays_open(
    tmp_path: Path, operation: op.Operation
) -> None:
    async with agent([shell("echo ran")], tmp_path, options=ASKING) as a:
        await a.say("run it")
        await a.sessions.database.write(("DELETE FROM turns", ()))
        assert [type(e) for e in await a.do(operation)] == [ev.Error]
        assert await a.session.unfinished()


async def test_going_on_after_an_undo_ends_the_chance_to_redo(tmp_path: Path) -> None:
    script = [shell("sleep 30"), text("two"), shell("echo 1 > resumed.txt"), text("resumed")]
    async with agent(script, tmp_path) as a:
        await say_and_stop(a, "m1")
        await a.say("m2")
        await moved(a, op.Undo())
        await a.do(op.Resume())
        assert [type(e) for e in await a.do(op.Redo())] == [ev.Error]
        assert (await a.messages())[-1].content == "resumed"


async def test_a_message_that_was_never_stored_is_no_turn(tmp_path: Path) -> None:
    """The process died between entering the turn and storing the message."""
    async with agent([text("one")], tmp_path) as a:
        await a.say("m1")
        await a.session._at.begin_turn("never stored")
    async with agent([text("two")], tmp_path, proceed=True) as a:
        assert [t.turns for t in await a.sessions.threads.recent()] == [1]
        await moved(a, op.Undo())
        assert await asked(a) == []
        await a.say("m2")
        assert [t.turns for t in await a.sessions.threads.recent()] == [1]


async def test_what_is_stopped_while_files_are_remembered_leaves_the_users_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "mine.txt").write_text("before")
    real = Workspace.begin

    def slow(self: Workspace, turn: int) -> object:
        time.sleep(1)
        return real(self, turn)

    script = [shell("echo 1 > f1.txt"), shell("echo 2 > f2.txt"), text("done")]
    async with agent(script, tmp_path) as a:
        monkeypatch.setattr(Workspace, "begin", slow)
        await say_and_stop(a, "m1")
        monkeypatch.setattr(Workspace, "begin", real)
        (work / "mine.txt").write_text("my own work")
        (work / "new.txt").write_text("my own file")
        await a.say("m2")
        await moved(a, op.Undo(2))
        assert sorted(p.name for p in work.iterdir()) == ["mine.txt", "new.txt"]
        assert (work / "mine.txt").read_text() == "my own work"


async def test_what_the_user_changed_between_a_crash_and_going_on_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "mine.txt").write_text("before")
    async with agent([shell("echo 1 > f1.txt"), text("done")], tmp_path) as a:
        monkeypatch.setattr(Snapshots, "_end", failing_quietly)
        await a.say("m1")
        monkeypatch.undo()
    (work / "mine.txt").write_text("my own work")
    (work / "new.txt").write_text("my own file")
    async with agent([], tmp_path, proceed=True) as a:
        done = await moved(a, op.Undo())
        assert any("mine.txt" in line and "cut off" in line for line in done.not_covered)
        assert (work / "mine.txt").read_text() == "my own work"
        assert (work / "new.txt").exists()


async def failing_quietly(*_: object) -> None:
    """What is left of a process that was killed there."""


async def test_what_the_user_changes_while_the_model_thinks_is_his(tmp_path: Path) -> None:
    def meanwhile(_: object) -> Step:
        (tmp_path / "work/notes.txt").write_text("typed in an editor")
        return shell("echo 2 > f2.txt")

    async with agent([shell("echo 1 > f1.txt"), meanwhile, text("done")], tmp_path) as a:
        await a.say("go")
        done = await moved(a, op.Undo())
        assert sorted(done.restored) == ["f1.txt", "f2.txt"]
        assert [p.name for p in a.cwd.iterdir()] == ["notes.txt"]


async def test_an_answer_is_told_even_if_files_could_not_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise WorkspaceError("The disk is full.")

    async with agent([shell("echo 1 > f.txt"), text("the answer")], tmp_path) as a:
        monkeypatch.setattr(Workspace, "end", fail)
        events = await a.say("m1")
        monkeypatch.undo()
        assert any("The disk is full" in e.message for e in events if isinstance(e, ev.Notice))
        assert isinstance(events[-1], ev.TurnComplete)
        assert events[-1].final_response == "the answer"
        assert [t.state for t in await a.sessions.threads.recent()] == ["finished"]


async def test_files_that_were_never_remembered_are_said_to_be_left(tmp_path: Path) -> None:
    async with agent([shell("echo 1 > f.txt"), text("d")], tmp_path, snapshots=False) as a:
        await a.say("m1")
    async with agent([], tmp_path, proceed=True) as a:
        done = await moved(a, op.Undo())
        assert done.not_covered == ["files: they were not remembered in these turns"]


async def test_a_folder_that_moved_has_no_record_and_undo_says_so(tmp_path: Path) -> None:
    async with agent([shell("echo 1 > f.txt"), text("done")], tmp_path) as a:
        await a.say("m1")
    (tmp_path / "work").rename(tmp_path / "moved")
    (tmp_path / "work").symlink_to(tmp_path / "moved")
    async with agent([], tmp_path, proceed=True) as a:
        assert "no record" in (await moved(a, op.Undo())).not_covered[0]


async def test_what_cannot_be_undone_names_the_repository(tmp_path: Path) -> None:
    delete = {"operation": "delete", "repo_id": "me/m", "path": "x"}
    script = [calls(Call("hf_repo_files", delete)), text("ok")]
    async with agent(script, tmp_path, tools={"hf_repo_files": REPO_FILES}) as a:
        await a.say("go")
        assert (await moved(a, op.Undo())).elsewhere == ["hf_repo_files delete me/m"]
