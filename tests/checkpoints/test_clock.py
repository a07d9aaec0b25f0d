"""A clock that jumps loses no checkpoint, and puts none into the wrong place."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import id as ids
from langgraph.checkpoint.base.id import uuid6
from langgraph.graph import START, StateGraph

import postgres
from ml_intern.checkpoints import clock
from ml_intern.checkpoints.database import Database
from ml_intern.checkpoints.saver import open_database
from ml_intern.graph.state import AgentState

HOUR, DAY = 3600, 24 * 3600
CONFIG: RunnableConfig = {"configurable": {"thread_id": "t"}}


class Clock:
    """LangGraph's clock, which can be set."""

    def __init__(self) -> None:
        self.offset = 0

    def time_ns(self) -> int:
        return time.time_ns() + self.offset * 10**9


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=fake.time_ns))
    monkeypatch.setattr(ids, clock._LAST, None)
    return fake


def compiled(database: Database, during: Any = None) -> Any:
    def reply(state: Any) -> Any:
        if during:
            during(len(state["messages"]))
        return {"messages": [AIMessage(f"answer to {state['messages'][-1].content}")]}

    builder: Any = StateGraph(AgentState)
    for node in "abc":
        builder.add_node(node, reply)
    for edge in [(START, "a"), ("a", "b"), ("b", "c")]:
        builder.add_edge(*edge)
    return builder.compile(checkpointer=database.saver)


async def turn(graph: Any, number: int) -> None:
    await graph.ainvoke({"messages": [HumanMessage(f"turn {number}")]}, CONFIG, durability="sync")


async def check(graph: Any, turns: int) -> None:
    """Every turn is there, and the checkpoints stand in the order in which they were made."""
    state = await graph.aget_state(CONFIG)
    said = [m.content for m in state.values["messages"] if isinstance(m, HumanMessage)]
    assert said == [f"turn {n}" for n in range(turns)]
    steps = [s.metadata["step"] async for s in graph.aget_state_history(CONFIG)]
    assert steps == list(range(turns * 5 - 2, -2, -1))


JUMPS = [[0, -HOUR], [0, -400 * DAY], [400 * DAY, 0], [0, 400 * DAY, 0, -HOUR, -400 * DAY, 0]]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("jumps", JUMPS, ids=str)
async def test_the_clock_is_set_between_two_processes(
    jumps: list[int], kind: str, set_clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.fresh() if kind == "postgres" else None
    for number, offset in enumerate(jumps):
        set_clock.offset = offset
        monkeypatch.setattr(ids, clock._LAST, None)  # A new process knows of no id.
        async with open_database(tmp_path / "s.sqlite", url) as database, database.hold("t"):
            graph = compiled(database)
            await turn(graph, number)
            await check(graph, number + 1)


@pytest.mark.parametrize("jumps", JUMPS, ids=str)
async def test_the_clock_is_set_during_a_run(
    jumps: list[int], set_clock: Clock, tmp_path: Path
) -> None:
    def during(messages: int) -> None:
        set_clock.offset = jumps[messages % len(jumps)]

    async with open_database(tmp_path / "s.sqlite") as database, database.hold("t"):
        graph = compiled(database, during)
        for number in range(4):
            await turn(graph, number)
            await check(graph, number + 1)


async def test_without_it_the_turn_is_lost(
    set_clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tests above would see if `hold` did not seed the clock."""
    async with open_database(tmp_path / "s.sqlite") as database:
        graph = compiled(database)
        await turn(graph, 0)
        set_clock.offset = -HOUR
        monkeypatch.setattr(ids, clock._LAST, None)
        await turn(graph, 1)
        with pytest.raises(AssertionError):
            await check(graph, 2)


async def test_another_session_is_not_moved_back(set_clock: Clock, tmp_path: Path) -> None:
    """A session from the future, then one of today, in one process: time never runs backwards."""
    async with open_database(tmp_path / "s.sqlite") as database:
        clock.seed([(str(uuid6()),)])
        set_clock.offset = 400 * DAY
        future = str(uuid6())
        set_clock.offset = 0
        clock.seed([(future,)])
        clock.seed([("1ef00000-0000-6000-8000-000000000000",)])
        assert str(uuid6()) > future
        async with database.hold("empty"):
            assert str(uuid6()) > future


@pytest.mark.parametrize("found", [None, "", "no uuid", "6ba7b810-9dad-41d1-80b4-00c04fd430c8"])
def test_what_is_no_id_of_langgraphs_is_ignored(found: str | None, set_clock: Clock) -> None:
    before = str(uuid6())
    clock.seed([(found,)])
    assert before < str(uuid6())


def test_langgraph_still_keeps_its_last_time_stamp_there(set_clock: Clock) -> None:
    """Private: if this fails, look how langgraph.checkpoint.base.id orders its ids now."""
    made = uuid6()
    assert getattr(ids, clock._LAST) == made.time
    setattr(ids, clock._LAST, made.time + 10**12)
    assert uuid6().time > made.time + 10**12
