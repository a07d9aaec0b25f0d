"""What calls took, added up."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import RunnableLambda

from ml_intern.llm.factory import Model
from ml_intern.llm.facts import Price
from ml_intern.llm.reply import Reply
from ml_intern.llm.usage import add_usage, usage_event


def model(dollars: float | None) -> Model:
    never: Any = RunnableLambda(lambda _: None)
    # 12 tokens of either kind make one millionth of twelve dollars a dollar.
    price = None if dollars is None else Price(input=dollars / 12 * 1e6, output=dollars / 12 * 1e6)
    return Model(name="a/b", where="there", chat=never, plain=never, window=1, price=price)


USAGE = UsageMetadata(
    input_tokens=10, output_tokens=2, total_tokens=12, input_token_details={"cache_read": 4}
)


def test_one_call() -> None:
    event = usage_event(model(0.5), Reply(text="", usage=USAGE), "main")
    assert (event.kind, event.model) == ("main", "a/b")
    assert event.cost_usd == pytest.approx(0.5)
    assert (event.input_tokens, event.output_tokens, event.cache_read_tokens) == (10, 2, 4)


@pytest.mark.parametrize("details", [{}, {"cache_read": None}, {"audio": 3}])
def test_details_may_be_missing(details: Any) -> None:
    usage: Any = {**USAGE, "input_token_details": details}
    assert usage_event(model(0.5), Reply(text="", usage=usage), "main").cache_read_tokens == 0


def test_w37_a_call_without_usage_counts_and_its_cost_is_unknown() -> None:
    """W37: unknown is not zero."""
    event = usage_event(model(None), Reply(text=""), "compaction")
    assert (event.input_tokens, event.cost_usd) == (0, None)
    assert add_usage({}, event)["unpriced_calls"] == 1


def test_totals() -> None:
    priced = usage_event(model(0.5), Reply(text="", usage=USAGE), "main")
    unpriced = usage_event(model(None), Reply(text="", usage=USAGE), "main")
    total: dict[str, float] = {}
    for event in (priced, unpriced, priced):
        before = dict(total)
        total, old = add_usage(total, event), total
        assert old == before
    assert total == {
        "calls": 3,
        "input_tokens": 30,
        "output_tokens": 6,
        "cache_read_tokens": 12,
        "cache_write_tokens": 0,
        "cost_usd": pytest.approx(1.0),
        "unpriced_calls": 1,
        "unknown_usd": 0.0,
    }


def test_a_free_call_is_priced() -> None:
    event = usage_event(model(0.0), Reply(text="", usage=USAGE), "main")
    assert add_usage({}, event)["unpriced_calls"] == 0
