"""Deleting old checkpoints changes nothing of what the others say."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, cast

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command, Overwrite, Send, interrupt
from typing_extensions import TypedDict

import postgres
from ml_intern.checkpoints.database import Database, StorageError
from ml_intern.checkpoints.prune import REDUCERS, PruningSaver, adopted, older
from ml_intern.checkpoints.saver import open_database
from ml_intern.graph.state import AgentState, messages_reducer


class Often(TypedDict, total=False):
    """As the agent's state, with snapshots in between."""

    messages: Annotated[list[AnyMessage], DeltaChannel(messages_reducer, snapshot_frequency=3)]
    plan: list[str]


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = postgres.fresh() if request.param == "postgres" else None
    async with open_database(tmp_path / "sessions.sqlite", url) as opened:
        yield opened


def answer(state: Any) -> Any:
    messages = state["messages"]
    newest, number = messages[-1], len(messages)
    if not isinstance(newest, HumanMessage):
        return {"messages": [AIMessage(f"done {number}", id=f"{newest.id}-end")]}
    if newest.content == "overwrite":
        return {"messages": Overwrite([HumanMessage("new", id="n"), *messages[-2:]])}
    removed = {"compact": REMOVE_ALL_MESSAGES, "forget": messages[0].id}.get(newest.text)
    drop = [RemoveMessage(id=removed)] if removed else []
    kept = messages[-2:] if newest.content == "compact" else []
    calls = [{"name": "t", "args": {}, "id": f"{newest.id}-{n}"} for n in range(2)]
    reply = AIMessage("", tool_calls=calls, id=f"{newest.id}-calls")
    return {"messages": [*drop, *kept, reply], "plan": [newest.content]}


def route(state: Any) -> Any:
    calls = getattr(state["messages"][-1], "tool_calls", None)
    return [Send("tool", {"call": call}) for call in calls] if calls else END


def tool(task: Any) -> Any:
    call = task["call"]["id"]
    if call.startswith("ask"):
        interrupt({"call": call})
    return {"messages": [ToolMessage(f"result of {call}", tool_call_id=call, id=f"{call}-result")]}


def compiled(saver: BaseCheckpointSaver[str], state: type[Any] = Often) -> Any:
    builder: Any = StateGraph(state)
    builder.add_node("answer", answer)
    builder.add_node("tool", tool)
    builder.add_edge(START, "answer")
    builder.add_conditional_edges("answer", route, ["tool", END])
    builder.add_edge("tool", "answer")
    return builder.compile(checkpointer=saver)


def config(thread: str, checkpoint: str | None = None) -> RunnableConfig:
    where = {"thread_id": thread, "checkpoint_ns": ""}
    return {"configurable": {**where, **({"checkpoint_id": checkpoint} if checkpoint else {})}}


async def say(graph: Any, thread: str, text: str, name: str = "", **more: Any) -> None:
    message = HumanMessage(text, id=name or text)
    settings = {**config(thread), **more}
    await graph.ainvoke({"messages": [message]}, settings, durability="sync")


async def undo(graph: Any, thread: str, turns: int) -> None:
    inputs = [found async for found in graph.aget_state_history(config(thread))
              if found.metadata["source"] == "input"]  # fmt: skip
    back = inputs[turns - 1].parent_config
    await graph.aupdate_state(back, None, as_node="__copy__")


async def eventful(graph: Any, thread: str) -> None:
    """Fan-outs, removals, an overwrite, an undo, and a question that waits."""
    for text in ("one", "two", "forget", "three", "compact", "four", "overwrite", "five"):
        await say(graph, thread, text)
    await undo(graph, thread, 2)
    await say(graph, thread, "six")
    await undo(graph, thread, 3)
    await say(graph, thread, "ask")


async def history(graph: Any, thread: str) -> dict[str, Any]:
    return {
        found.config["configurable"]["checkpoint_id"]: (
            found.values,
            found.next,
            [(task.id, task.name, task.result, task.interrupts) for task in found.tasks],
            found.metadata["source"],
            found.metadata["step"],
        )
        async for found in graph.aget_state_history(config(thread))
    }


async def parents(saver: BaseCheckpointSaver[str], thread: str) -> dict[str, str | None]:
    return {
        found.checkpoint["id"]: (found.parent_config or config(thread))
        .get("configurable", {})
        .get("checkpoint_id")
        async for found in saver.alist(config(thread))
    }


