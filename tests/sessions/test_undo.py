"""Undo, redo and fork: chat and files together, nothing of the user's lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Call, calls, text
from harness import Agent, agent
from ml_intern.checkpoints.workspace import Workspace
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.nodes.policies.answers import Decision
from ml_intern.nodes.policies.marks import is_users
from ml_intern.sessions import attaching, travel
from ml_intern.sessions import operations as op

SHELL = "printf 'two\\n' > kept.txt; rm gone.txt; mkdir -p new/deep; printf x > new/deep/made.py"
BASH = calls(Call("bash", {"command": SHELL}))
PLAN = [{"id": "1", "content": "train", "status": "pending"}]


def prepare(root: Path) -> Path:
    work = root / "work"
    work.mkdir()
    (work / "kept.txt").write_bytes(b"one\r\n\x00")
    (work / "gone.txt").write_text("precious")
    (work / "gone.txt").chmod(0o640)
    return work


def tree(work: Path) -> dict[str, tuple[int, bytes | None]]:
    return {
        str(p.relative_to(work)): (p.stat().st_mode, p.read_bytes() if p.is_file() else None)
        for p in work.rglob("*")
    }


async def undone(a: Agent, turns: int = 1) -> ev.UndoComplete:
    return next(e for e in await a.do(op.Undo(turns)) if isinstance(e, ev.UndoComplete))


async def redone(a: Agent, turns: int = 1) -> ev.UndoComplete:
    return next(e for e in await a.do(op.Redo(turns)) if isinstance(e, ev.UndoComplete))


async def values(a: Agent) -> dict[str, Any]:
    return {**await a.session.state()}


async def asked(a: Agent) -> list[str]:
    return [str(m.content) for m in await a.messages() if is_users(m)]


async def test_a_command_is_undone_and_redone_byte_for_byte(tmp_path: Path) -> None:
    work = prepare(tmp_path)
    before = tree(work)
    async with agent([text("hello"), BASH, text("done")], tmp_path) as a:
        await a.say("hi")
        await a.say("change things")
        after, messages = tree(work), await a.messages()
        assert after != before
        done = await undone(a)
        assert tree(work) == before
        assert await asked(a) == ["hi"]
        assert {Path(p).name for p in done.restored} >= {"kept.txt", "gone.txt", "made.py"}
        assert done.elsewhere == [f"bash {SHELL}"[:85] + "…"] or done.elsewhere
        await redone(a)
        assert tree(work) == after
        assert await a.messages() == messages


async def test_w10_undo_of_a_turn_that_waits_takes_the_question_along(tmp_path: Path) -> None:
    """W10: the pending approval stayed and poisoned the history."""
    script = [text("hello"), calls(Call("bash", {"command": "echo ran >> log"})), text("fine")]
    asking = RunOptions(permission_mode="default")
    async with agent(script, tmp_path, options=asking) as a:
        await a.say("hi")
        await a.say("run it")
        done = await undone(a)
        assert (done.elsewhere, done.not_covered) == ([], []), "it never ran"
        (error,) = await a.do(op.ExecApproval([Decision(type="approve")]))
        assert isinstance(error, ev.Error)
        await a.say("something else")
        assert await asked(a) == ["hi", "something else"]
        assert await a.history_violations() == []
        assert not (a.cwd / "log").exists()


async def test_w11_a_turn_goes_whole_with_plan_and_counters(tmp_path: Path) -> None:
    """W11: guard texts counted as turns of the user's."""
    plan = calls(Call("plan_tool", {"todos": PLAN}))
    async with agent(
        [text("hi"), plan, text("Done."), text("Done."), text("Done.")], tmp_path
    ) as a:
        await a.say("hello")
        spent = (await values(a))["usage"]["calls"]
        await a.say("plan it")
        assert (await values(a))["plan"]
        await undone(a)
        state = await values(a)
        assert (state["plan"], state["turn"]["iterations"], state["turn"]["nudges"]) == ([], 1, 0)
        assert await asked(a) == ["hello"]
        assert state["usage"]["calls"] > spent, "what was spent stays spent"


async def test_the_first_turn_can_be_undone_and_the_session_goes_on(tmp_path: Path) -> None:
    async with agent([text("one"), text("two")], tmp_path) as a:
        await a.say("first")
        assert (await undone(a)).turns == 1
        assert await a.messages() == []
        await a.say("second")
        assert [str(m.content) for m in await a.messages()] == ["second", "two"]


