"""The sweep notices when one of the guards is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crash.edges import Edge
from crash.ground import Ground, Point
from crash.history import BEGINS, ENDS, noted
from crash.judge import failures
from crash.stage import Setting
from crash.zygote import Zygote

EFFECT = Point(0, Edge("after opaque:e", 1))
"""A call that had its effect and has no result yet."""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as zygote:
        yield zygote


@pytest.mark.parametrize(
    ("mutant", "nemesis", "broken"),
    [
        # Its intent unnoted, the call is run again.
        ("no-intent", "kill", {"once"}),
        # Both processes run the turn to its end.
        ("no-lock", "twin", {"once", "refused"}),
        # What a process writes sorts below what another wrote an hour later.
        ("no-seed", "kill", {"ends", "messages"}),
        # The model is asked again for calls that were never stored.
        ("async", "kill", {"once", "prefix"}),
    ],
)
def test_a_missing_guard_is_seen(
    tmp_path: Path, zygote: Zygote, mutant: str, nemesis: str, broken: set[str]
) -> None:
    story = Ground(tmp_path, zygote, Setting(mutant=mutant)).play(nemesis, EFFECT)
    assert story.fired
    assert failures(story).keys() >= broken


@pytest.mark.parametrize("nemesis", ["kill", "twin"])
def test_with_all_guards_nothing_is_seen(tmp_path: Path, zygote: Zygote, nemesis: str) -> None:
    story = Ground(tmp_path, zygote, Setting()).play(nemesis, EFFECT)
    assert story.fired
    assert failures(story) == {}


def test_what_the_judge_goes_by_is_there_to_be_seen(tmp_path: Path, zygote: Zygote) -> None:
    story = Ground(tmp_path, zygote, Setting()).play("kill", Point(0, Edge("after opaque:e", 2)))
    assert not story.fired
    # Intents: opaque d and e, reconcilable c and f. Results: those of every call.
    assert noted(story.struck.trace) == {BEGINS: 4, ENDS: 8}
