"""A reply is what was sent, however it was cut into pieces."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk

from ml_intern.llm.reply import RawCall, Reply, assemble, from_message

Fragment = tuple[int | None, str | None, str | None, str | None]
"""Index, id, name and a piece of the arguments, as a server sends them."""


def chunk(*fragments: Fragment, text: Any = "", **more: Any) -> AIMessageChunk:
    parts = [tool_call_chunk(index=i, id=d, name=n, args=a) for i, d, n, a in fragments]
    return AIMessageChunk(content=text, tool_call_chunks=parts, **more)


def calls(*fragments: Fragment) -> list[tuple[str, str, str]]:
    """The calls that the fragments make up, one fragment a chunk."""
    made = assemble(chunk(fragment) for fragment in fragments).calls
    return [(call.id, call.name, call.arguments) for call in made]


HM = {"reasoning_content": "h" * 200}
A, B = ("a", "bash", '{"x": 1}'), ("b", "read", '{"y": 2}')


@pytest.mark.parametrize(
    "fragments",
    [
        pytest.param([(0, *A), (1, *B)], id="whole"),
        pytest.param(
            [(0, "a", "bash", ""), (0, None, None, '{"x"'), (0, None, None, ": 1}"), (1, *B)],
            id="in pieces",
        ),
        pytest.param(
            [
                (0, "a", "bash", '{"x"'), (1, "b", "read", '{"y"'),
                (0, None, None, ": 1}"), (1, None, None, ": 2}"),
            ],
            id="interleaved",
        ),
        pytest.param(
            [
                (None, "a", "bash", '{"x"'), (None, None, None, ": 1}"),
                (None, "b", "read", '{"y"'), (None, None, None, ": 2}"),
            ],
            id="without index",
        ),
        pytest.param(
            [
                (None, "a", "bash", '{"x"'), (None, "b", "read", '{"y"'),
                (None, "a", None, ": 1}"), (None, "b", None, ": 2}"),
            ],
            id="interleaved by id",
        ),
        pytest.param([(0, *A), (0, *B)], id="index always 0"),
        pytest.param(
            [
                (0, "a", "bash", '{"x"'), (0, None, None, ": 1}"),
                (0, "b", "read", '{"y"'), (0, None, None, ": 2}"),
            ],
            id="index always 0, in pieces",
        ),
        pytest.param(
            [
                (0, "a", "bash", '{"x"'), (0, "b", "read", '{"y"'),
                (0, "a", None, ": 1}"), (0, "b", None, ": 2}"),
            ],
            id="index always 0, interleaved",
        ),
        pytest.param(
            [(0, "a", "bash", '{"x"'), (0, "a", "bash", ": 1}"), (1, *B), (1, "b", "read", "")],
            id="id and name repeated",
        ),
        pytest.param(
            [(0, None, "bash", '{"x"'), (0, "a", None, ": 1}"), (1, *B)], id="id comes late"
        ),
    ],
)  # fmt: skip
def test_w5_fragments_find_their_call(fragments: list[Fragment]) -> None:
    """W5: a missing or constant index merged calls; a repeated name was concatenated."""
    assert calls(*fragments) == [A, B]


def test_calls_without_an_id_or_with_the_same_one_stay_apart_by_index() -> None:
    """Their ids are made unique later, where the history is known."""
    assert calls((0, None, "bash", "{}"), (1, None, "read", "{}")) == [
        ("", "bash", "{}"),
        ("", "read", "{}"),
    ]
    assert calls((0, "x", "bash", "{}"), (1, "x", "read", "{}")) == [
        ("x", "bash", "{}"),
        ("x", "read", "{}"),
    ]


def test_a_piece_of_nothing_begins_a_call() -> None:
    assert calls((None, None, None, '{"x": 1}')) == [("", "", '{"x": 1}')]
    assert calls((None, "", "", "")) == [("", "", "")]


def test_nothing_makes_an_empty_reply() -> None:
    assert assemble([]) == assemble([AIMessageChunk(content="")]) == Reply(text="")


def test_broken_arguments_are_not_mended() -> None:
    """langchain completes half-sent JSON: `{"path": "/` would become a call on `/`."""
    assert calls((0, "a", "bash", '{"command": "rm -r /')) == [
        ("a", "bash", '{"command": "rm -r /')
    ]


def test_text_may_come_in_blocks() -> None:
    blocks = [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]
    assert assemble([chunk(text="a"), chunk(text=blocks), chunk(text="d")]).text == "abcd"


def test_the_last_finish_and_usage_count() -> None:
    usage: Any = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    chunks = [
        chunk(text="a", usage_metadata={**usage, "output_tokens": 1}),
        chunk(response_metadata={"finish_reason": "stop"}),
        chunk(usage_metadata=usage),
        chunk(response_metadata={"finish_reason": None}),
    ]
    reply = assemble(chunks)
    assert (reply.finish, reply.usage) == ("stop", usage)
    assert assemble([chunk(text="a")]).finish == ""
    assert assemble([chunk(text="a")]).usage is None


def test_provider_data_is_merged_and_the_rest_dropped() -> None:
    block = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    chunks = [
        chunk(additional_kwargs={"reasoning_content": "H", "tool_calls": [{}]}),
        chunk(additional_kwargs={"reasoning_content": "m."}),
        chunk(additional_kwargs={"thinking_blocks": [block]}),
    ]
    assert assemble(chunks).extras == {"reasoning_content": "Hm.", "thinking_blocks": [block]}


names = st.sampled_from(["bash", "read"])
arguments = st.dictionaries(st.text(max_size=3), st.text(max_size=5) | st.integers(), max_size=3)
wanted_calls = st.lists(st.tuples(names, arguments), max_size=3)


@given(st.text(max_size=20), wanted_calls, st.data())
def test_a_streamed_reply_equals_the_whole_one(
    text: str, wanted: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    usage: Any = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    kept = {"reasoning_content": "Hm."}
    whole = AIMessage(
        text,
        tool_calls=[tool_call(id=f"c{n}", name=k, args=v) for n, (k, v) in enumerate(wanted)],
        response_metadata={"finish_reason": "stop"},
        usage_metadata=usage,
        additional_kwargs=kept,
    )
    cut = data.draw(st.integers(0, len(text)))
    chunks = [chunk(text=text[:cut]), chunk(text=text[cut:], additional_kwargs=kept)]
    for n, (name, args) in enumerate(wanted):
        raw = json.dumps(args)
        at = data.draw(st.integers(0, len(raw)))
        chunks += [chunk((n, f"c{n}", name, raw[:at])), chunk((n, None, None, raw[at:]))]
    chunks += [chunk(usage_metadata=usage, response_metadata={"finish_reason": "stop"})]
    assert assemble(chunks) == from_message(whole)


def test_a_whole_reply_keeps_the_calls_that_langchain_could_not_read() -> None:
    broken = invalid_tool_call(id=None, name=None, args='{"x', error="e")
    message = AIMessage("", tool_calls=[tool_call(id=None, name="bash", args={})])
    message.invalid_tool_calls = [broken]
    assert from_message(message) == Reply(
        text="", calls=[RawCall("", "bash", "{}"), RawCall("", "", '{"x')]
    )


def test_very_many_fragments_take_linear_time() -> None:
    """Joined one by one, arguments and reasoning of a megabyte take minutes."""

    def seconds(count: int) -> float:
        first = chunk((0, "a", "bash", "1" * 200))
        pieces = [chunk((0, None, None, "1" * 200), additional_kwargs=HM) for _ in range(count)]
        calls = [chunk((n, f"c{n}", "bash", "{}")) for n in range(1, count // 10)]
        began = time.process_time()
        reply = assemble([first, *pieces, *calls])
        assert len(reply.calls[0].arguments) == 200 * (count + 1)
        assert len(reply.extras["reasoning_content"]) == 200 * count
        assert len(reply.calls) == count // 10
        return time.process_time() - began

    seconds(100)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.02)