async def test_there_is_no_turn_to_undo_or_redo(tmp_path: Path) -> None:
    async with agent([text("one")], tmp_path) as a:
        for operation in (op.Undo(), op.Redo()):
            (error,) = await a.do(operation)
            assert isinstance(error, ev.Error)
            assert "There is no turn to" in error.error
        await a.say("first")
        assert (await undone(a, 99)).turns == 1


async def test_a_new_message_ends_the_chance_to_redo(tmp_path: Path) -> None:
    async with agent([text("one"), text("two")], tmp_path) as a:
        await a.say("first")
        await undone(a)
        await a.say("second")
        (error,) = await a.do(op.Redo())
        assert isinstance(error, ev.Error)


async def test_what_the_user_changed_since_is_kept_and_named(tmp_path: Path) -> None:
    work = prepare(tmp_path)
    async with agent([BASH, text("done")], tmp_path) as a:
        await a.say("change things")
        (work / "kept.txt").write_text("mine now")
        done = await undone(a)
        assert (work / "kept.txt").read_text() == "mine now"
        assert [Path(p).name for p in done.conflicts] == ["kept.txt"]
        assert (work / "gone.txt").read_text() == "precious"


async def test_what_the_user_changes_while_a_turn_waits_is_his(tmp_path: Path) -> None:
    work = prepare(tmp_path)
    script = [calls(Call("bash", {"command": "printf made > made.txt"})), BASH, text("done")]
    asking = RunOptions(permission_mode="default")
    async with agent(script, tmp_path, options=asking) as a:
        await a.say("go")
        await a.do(op.ExecApproval([Decision(type="approve")]))
        (work / "mine.txt").write_text("mine")
        (work / "made.txt").write_text("changed by me")
        await a.do(op.ExecApproval([Decision(type="approve")]))
        done = await undone(a)
        assert (work / "mine.txt").read_text() == "mine"
        assert (work / "made.txt").read_text() == "changed by me"
        assert [Path(p).name for p in done.conflicts] == ["made.txt"]


