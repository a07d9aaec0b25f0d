"""A sample of the crash sweep; `sweep.py --all` plays every point."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import postgres
from crash.stage import Setting
from crash.sweep import Report, Sweep, effects, stratified

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def sqlite() -> Iterator[Sweep]:
    with Sweep(Setting()) as sweep:
        yield sweep


def assert_holds(report: Report) -> None:
    assert not report.failures, str(report)
    # How many statements there are depends a little on who is quicker.
    assert report.fired >= report.planned - 1 > 0, str(report)


def test_nothing_happens_twice_and_nothing_is_lost_whenever_it_dies(sqlite: Sweep) -> None:
    assert_holds(sqlite.strike("kill", stratified(sqlite.count(), every=40)))


def test_another_message_instead_tells_what_became_of_each_call(sqlite: Sweep) -> None:
    assert_holds(sqlite.strike("say", effects(sqlite.count())))


def test_a_second_process_is_refused(sqlite: Sweep) -> None:
    points = sqlite.count()
    assert_holds(sqlite.strike("twin", effects(points, "opaque:")))
    assert_holds(sqlite.strike("race", effects(points, "opaque:")))


def test_the_same_holds_in_postgresql() -> None:
    with Sweep(Setting(database=postgres.fresh())) as sweep:
        points = sweep.count()
        opaque = effects(points, "opaque:")
        assert_holds(sweep.strike("kill", opaque + points[::80]))
        assert_holds(sweep.strike("twin", opaque))
