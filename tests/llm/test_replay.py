from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from pydantic import ValidationError

from ml_intern.configs.errors import MlInternError
from ml_intern.graph.events import Event
from ml_intern.llm.ask import Asking, ask
from ml_intern.llm.factory import Model
from ml_intern.llm.facts import FREE
from ml_intern.llm.replay import ReplayModel, TapeDrift
from ml_intern.llm.reply import assemble, from_message
from ml_intern.llm.tape import Tape

TAPE = Tape.model_validate(
    {
        "prompt": "Do it.",
        "turns": [
            {
                "say": "I look at two things.",
                "calls": [
                    {"tool": "bash", "arguments": {"command": "a"}, "match": [r"n=(?P<low>\d+)"]},
                    {"tool": "read", "arguments": {"path": "x"}, "status": "error"},
                ],
            },
            {
                "say": "It is ${low}, and x is missing.",
                "calls": [
                    {
                        "tool": "bash",
                        "arguments": {"command": "b"},
                        "match": [r"n=(?P<high>\d+)", r"before: (?P<low>\d+)"],
                    }
                ],
            },
            {"rising": [["low", "high"]], "say": "From ${low} to ${high}."},
        ],
    }
)
RESULTS = [[("bash", "n=1", "success"), ("read", "none", "error")],
           [("bash", "n=2, before: 1", "success")]]  # fmt: skip

History = list[BaseMessage]


def model() -> ReplayModel:
    return ReplayModel(tape=TAPE)


async def history(turns: int, results: Sequence[Any] = RESULTS) -> History:
    """The request that comes after `turns` replies and their results."""
    messages: History = [SystemMessage("sys"), HumanMessage("Do it.")]
    for outcome in results[:turns]:
        reply = await model().ainvoke(messages)
        ids = [call["id"] for call in reply.tool_calls]
        messages += [reply]
        messages += [
            ToolMessage(text, name=name, status=status, tool_call_id=call_id)
            for (name, text, status), call_id in zip(outcome, ids, strict=True)
        ]
    return messages


async def test_what_was_captured_is_said() -> None:
    replies = [await model().ainvoke(await history(turns)) for turns in range(3)]
    assert [reply.text for reply in replies] == [
        "I look at two things.",
        "It is 1, and x is missing.",
        "From 1 to 2.",
    ]
    assert [[c["args"] for c in r.tool_calls] for r in replies] == [
        [{"command": "a"}, {"path": "x"}],
        [{"command": "b"}],
        [],
    ]
    ids = [call["id"] for reply in replies for call in reply.tool_calls]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("turns", range(3))
async def test_streamed_is_the_same_as_whole_and_comes_in_words(turns: int) -> None:
    messages = await history(turns)
    whole = from_message(await model().ainvoke(messages))
    chunks = [c async for c in model().astream(messages)]
    assert all(isinstance(chunk, AIMessageChunk) for chunk in chunks)
    assert assemble(c for c in chunks if isinstance(c, AIMessageChunk)) == whole
    assert len([c for c in chunks if c.text]) == len(whole.text.split())
    assert whole.finish == ("tool_calls" if whole.calls else "stop")


async def test_it_has_no_state() -> None:
    used = model()
    for turns in (2, 0, 1, 1, 2):
        messages = await history(turns)
        came, fresh = await used.ainvoke(messages), await model().ainvoke(messages)
        assert from_message(came) == from_message(fresh)


def without(index: int) -> Callable[[History], None]:
    return lambda messages: messages.__delitem__(index)


def with_extra(index: int, message: BaseMessage) -> Callable[[History], None]:
    return lambda messages: messages.insert(index, message)


def changed(index: int, **update: Any) -> Callable[[History], None]:
    def change(messages: History) -> None:
        messages[index] = messages[index].model_copy(update=update)

    return change


def swapped(messages: History) -> None:
    ids = [m.tool_call_id for m in messages if isinstance(m, ToolMessage)]
    changed(3, tool_call_id=ids[1])(messages)
    changed(4, tool_call_id=ids[0])(messages)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without(0), "expected 7 messages .* got 6"),
        (without(4), "expected 7 messages .* got 6"),
        (with_extra(7, HumanMessage("a hint")), "expected 7 messages .* got 8"),
        (with_extra(2, HumanMessage("and")), "expected 7 messages .* got 8"),
        (changed(1, content="Do that."), r"expected the message 'Do it\.'; got 'Do that\.'"),
        (changed(2, content="I looked."), "the recorded reply"),
        (changed(5, tool_calls=[]), "the recorded reply"),
        (changed(3, name="write"), "a result of bash .* got one of write"),
        (changed(3, status="error"), "bash .* status success; got .* status error: 'n=1'"),
        (changed(4, status="success"), "read .* status error; got .* status success"),
        (swapped, r"a result of bash \(call_2_1\)"),
        (changed(3, content="m=1"), r"something like /n=.* got 'm=1'"),
        (changed(6, content="n=2, before: 3"), "reply 3: expected low to be 1 still; got 3"),
        (changed(6, content="n=1, before: 1"), "expected low < high; got 1 and 1"),
    ],
)  # fmt: skip
async def test_any_difference_is_drift(spoil: Callable[[History], None], said: str) -> None:
    messages = await history(2)
    spoil(messages)
    with pytest.raises(TapeDrift, match=said):
        await model().ainvoke(messages)
    with pytest.raises(TapeDrift, match=said):
        _ = [chunk async for chunk in model().astream(messages)]


async def test_an_overrun_is_drift() -> None:
    messages = await history(2)
    messages += [await model().ainvoke(messages), HumanMessage("Go on.")]
    with pytest.raises(TapeDrift, match="no more than 3 replies"):
        await model().ainvoke(messages)


async def test_a_long_result_is_not_told_whole() -> None:
    messages = await history(1)
    changed(3, content="x" * 10_000)(messages)
    with pytest.raises(TapeDrift) as caught:
        await model().ainvoke(messages)
    assert len(str(caught.value)) < 600


def test_every_tool_of_the_tape_must_be_bound() -> None:
    tools = [
        {"type": "function", "function": {"name": name, "parameters": {}}}
        for name in ("bash", "read", "edit")
    ]
    replay = model()
    assert replay.bind_tools(tools) is replay
    with pytest.raises(TapeDrift, match="read: no such tool"):
        replay.bind_tools(tools[:1])


async def test_drift_passes_through_a_model_call_and_is_not_tried_again() -> None:
    replay, events = model(), list[Event]()
    ready = Model(name="r", where="here", chat=replay, plain=replay, window=1,
                  price=FREE, retries=3)  # fmt: skip
    messages = [*await history(2), AIMessage("")]
    for stream in (True, False):
        with pytest.raises(TapeDrift) as caught:
            await ask(ready, messages, events.append, Asking(stream=stream))
        assert isinstance(caught.value, MlInternError)
    assert not events


@pytest.mark.parametrize(
    "turn", [{"say": "It is ${n}."}, {"say": "Done.", "rising": [["n", "m"]]}, {"say": "", "x": 1}]
)
def test_a_tape_that_says_what_it_has_not_seen_is_refused(turn: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Tape.model_validate({"prompt": "p", "turns": [turn]})


def test_long_strings_may_be_lines(tmp_path: Path) -> None:
    path = tmp_path / "tape.json"
    path.write_text(json.dumps({"prompt": "p", "turns": [{"say": {"lines": ["a", "b"]}}]}))
    assert Tape.load(path).turns[0].say == "a\nb"
