"""Turns and moves: what undo and redo choose, and what the timeline holds after them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern.checkpoints.database import Database
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.threads import Thread, Threads
from ml_intern.checkpoints.timeline import (
    Timeline,
    TurnRecord,
    plan_redo,
    plan_undo,
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path / "s.sqlite") as opened:
        await Threads(opened).record(Thread(id="s", cwd="/a", system_prompt=""))
        yield opened


@pytest.fixture
def timeline(database: Database) -> Timeline:
    return Timeline(database, "s")


def turn(number: int, before: str, *, after: str = "", undone: bool = False) -> TurnRecord:
    return TurnRecord(
        number=number, before=before, after=after, title="", undone=undone, spans=number % 3
    )


THREE = [turn(1, ""), turn(2, "b"), turn(3, "c")]


async def count(database: Database) -> int:
    (found,) = await Threads(database).find("s")
    return found.turns


def test_undo_goes_to_where_the_oldest_of_them_began() -> None:
    move = plan_undo(THREE, 2, "head")
    assert move is not None
    assert (move.kind, move.numbers, move.target, move.head) == ("undo", [2, 3], "b", "head")
    assert move.snapshots == [2_000_001, 2_000_002]


def test_more_turns_than_there_are_means_all() -> None:
    move = plan_undo(THREE, 99, "head")
    assert move is not None
    assert (move.numbers, move.target) == ([1, 2, 3], "")


def test_redo_goes_to_where_the_newest_of_them_ended() -> None:
    turns = [
        turn(1, ""),
        turn(2, "b", after="c", undone=True),
        turn(3, "c", after="d", undone=True),
    ]
    one, both = plan_redo(turns, 1, "head"), plan_redo(turns, 5, "head")
    assert one is not None
    assert (one.kind, one.numbers, one.target) == ("redo", [2], "c")
    assert both is not None
    assert (both.numbers, both.target) == ([2, 3], "d")


def test_there_may_be_nothing_to_move() -> None:
    assert plan_undo([], 1, "") is None
    assert plan_redo(THREE, 1, "head") is None


async def test_a_move_is_known_until_it_is_finished(database: Database, timeline: Timeline) -> None:
    await timeline.begin("", "one")
    await timeline.begin("b", "two")
    move = plan_undo(await timeline.turns(), 1, "head")
    assert move is not None
    await timeline.intend(move)
    (thread,) = await Threads(database).find("s")
    assert thread.move
    assert await timeline.pending() == move
    await timeline.finish(move)
    (thread,) = await Threads(database).find("s")
    assert not thread.move
    assert await timeline.pending() is None
    assert [(t.undone, t.after) for t in await timeline.turns()] == [(False, ""), (True, "head")]
    assert thread.turns == 1


async def test_finishing_a_move_twice_changes_nothing_more(
    database: Database, timeline: Timeline
) -> None:
    """A crash after the last step: it is made again."""
    await timeline.begin("", "one")
    move = plan_undo(await timeline.turns(), 1, "head")
    assert move is not None
    await timeline.finish(move)
    before = await timeline.turns()
    await timeline.finish(move)
    assert await timeline.turns() == before


async def test_an_undone_turn_ends_where_the_next_began(timeline: Timeline) -> None:
    for before in ("", "b", "c"):
        await timeline.begin(before, "")
    move = plan_undo(await timeline.turns(), 3, "head")
    assert move is not None
    await timeline.finish(move)
    assert [t.after for t in await timeline.turns()] == ["b", "c", "head"]


async def test_a_new_turn_ends_the_chance_to_redo(database: Database, timeline: Timeline) -> None:
    await timeline.begin("", "one")
    await timeline.begin("b", "two")
    assert await timeline.span() == 2_000_001
    move = plan_undo(await timeline.turns(), 1, "head")
    assert move is not None
    await timeline.finish(move)
    assert await timeline.begin("head2", "three") == [2_000_001]
    turns = await timeline.turns()
    assert [(t.number, t.title, t.undone) for t in turns] == [
        (1, "one", False),
        (3, "three", False),
    ]
    assert await count(database) == 2


async def test_a_turn_that_never_had_its_message_is_taken_over(
    database: Database, timeline: Timeline
) -> None:
    """The process died between entering the turn and storing its message."""
    await timeline.begin("", "first")
    await timeline.begin("", "again")
    assert [t.title for t in await timeline.turns()] == ["again"]
    assert await count(database) == 1


async def test_every_run_that_changes_files_has_a_number_of_its_own(timeline: Timeline) -> None:
    await timeline.begin("", "one")
    assert [await timeline.span(), await timeline.span()] == [1_000_001, 1_000_002]
    await timeline.begin("b", "two")
    assert await timeline.span() == 2_000_001
    assert [t.snapshots for t in await timeline.turns()] == [[1_000_001, 1_000_002], [2_000_001]]


async def test_old_turns_are_dropped(timeline: Timeline) -> None:
    for before in ("", "b", "c"):
        await timeline.begin(before, "")
        await timeline.span()
    assert await timeline.drop(5) == ("", [])
    assert await timeline.drop(2, slack=1) == ("", [])
    assert await timeline.drop(2) == ("b", [1_000_001])
    assert [t.number for t in await timeline.turns()] == [2, 3]
    assert await timeline.drop(2) == ("", [])


async def test_sessions_do_not_see_each_others_turns(
    database: Database, timeline: Timeline
) -> None:
    await timeline.begin("", "mine")
    other = Timeline(database, "t")
    assert await other.turns() == []
    await other.adopt(await timeline.turns(), 1)
    assert [t.title for t in await other.turns()] == ["mine"]
    assert await other.begin("x", "theirs") == []
    assert len(await timeline.turns()) == 1


@given(st.lists(st.tuples(st.sampled_from(["undo", "redo"]), st.integers(1, 4)), max_size=12))
def test_undo_and_redo_walk_one_line(moves: list[tuple[str, int]]) -> None:
    """The planner against the plainest model: a position on a line of five turns."""
    heads = ["", "b", "c", "d", "e", "f"]
    turns = [turn(n + 1, heads[n], after=heads[n + 1]) for n in range(5)]
    position = 5
    for kind, n in moves:
        plan = plan_undo(turns, n, "head") if kind == "undo" else plan_redo(turns, n, "head")
        wanted = max(0, position - n) if kind == "undo" else min(5, position + n)
        assert (plan is None) == (wanted == position)
        if plan:
            assert plan.target == heads[wanted]
            position = wanted
            turns = [turn(t.number, t.before, after=t.after, undone=t.number > position)
                     for t in turns]  # fmt: skip
