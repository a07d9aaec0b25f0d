"""The history is a fold of its writes, however they were batched, stored and opened again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from typing_extensions import TypedDict

from ml_intern.checkpoints.saver import open_database
from ml_intern.graph.state import SNAPSHOT_FREQUENCY, AgentState, messages_reducer, turn_of

Write = Any
"""A message or a list of them, as a node returns it."""

ids = st.sampled_from("abcde")
texts = st.text("xyz", max_size=2)
humans = st.builds(lambda text, id: HumanMessage(text, id=id), texts, ids)
messages = st.one_of(
    humans,
    st.builds(lambda text, id: AIMessage(text, id=id), texts, ids),
    st.builds(lambda text, id: ToolMessage(text, id=id, tool_call_id="c"), texts, ids),
    ids.map(lambda id: RemoveMessage(id=id)),
    st.just(RemoveMessage(id=REMOVE_ALL_MESSAGES)),
)
writes: st.SearchStrategy[Write] = messages | st.lists(messages, max_size=4)
states = st.lists(humans, max_size=4, unique_by=lambda m: m.id)


def fold(state: Sequence[Any], write: Write) -> list[Any]:
    """What one write does, spelt out: the model of the reducer."""
    history = list(state)
    for message in write if isinstance(write, list) else [write]:
        place = next((n for n, old in enumerate(history) if old.id == message.id), None)
        if message.id == REMOVE_ALL_MESSAGES:
            history = []
        elif isinstance(message, RemoveMessage):
            history = [old for old in history if old.id != message.id]
        elif place is None:
            history.append(message)
        else:
            history[place] = message
    return history


def folded(batch: Sequence[Write], state: Sequence[Any] = ()) -> list[Any]:
    history = list(state)
    for write in batch:
        history = fold(history, write)
    return history


@given(states, st.lists(writes, max_size=6))
def test_it_is_the_fold_of_its_writes(state: list[Any], batch: list[Write]) -> None:
    assert messages_reducer(state, batch) == folded(batch, state)


@given(states, st.lists(writes, max_size=6), st.lists(writes, max_size=6))
def test_it_does_not_matter_how_writes_are_batched(
    state: list[Any], first: list[Write], second: list[Write]
) -> None:
    together = messages_reducer(state, first + second)
    assert messages_reducer(messages_reducer(state, first), second) == together


@given(states, st.lists(writes, max_size=6))
def test_it_is_deterministic_and_changes_nothing_in_place(
    state: list[Any], batch: list[Write]
) -> None:
    before = list(state), [list(w) if isinstance(w, list) else w for w in batch]
    assert messages_reducer(state, batch) == messages_reducer(state, batch)
    assert (state, batch) == before


def test_messages_without_an_id_are_never_taken_for_each_other() -> None:
    state = [HumanMessage("a"), HumanMessage("b")]
    assert messages_reducer(state, [AIMessage("c"), [AIMessage("d")]]) == [
        *state,
        AIMessage("c"),
        AIMessage("d"),
    ]


def test_messages_may_come_as_plain_data() -> None:
    """LangGraph's server sends JSON."""
    sent = {"type": "human", "content": "hi", "id": "a"}
    assert messages_reducer([], [[sent]]) == [HumanMessage("hi", id="a")]
    assert messages_reducer([], [{"role": "user", "content": "hi"}]) == [HumanMessage("hi")]


def test_removing_all_keeps_what_comes_after_it() -> None:
    state = [HumanMessage("a", id="a"), HumanMessage("b", id="b")]
    kept = [HumanMessage("b", id="b"), AIMessage("s", id="s")]
    assert messages_reducer(state, [[RemoveMessage(id=REMOVE_ALL_MESSAGES), *kept]]) == kept


def test_an_unknown_id_is_ignored() -> None:
    state = [HumanMessage("a", id="a")]
    assert messages_reducer(state, [RemoveMessage(id="zzz")]) == state


class Thread(TypedDict):
    messages: Annotated[list[Any], DeltaChannel(messages_reducer, snapshot_frequency=3)]
    wanted: list[Write]


def looped(saver: BaseCheckpointSaver[Any]) -> Any:
    """A real graph: a node that makes one write after another, each a step of its own."""

    def step(state: Thread) -> dict[str, Any]:
        first, *rest = state["wanted"]
        return {"messages": first, "wanted": rest}

    graph = StateGraph(Thread)
    graph.add_node("step", step)
    graph.add_conditional_edges(START, lambda state: "step" if state["wanted"] else END)
    graph.add_conditional_edges("step", lambda state: "step" if state["wanted"] else END)
    return graph.compile(checkpointer=saver)


CONFIG: RunnableConfig = {"configurable": {"thread_id": "t"}, "recursion_limit": 100}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(writes, max_size=5), min_size=1, max_size=3))
def test_a_thread_in_memory_holds_the_fold(turns: list[list[Write]]) -> None:
    saver = InMemorySaver()
    for turn in turns:
        looped(saver).invoke({"wanted": turn}, CONFIG, durability="sync")
    wanted = folded([write for turn in turns for write in turn])
    assert looped(saver).get_state(CONFIG).values.get("messages", []) == wanted


@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(writes, max_size=5), min_size=1, max_size=3))
async def test_a_thread_on_disk_holds_the_fold_after_every_reopening(
    tmp_path_factory: pytest.TempPathFactory, turns: list[list[Write]]
) -> None:
    path = tmp_path_factory.mktemp("thread") / "t.sqlite"
    wanted: list[Any] = []
    for turn in turns:
        async with open_database(path) as database:
            await looped(database.saver).ainvoke({"wanted": turn}, CONFIG, durability="sync")
        wanted = folded(turn, wanted)
        async with open_database(path) as database:
            state = await looped(database.saver).aget_state(CONFIG)
            assert state.values.get("messages", []) == wanted


async def test_every_earlier_state_of_a_thread_can_be_read(tmp_path: Path) -> None:
    steps: list[Write] = [HumanMessage(str(n), id=str(n)) for n in range(8)]
    steps[5:5] = [RemoveMessage(id=REMOVE_ALL_MESSAGES), [RemoveMessage(id="zzz")]]
    async with open_database(tmp_path / "t.sqlite") as database:
        graph = looped(database.saver)
        await graph.ainvoke({"wanted": steps}, CONFIG, durability="sync")
        seen = [s.values.get("messages", []) async for s in graph.aget_state_history(CONFIG)]
    wanted = [folded(steps[:count]) for count in range(len(steps), -1, -1)]
    assert seen[: len(wanted)] == wanted


def test_the_agents_history_is_such_a_channel() -> None:
    hints = get_type_hints(AgentState, include_extras=True)
    channel = hints["messages"].__metadata__[0]
    assert isinstance(channel, DeltaChannel)
    assert channel.snapshot_frequency == SNAPSHOT_FREQUENCY
    assert channel.reducer is messages_reducer


def test_a_thread_that_has_not_begun_stands_at_zero() -> None:
    assert turn_of({}) == {
        "message": "",
        "iterations": 0,
        "nudges": 0,
        "overflows": 0,
        "model": "",
        "told": 0.0,
        "stop": None,
        "reason": "",
    }


def test_reading_the_turn_does_not_share_it() -> None:
    state: AgentState = {"turn": turn_of({})}
    turn_of(state)["iterations"] = 5
    assert state["turn"]["iterations"] == 0
