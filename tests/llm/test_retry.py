"""When a failed call is tried again: what the provider asks for, a growing bound, two budgets."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern.llm.errors import ModelAuthError, ModelError, ModelUnreachableError
from ml_intern.llm.retry import Budget, asked_wait, wait_before

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
chances = st.floats(0, 1, exclude_max=True)


def busy(asked: float | None = None) -> ModelError:
    return ModelError("busy.", retryable=True, retry_after=asked)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("Mon, 04 May 2026 12:00:30 GMT", 30.0),
        ("Mon, 04 May 2026 14:00:30 +0200", 30.0),
        ("Mon, 04 May 2026 12:00:30", 30.0),
        ("Monday, 04-May-26 12:00:30 GMT", 30.0),
        ("Mon, 04 May 2026 11:59:59 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("1e999", None),
        ("in a minute", None),
        ("99 May 2026", None),
        ("", None),
    ],
)
def test_what_a_provider_asks_for(header: str, seconds: float | None) -> None:
    assert asked_wait({"retry-after": header}, NOW) == seconds


def test_milliseconds_are_more_exact() -> None:
    assert asked_wait({"retry-after-ms": "1500", "retry-after": "2"}, NOW) == 1.5
    assert asked_wait({"retry-after-ms": "soon", "retry-after": "2"}, NOW) == 2.0
    assert asked_wait({"retry-after-ms": "-5"}, NOW) is None
    assert asked_wait({}, NOW) is None


@given(st.text(), st.text())
def test_no_header_is_trusted(after: str, precise: str) -> None:
    seconds = asked_wait({"retry-after": after, "retry-after-ms": precise}, NOW)
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_date_is_understood(then: datetime) -> None:
    seconds = asked_wait({"retry-after": format_datetime(then, usegmt=True)}, NOW)
    if then.year < 1000:  # the year has too few digits
        return
    assert seconds == max(0.0, (then.replace(microsecond=0) - NOW) / timedelta(seconds=1))


@given(st.integers(1, 2000), st.none() | st.floats(0, 1e300), chances)
def test_no_wait_is_longer_than_a_minute(attempt: int, asked: float | None, chance: float) -> None:
    assert 0 <= wait_before(attempt, asked, chance) <= 60


def test_the_bound_doubles_and_chance_decides_below_it() -> None:
    assert [wait_before(n, None, 0.5) for n in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert wait_before(3, None, 0.0) == 0.0
    assert wait_before(5, 3.5, 0.9) == 3.5


@given(
    st.integers(0, 20),
    st.floats(0, 1000),
    st.lists(st.tuples(st.none() | st.floats(0, 200), chances), min_size=30, max_size=30),
)
def test_neither_budget_is_exceeded(
    retries: int, seconds: float, failures: list[tuple[float | None, float]]
) -> None:
    budget, waits = Budget(retries, seconds), []
    for asked, chance in failures:
        wait = budget.next_wait(busy(asked), chance)
        if wait is None:
            break
        waits.append(wait)
    else:
        pytest.fail("it never ended")
    assert len(waits) == budget.used <= retries
    assert sum(waits) <= seconds + 1e-6


def test_what_does_not_pass_is_not_tried_again() -> None:
    assert Budget(4, 300).next_wait(ModelAuthError("no key"), 0.5) is None
    assert Budget(0, 300).next_wait(busy(), 0.5) is None


def test_a_server_that_is_not_there_is_tried_briefly() -> None:
    gone = ModelUnreachableError("gone", retryable=True)
    budget = Budget(10, 300)
    assert [budget.next_wait(gone, 0.5) for _ in range(3)] == [1.0, 2.0, None]
    assert budget.limit(gone) == 2
    assert Budget(1, 300).limit(gone) == 1


def test_a_wait_that_does_not_fit_is_told() -> None:
    """The answer to a minute would be the same; whoever waits longer can do so without us."""
    error = busy(7200.0)
    assert Budget(4, 300).next_wait(error, 0.5) is None
    assert "asks to wait 7,200 s, and 300 s are left" in str(error)
    fits = busy(200.0)
    assert Budget(4, 300).next_wait(fits, 0.5) == 60.0
    assert str(fits) == "busy."