@pytest.mark.parametrize("state", [Often, AgentState])
async def test_what_is_kept_reads_as_before_and_goes_on(database: Database, state: Any) -> None:
    graph = compiled(database.saver, state)
    await eventful(graph, "t")
    before = await history(graph, "t")
    ids = sorted(before)
    every = 1 if "sqlite" in database.name else 4
    assert len(ids) > 35
    await going_on(database, graph, "t", copy="unpruned")
    expected = await history(graph, "unpruned")
    for cut in [*ids[1:-1:every], ids[-1]]:
        await database.saver.acopy_thread("t", cut)
        await database.prune(cut, cut)
        after = await history(graph, cut)
        assert after == {id_: before[id_] for id_ in ids if id_ >= cut}
        known = await parents(database.saver, cut)
        assert all(parent is None or parent in known for parent in known.values())
        await going_on(database, graph, cut)
        continued = await history(graph, cut)
        assert continued[max(continued)][0] == expected[max(expected)][0]


async def going_on(database: Database, graph: Any, thread: str, copy: str = "") -> None:
    """Answers what waits, then has another turn."""
    if copy:
        await database.saver.acopy_thread(thread, copy)
    name = copy or thread
    waiting = (await graph.aget_state(config(name))).interrupts
    answers = {item.id: "yes" for item in waiting}
    assert answers
    await graph.ainvoke(Command(resume=answers), config(name), durability="sync")
    await say(graph, name, "more")


async def test_pruning_again_and_again_as_turns_go_by(database: Database) -> None:
    """As it happens: at the end of each session, to the last turns."""
    pruned, whole = compiled(database.saver), compiled(database.saver)
    for turn in range(12):
        await say(whole, "whole", f"turn {turn}")
        await say(pruned, "pruned", f"turn {turn}")
        inputs = [found.config["configurable"]["checkpoint_id"]
                  async for found in pruned.aget_state_history(config("pruned"))
                  if found.metadata["source"] == "input"]  # fmt: skip
        await database.prune("pruned", inputs[:3][-1])
        assert len(inputs) <= 4
        left, right = [(await g.aget_state(config(n))).values["messages"]
                       for g, n in ((pruned, "pruned"), (whole, "whole"))]  # fmt: skip
        assert left == right
    assert await database.size("pruned") < await database.size("whole")


async def test_undo_to_the_oldest_checkpoint_kept(database: Database) -> None:
    graph = compiled(database.saver)
    for text in ("one", "two", "three"):
        await say(graph, "t", text)
    found = [s async for s in graph.aget_state_history(config("t"))]
    oldest = next(s for s in found if s.metadata["source"] == "input").parent_config
    before = await graph.aget_state(oldest)
    await database.prune("t", oldest["configurable"]["checkpoint_id"])
    await graph.aupdate_state(oldest, None, as_node="__copy__")
    assert (await graph.aget_state(config("t"))).values == before.values
    await say(graph, "t", "four")
    messages = (await graph.aget_state(config("t"))).values["messages"]
    assert messages[: len(before.values["messages"])] == before.values["messages"]
    assert "three" not in [message.content for message in messages]


async def test_an_unknown_checkpoint_deletes_nothing(database: Database) -> None:
    graph = compiled(database.saver)
    await say(graph, "t", "one")
    before = await history(graph, "t")
    await database.prune("t", "ffffffff-ffff-6fff-bfff-ffffffffffff")
    await database.prune("nobody", max(before))
    assert await history(graph, "t") == before


async def test_other_sessions_are_left_alone(database: Database) -> None:
    graph = compiled(database.saver)
    for text in ("one", "two"):
        await say(graph, "t", text)
        await say(graph, "other", text)
    before = await history(graph, "other")
    await database.prune("t", max(await history(graph, "t")))
    assert await history(graph, "other") == before
    assert len(await history(graph, "t")) == 1


async def test_only_the_newest_is_kept(database: Database) -> None:
    graph = compiled(database.saver)
    await eventful(graph, "t")
    before = await history(graph, "t")
    newest = max(before)
    await database.saver.aprune(["t", "nobody"])
    assert await history(graph, "t") == {newest: before[newest]}
    kept = await database.saver.aget_tuple(config("t"))
    assert kept is not None
    assert not kept.metadata.get("counters_since_delta_snapshot")
    assert await stored(database) <= len(kept.checkpoint["channel_values"])
    await going_on(database, graph, "t")
    await database.saver.aprune(["t"], strategy="delete")
    assert await history(graph, "t") == {}
    assert await database.size("t") == 0
    with pytest.raises(ValueError, match="'some'"):
        await database.saver.aprune(["t"], strategy="some")


async def stored(database: Database) -> int:
    """Values that are kept apart from the checkpoints."""
    if "sqlite" in database.name:
        return 0
    return int((await database.fetch("SELECT count(*) FROM checkpoint_blobs"))[0][0])