async def test_a_file_outside_the_folder_that_a_tool_wrote_comes_back(tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere.txt"
    outside.write_text("old")
    read = calls(Call("read", {"path": str(outside)}))
    write = calls(Call("write", {"path": str(outside), "content": "new"}))
    async with agent([read, write, text("done")], tmp_path) as a:
        await a.say("change it")
        assert outside.read_text() == "new"
        await undone(a)
        assert outside.read_text() == "old"


async def test_the_agent_must_look_again_after_an_undo(tmp_path: Path) -> None:
    """Otherwise `write` would replace, unread, what the undo brought back."""
    work = prepare(tmp_path)
    (work / "a.txt").write_text("old")
    read, write = (
        Call("read", {"path": "a.txt"}),
        Call("write", {"path": "a.txt", "content": "new"}),
    )
    script = [calls(read), calls(write), text("done"), calls(write), text("no")]
    async with agent(script, tmp_path) as a:
        await a.say("change it")
        await undone(a)
        await a.say("again")
        assert (work / "a.txt").read_text() == "old"


async def test_what_is_not_covered_is_said(tmp_path: Path) -> None:
    big = calls(Call("bash", {"command": "head -c 3000000 /dev/zero > big.dat"}))
    async with agent([big, text("done")], tmp_path, snapshot_file_mb=1) as a:
        events = await a.say("make it")
        said = [e.message for e in events if isinstance(e, ev.Notice)]
        assert any("big.dat" in message for message in said), said
        done = await undone(a)
        assert any("big.dat" in line for line in done.not_covered)
        assert (a.cwd / "big.dat").exists()


async def test_without_snapshots_only_the_chat_goes_back(tmp_path: Path) -> None:
    work = prepare(tmp_path)
    async with agent([BASH, text("done")], tmp_path, snapshots=False) as a:
        await a.say("change things")
        after = tree(work)
        assert (await undone(a)).restored == []
        assert tree(work) == after
        assert await a.messages() == []
    assert not (tmp_path / "home/snapshots").exists()


@pytest.mark.parametrize("step", ["intend", "undo", "set_values", "finish"])
async def test_a_move_that_a_crash_cut_off_is_completed(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies right after one of its steps; whoever opens the session completes it."""
    work = prepare(tmp_path)
    before = tree(work)
    async with agent([text("hello"), BASH, text("done")], tmp_path) as a:
        await a.say("hi")
        await a.say("change things")
        owner = {"undo": Workspace, "set_values": travel}.get(step, type(a.session._at.timeline))
        _dies_after(owner, step, monkeypatch)
        with pytest.raises(Dead):
            await undone(a)
        monkeypatch.undo()
    async with agent([text("on")], tmp_path, proceed=True) as a:
        assert tree(work) == before
        assert await asked(a) == ["hi"]
        await a.say("go on")
        assert await a.history_violations() == []
        await undone(a)
        assert await asked(a) == ["hi"]


class Dead(Exception):
    pass


def _dies_after(owner: object, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = getattr(owner, name)
    if name == "undo":

        def blocking(*args: object) -> object:
            real(*args)
            raise Dead

        monkeypatch.setattr(owner, name, blocking)
        return

    async def dying(*args: object) -> object:
        await real(*args)
        raise Dead

    monkeypatch.setattr(owner, name, dying)


async def test_a_fork_goes_its_own_way(tmp_path: Path) -> None:
    async with agent([text("one"), text("two")], tmp_path) as a:
        await a.say("first")
        original = a.session.id
        assert isinstance((await a.do(op.Fork()))[0], ev.Ready)
        assert a.session.id != original
        await a.say("second")
        assert await asked(a) == ["first", "second"]
        (old,) = await a.sessions.threads.find(original)
        assert len((await a.sessions.look(old).state()).get("messages", [])) == 2
        assert [t.turns for t in await a.sessions.threads.recent()] == [2, 1]
        await undone(a, 2)
        assert await a.messages() == []


async def test_a_fork_may_leave_turns_out_and_take_the_files_elsewhere(tmp_path: Path) -> None:
    work, copy = prepare(tmp_path), tmp_path / "copy"
    before = tree(work)
    async with agent([text("hello"), BASH, text("done"), text("here")], tmp_path) as a:
        await a.say("hi")
        await a.say("change things")
        after = tree(work)
        await a.do(op.Fork(without=1, folder=copy))
        assert tree(copy) == before
        assert tree(work) == after
        assert await asked(a) == ["hi"]
        await a.say("where are you?")
        assert str(copy) in a.server.requests[-1].body["messages"][0]["content"]


async def test_a_fork_never_runs_what_is_open_in_the_original(tmp_path: Path) -> None:
    script = [calls(Call("bash", {"command": "echo ran >> log"})), text("fine")]
    asking = RunOptions(permission_mode="default")
    async with agent(script, tmp_path, options=asking) as a:
        await a.say("run it")
        await a.do(op.Fork())
        assert not await a.session.unfinished()
        await a.say("go on")
        assert not (a.cwd / "log").exists()
        assert await a.history_violations() == []


@pytest.mark.parametrize("problem", ["turns", "full folder", "inside"])
async def test_a_fork_that_cannot_be_made_leaves_all_as_it_was(
    tmp_path: Path, problem: str
) -> None:
    work = prepare(tmp_path)
    fork = {
        "turns": op.Fork(without=5),
        "full folder": op.Fork(folder=tmp_path),
        "inside": op.Fork(folder=work / "inside"),
    }[problem]
    async with agent([text("one"), text("two")], tmp_path) as a:
        await a.say("first")
        session = a.session.id
        (error,) = await a.do(fork)
        assert isinstance(error, ev.Error)
        assert a.session.id == session
        await a.say("second")
        assert len(await a.sessions.threads.recent()) == 1


async def test_old_turns_are_pruned_when_the_session_is_closed(tmp_path: Path) -> None:
    script = [text(str(n)) for n in range(6)]
    async with agent(script, tmp_path, undo_turns=2) as a:
        for n in range(6):
            await a.say(f"m{n}")
        session = a.session.id
        size = await a.sessions.database.size(session)
    async with agent([text("more")], tmp_path, proceed=True, undo_turns=2) as a:
        assert await a.sessions.database.size(session) < size
        assert await asked(a) == [f"m{n}" for n in range(6)]
        await a.say("m6")
        assert (await undone(a, 99)).turns == 3
        assert await asked(a) == [f"m{n}" for n in range(4)]


async def test_a_long_session_is_pruned_while_it_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "_SLACK", 2)
    async with agent([text(str(n)) for n in range(8)], tmp_path, undo_turns=1) as a:
        for n in range(8):
            await a.say(f"m{n}")
        assert len(await a.session._at.timeline.turns()) < 5
        assert await asked(a) == [f"m{n}" for n in range(8)]
