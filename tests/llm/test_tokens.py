"""Counting works offline, for any text, and believes the provider where it can."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage

from ml_intern.llm.tokens import context_size, count_messages, count_text


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("hello world", 2), ("<|endoftext|>", 7), ("🚀", 2), ("\ud83d", 1), ("\0", 1)],
)
def test_any_text_can_be_counted(text: str, tokens: int) -> None:
    """Special tokens are counted as the plain text they are in a user's file."""
    assert count_text(text) == tokens


@pytest.mark.parametrize("unit", [" ", "\n", "\t", "x", "ab", "word ", "漢", "\u3000"])
def test_five_megabytes_can_be_counted(unit: str) -> None:
    """tiktoken panics on a million blanks, and a Rust panic is not an `Exception`."""
    small, large = count_text(unit * 10_000), count_text(unit * (5_000_000 // len(unit)))
    assert large == pytest.approx(small * 5_000_000 / len(unit) / 10_000, rel=0.05)


def reply(total: int | None = None, text: str = "ok", *calls: ToolCall) -> AIMessage:
    message = AIMessage(text, tool_calls=list(calls))
    if total is not None:
        usage = {"input_tokens": total - 1, "output_tokens": 1, "total_tokens": total}
        message.usage_metadata = usage  # type: ignore[assignment]
    return message


def test_calls_and_content_blocks_count() -> None:
    call = ToolCall(name="bash", args={"command": "x y " * 500}, id="a", type="tool_call")
    assert count_messages([reply(None, "", call)]) > 900
    assert count_messages([HumanMessage([{"type": "text", "text": "x y " * 500}])]) > 900
    assert count_messages([]) == 0


WORDS = HumanMessage("word " * 1000)


def test_without_usage_it_is_an_estimate_with_a_margin() -> None:
    plain = count_messages([WORDS, reply()])
    assert context_size([WORDS, reply()]) == int(plain * 1.1)
    assert context_size([WORDS, reply()], overhead=1000) == int((plain + 1000) * 1.1)
    assert context_size([], overhead=0) == 0


def test_w37_reported_usage_covers_everything_up_to_it() -> None:
    """W37: without usage nothing was counted, and compaction never came."""
    result = ToolMessage("x " * 300, tool_call_id="a")
    messages: list[AnyMessage] = [WORDS, reply(5000), result]
    assert context_size(messages, overhead=10**6) == 5000 + count_messages([result])
    assert context_size([WORDS, reply(5000)]) == 5000


def test_the_newest_report_counts() -> None:
    assert context_size([WORDS, reply(3000), WORDS, reply(6000)]) == 6000
    assert context_size([WORDS, reply(6000), WORDS, reply(3000)]) == 3000


def test_w3_a_report_that_cannot_be_true_is_not_believed() -> None:
    """W3: a made-up count said that all was well while the provider refused every request."""
    messages: list[AnyMessage] = [HumanMessage("word " * 20_000), reply(3)]
    assert context_size(messages) > 20_000


def test_a_report_beyond_every_tokenizer_is_not_believed() -> None:
    """It would bring up a compaction, paid for, with every call."""
    messages: list[AnyMessage] = [HumanMessage("hello"), reply(10**9)]
    assert context_size(messages) < 100
    assert context_size([HumanMessage("\U00012000" * 20_000), reply(60_000)]) == 60_000


def test_a_report_of_a_history_that_was_cut_is_gone_with_it() -> None:
    assert context_size([HumanMessage("short"), reply()]) < 30
