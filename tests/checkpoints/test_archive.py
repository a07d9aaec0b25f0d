"""The archive: what compactions took out is stored once, whole, searched in SQL, gone with rm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph

import postgres
from ml_intern.checkpoints.archive import Archive, Place
from ml_intern.checkpoints.database import Database, StorageError
from ml_intern.checkpoints.newest import newest_messages
from ml_intern.checkpoints.saver import open_database
from ml_intern.checkpoints.threads import Threads
from ml_intern.checkpoints.wording import plain
from ml_intern.graph.state import AgentState

ODD = "NUL \x00, a lone surrogate \ud83d, \U0001f600, %_!'\"\\ and\nlines"
CALL = {"name": "write", "args": {"path": "a.py", "n": {"x": [1]}}, "id": "c1"}
MESSAGES: list[AnyMessage] = [
    HumanMessage("Train it", id="m1"),
    AIMessage(
        "Writing.",
        id="m2",
        tool_calls=[CALL],
        additional_kwargs={"thinking_blocks": [{"thinking": "hm", "signature": "s"}]},
        usage_metadata={"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
        response_metadata={"finish_reason": "tool_calls"},
    ),
    ToolMessage("No space", tool_call_id="c1", name="write", status="error", id="m3"),
    AIMessage([{"type": "text", "text": "Full."}], id="m4"),
    HumanMessage("nudge", id="m5", additional_kwargs={"ml_intern": "nudge"}),
]


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    url = postgres.fresh() if request.param == "postgres" else None
    async with open_database(tmp_path / "sessions.sqlite", url) as opened:
        yield opened


@pytest.fixture
def archive(database: Database) -> Archive:
    return Archive(database, "s")


async def rows(database: Database) -> list[tuple[object, ...]]:
    query = "SELECT session, batch, position, id, text, message FROM archive ORDER BY 1, 2, 3"
    return await database.fetch(query)


async def found(archive: Archive, *words: str) -> dict[str, int]:
    ids = {place: id_ for id_, place in await archive.places(["b"])}
    return {ids[place]: n for place, n in (await archive.search(["b"], words)).items()}


async def test_messages_come_back_as_they_were(archive: Archive) -> None:
    await archive.keep("b", MESSAGES)
    assert await archive.messages(["b"]) == MESSAGES
    assert await archive.read([Place("b", 2), Place("b", 9)]) == {Place("b", 2): MESSAGES[2]}
    assert await archive.read([]) == {}


async def test_what_no_database_can_hold_is_replaced(archive: Archive) -> None:
    await archive.keep("b", [HumanMessage(ODD, id="m1")])
    (message,) = await archive.messages(["b"])
    assert message.text == ODD.replace("\ud83d", "\ufffd")
    assert await found(archive, "%_!'\"\\") == {"m1": 1}


async def test_a_batch_that_is_stored_stays_as_it_is(database: Database, archive: Archive) -> None:
    await archive.keep("b", MESSAGES)
    before = await rows(database)
    await archive.keep("b", MESSAGES)
    await archive.keep("b", [HumanMessage("another", id="x")])
    await archive.keep("empty", [])
    assert await rows(database) == before


async def test_batches_are_read_in_the_order_that_is_asked_for(archive: Archive) -> None:
    await archive.keep("b", MESSAGES[2:])
    await archive.keep("a", MESSAGES[:2])
    await archive.keep("of another line", [HumanMessage("undone", id="u")])
    assert await archive.messages(["a", "b"]) == MESSAGES
    assert [id_ for id_, _ in await archive.places(["b", "a"])] == ["m3", "m4", "m5", "m1", "m2"]
    assert await archive.messages([]) == await archive.messages(["unknown"]) == []


async def test_a_large_batch_is_kept_whole(archive: Archive) -> None:
    many = [HumanMessage(f"line {n}", id=str(n)) for n in range(1234)]
    await archive.keep("b", many)
    assert await archive.messages(["b"]) == many


@pytest.mark.parametrize(
    ("words", "hits"),
    [
        (["TRAIN"], {"m1": 1}),
        (["rain"], {"m1": 1}),
        (["no space"], {"m3": 1}),
        (["write"], {"m2": 1, "m3": 1}),  # the call, and the name of the tool
        (["a.py", "writing", "nowhere"], {"m2": 2}),
        (['{"x": [1]}'], {"m2": 1}),
        (["a%y"], {}),
        (["a_py"], {}),
        (["finish_reason"], {}),
        ([], {}),
    ],
)
async def test_words_are_found(archive: Archive, words: list[str], hits: dict[str, int]) -> None:
    await archive.keep("b", MESSAGES)
    assert await found(archive, *words) == hits


async def test_case_does_not_matter_in_any_language(archive: Archive) -> None:
    await archive.keep("b", [HumanMessage("Größe der ÜBUNG", id="1"), HumanMessage("ДА", id="2")])
    assert await found(archive, "GRÖSSE", "übung") == {"1": 2}
    assert await found(archive, "да") == {"2": 1}


async def test_recall_does_not_find_itself(archive: Archive) -> None:
    calls = [{"name": "recall", "args": {"query": "sought"}, "id": "r"}, CALL]
    await archive.keep("b", [
        AIMessage("", id="1", tool_calls=calls),
        ToolMessage("sought", name="recall", tool_call_id="r", id="2"),
    ])  # fmt: skip
    assert await found(archive, "sought") == {}
    assert await found(archive, "a.py") == {"1": 1}
    assert "sought" in plain((await archive.messages(["b"]))[0])


async def test_the_users_place_is_found_by_type_not_by_text(archive: Archive) -> None:
    trap = ToolMessage('{"type": "human"}', tool_call_id="t", id="t")
    await archive.keep("b", [*MESSAGES, trap])
    assert [m.id for m in (await archive.asked(["b"])).values()] == ["m1", "m5"]


async def test_a_copy_has_all_and_can_be_made_again(database: Database, archive: Archive) -> None:
    await archive.keep("b", MESSAGES)
    copy = Archive(database, "copy")
    for _ in range(2):
        await archive.copy_to("copy")
    assert await copy.messages(["b"]) == MESSAGES
    await Threads(database).remove("s")
    assert await archive.messages(["b"]) == []
    assert await copy.messages(["b"]) == MESSAGES
    assert {row[0] for row in await rows(database)} == {"copy"}


async def test_nothing_but_messages_is_made_of_what_is_stored(
    database: Database, archive: Archive
) -> None:
    await archive.keep("b", MESSAGES[:1])
    evil = '{"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": "id"}}'
    await database.write(("UPDATE archive SET message = ?", (evil,)))
    with pytest.raises(StorageError, match="doctor --fix"):
        await archive.messages(["b"])


async def test_the_history_is_read_without_the_graph(database: Database) -> None:
    builder: Any = StateGraph(AgentState)
    builder.add_node("node", lambda state: {"messages": [AIMessage(f"{len(state['messages'])}")]})
    builder.add_edge(START, "node")
    graph = builder.compile(checkpointer=database.saver)
    config: RunnableConfig = {"configurable": {"thread_id": "t"}}
    assert await newest_messages(database.saver, "t") == []
    values: dict[str, Any] = {}
    async with database.hold("t"):
        for number in range(3):
            await graph.ainvoke({"messages": [HumanMessage(str(number))]}, config)
            values = (await graph.aget_state(config)).values
            assert await newest_messages(database.saver, "t") == values["messages"]
            assert len(values["messages"]) == 2 * number + 2
        await database.saver.aprune(["t"])  # now the newest checkpoint holds them itself
    assert await newest_messages(database.saver, "t") == values["messages"]


async def test_a_search_in_forty_megabytes_does_not_hold_up_the_loop(archive: Archive) -> None:
    text = "epoch 1 loss 0.5 " * 120
    many = [ToolMessage(f"{text}{n}", tool_call_id=f"c{n}", id=str(n)) for n in range(20_000)]
    await archive.keep("b", many)
    longest, done = 0.0, asyncio.Event()

    async def tick() -> None:
        nonlocal longest
        while not done.is_set():
            before = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - before)

    ticking = asyncio.create_task(tick())
    begun = time.monotonic()
    assert await found(archive, "loss", "19999") == {
        str(n): 1 + (n == 19_999) for n in range(20_000)
    }
    took = time.monotonic() - begun
    done.set()
    await ticking
    assert took < 20
    assert longest < 1