@pytest.mark.parametrize("run", ["first", "second", "third"])
async def test_deleting_a_run_leaves_the_others_readable(database: Database, run: str) -> None:
    graph = compiled(database.saver)
    for name in ("first", "second", "third"):
        await say(graph, "t", f"{name} run", metadata={"run_id": name})
    runs = {f.checkpoint["id"]: f.metadata.get("run_id")
            async for f in database.saver.alist(config("t"))}  # fmt: skip
    assert set(runs.values()) == {"first", "second", "third"}
    before = await history(graph, "t")
    await database.saver.adelete_for_runs([run])
    assert await history(graph, "t") == {i: before[i] for i in before if runs[i] != run}
    chain = await parents(database.saver, "t")
    ids = sorted(chain)
    assert [chain[id_] for id_ in ids] == [None, *ids[:-1]]
    await say(graph, "t", "fourth")


async def test_what_was_copied_lives_on_its_own(database: Database) -> None:
    graph = compiled(database.saver)
    await eventful(graph, "t")
    before = await history(graph, "t")
    await database.saver.acopy_thread("t", "copy")
    await database.saver.acopy_thread("t", "copy")
    await database.saver.adelete_thread("t")
    assert await history(graph, "copy") == before
    await going_on(database, graph, "copy")


async def test_what_fails_in_the_middle_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = compiled(database.saver)
    await eventful(graph, "t")
    before = await history(graph, "t")
    kind = cast(Any, type(database.saver))
    remove = kind._remove

    async def fails(saver: Any, thread: str, ns: str, doomed: Any, cuts: Any) -> None:
        # The cuts are written; then comes an id that no database takes.
        await remove(saver, thread, ns, {*doomed, object()}, cuts)

    monkeypatch.setattr(kind, "_remove", fails)
    with pytest.raises(StorageError):
        await database.prune("t", sorted(before)[len(before) // 2])
    assert await history(graph, "t") == before
    await database.write(("DELETE FROM journal", ()))


async def test_the_delta_channels_of_another_graph_are_refused(database: Database) -> None:
    class Other(TypedDict):
        notes: Annotated[list[Any], DeltaChannel(lambda state, writes: [*state, *writes])]

    builder: Any = StateGraph(Other)
    builder.add_node("note", lambda _: {"notes": "b"})
    builder.add_edge(START, "note")
    graph = builder.compile(checkpointer=database.saver)
    await graph.ainvoke({"notes": "a"}, config("t"))
    before = await history(graph, "t")
    with pytest.raises(NotImplementedError, match="notes"):
        await database.saver.aprune(["t"])
    assert await history(graph, "t") == before


def test_every_delta_channel_of_ours_is_known() -> None:
    channels = StateGraph(AgentState).channels
    ours = {name: c.reducer for name, c in channels.items() if isinstance(c, DeltaChannel)}
    assert ours == dict(REDUCERS)


def test_who_loses_a_parent_is_adopted_by_the_nearest_that_stays() -> None:
    tree = {"a": None, "b": "a", "c": "b", "d": "c", "e": "b", "f": "gone"}
    assert adopted(tree, {"b", "c"}) == {"d": "a", "e": "a"}
    assert adopted(tree, {"a", "b"}) == {"c": None, "e": None}
    assert adopted(tree, set()) == {}
    assert adopted({"a": "b", "b": "a", "c": "b"}, {"a", "b"}) == {"c": None}
    assert older(tree, "d") == {"a", "b", "c"}
    assert older(tree, "z") == set(tree) - {"f"}


async def chat(saver: BaseCheckpointSaver[str], thread: str, turns: range) -> None:
    """Turns of 10 KB each: a short question, a long answer."""

    def reply(state: Any) -> Any:
        return {"messages": [AIMessage("x" * 10_000)]}

    builder: Any = StateGraph(AgentState)
    builder.add_node("reply", reply)
    builder.add_edge(START, "reply")
    graph = builder.compile(checkpointer=saver)
    for turn in turns:
        await graph.ainvoke(
            {"messages": [HumanMessage(f"question {turn}")]}, config(thread), durability="sync"
        )


async def test_storage_grows_with_the_transcript_and_pruning_gives_it_back(tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite"
    transcript = 200 * 10_000
    async with open_database(path) as database:
        await chat(database.saver, "t", range(100))
        half_way = await database.size("t")
        await chat(database.saver, "t", range(100, 200))
        whole = await database.size("t")
        assert whole < 2.6 * half_way
        saver = cast(PruningSaver, database.saver)
        ids = sorted([f.checkpoint["id"] async for f in saver.alist(config("t"))])
        began = time.perf_counter()
        await database.prune("t", ids[-20 * 3])
        await database.shrink()
        took = time.perf_counter() - began
        files = sum(file.stat().st_size for file in tmp_path.glob("sessions.sqlite*"))
    assert files < 5 * transcript
    assert took < 5
