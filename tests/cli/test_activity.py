"""What the pane says is under way, from the events alone."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from ml_intern.cli.activity import Activity
from ml_intern.graph import events as ev


def shown(activity: Activity, now: float, width: int = 80) -> list[str]:
    return [text for _, text in activity.lines(now, width)]


def begun() -> Activity:
    activity = Activity()
    activity.begin(100.0)
    return activity


def call(activity: Activity, name: str, command: str, now: float) -> None:
    given: dict[str, Any] = {"tool": "bash", "tool_call_id": name}
    activity.note(ev.ToolCall(**given, arguments={"command": command}), now)
    activity.note(ev.ToolStateChange(**given, state="running"), now)


def test_nothing_is_shown_between_turns() -> None:
    activity = Activity()
    assert shown(activity, 5.0) == []
    activity.begin(5.0)
    activity.end()
    assert shown(activity, 6.0) == []


def test_elapsed_tokens_and_dollars() -> None:
    activity = begun()
    assert shown(activity, 100.0) == ["⠋ thinking · 0 s · Esc stops"]
    usage = ev.Usage(kind="main", model="m", input_tokens=11_800, output_tokens=200,
                     cache_read_tokens=0, cost_usd=0.0314)  # fmt: skip
    activity.note(usage, 101.0)
    (line,) = shown(activity, 172.0)
    assert line[1:] == " thinking · 1 min 12 s · 12.0k tokens · $0.0314 · Esc stops"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(59.9, "59 s"), (60, "1 min 00 s"), (3599, "59 min 59 s"), (3720, "1 h 02 min")],
)
def test_time(seconds: float, said: str) -> None:
    assert f" {said} " in shown(begun(), 100 + seconds)[0]


def test_it_says_what_it_does() -> None:
    activity = begun()
    activity.note(ev.AssistantChunk(content="x"), 101)
    assert "writing" in shown(activity, 101)[0]
    activity.note(ev.AssistantStreamEnd(), 102)
    assert "thinking" in shown(activity, 102)[0]
    call(activity, "a", "ls", 103)
    assert "running" in shown(activity, 103)[-1]


def test_running_calls_have_a_line_and_their_newest_output() -> None:
    activity = begun()
    call(activity, "a", "train.py", 101)
    call(activity, "b", "watch", 102)
    activity.note(ev.ToolLog(tool="bash", tool_call_id="a", log="step 1\x1b[2J"), 103)
    activity.note(ev.ToolLog(tool="bash", tool_call_id="a", log="step 2"), 104)
    assert shown(activity, 104)[:3] == [
        "  ▸ bash train.py · 3 s",
        "    ┆ step 2",
        "  ▸ bash watch · 2 s",
    ]
    activity.note(ev.ToolOutput(tool="bash", tool_call_id="a", output="", success=True), 105)
    assert shown(activity, 105)[0] == "  ▸ bash watch · 3 s"


def test_many_calls_do_not_fill_the_screen() -> None:
    activity = begun()
    for number in range(40):
        call(activity, f"c{number}", f"job {number}", 101)
    lines = shown(activity, 101)
    assert len(lines) == 7
    assert lines[5] == "  … and 35 more"


def test_a_wait_is_counted_down_and_ends_with_the_next_event() -> None:
    activity = begun()
    retry = ev.Retry(model="a/b", reason="Overloaded.", attempt=2, retries=4, wait_seconds=12)
    activity.note(retry, 101)
    left = [shown(activity, now)[0] for now in (101, 103.5, 113, 999)]
    assert [line.split(" · ")[-1] for line in left] == [
        "trying again in 12 s (2 of 4)",
        "trying again in 10 s (2 of 4)",
        "trying again (2 of 4)",
        "trying again (2 of 4)",
    ]
    activity.note(ev.AssistantChunk(content="x"), 104)
    assert "trying" not in shown(activity, 104)[0]


def test_queued_messages_stay_until_they_are_heard() -> None:
    activity = begun()
    activity.queued += ["one\ntwo", "other"]
    assert shown(activity, 101)[:2] == ["  queued: one two", "  queued: other"]
    activity.note(ev.Processing(message="one\ntwo"), 102)
    assert shown(activity, 102)[0] == "  queued: other"


def test_a_call_of_an_earlier_run_is_known_by_what_it_does() -> None:
    activity = Activity()
    activity.know("a", {"command": "train.py"})
    activity.begin(100.0)
    given: dict[str, Any] = {"tool": "bash", "tool_call_id": "a"}
    activity.note(ev.ToolStateChange(**given, state="running"), 101)
    assert shown(activity, 101)[0] == "  ▸ bash train.py · 0 s"


def test_a_turn_begins_with_nothing_of_the_one_before() -> None:
    activity = begun()
    call(activity, "a", "ls", 101)
    activity.note(ev.AssistantChunk(content="x"), 101)
    usage = ev.Usage(kind="main", model="m", input_tokens=1, output_tokens=1,
                     cache_read_tokens=0, cost_usd=1.0)  # fmt: skip
    activity.note(usage, 101)
    activity.begin(200.0)
    assert shown(activity, 200) == ["⠋ thinking · 0 s · Esc stops"]


def test_nothing_moves_while_a_person_is_asked() -> None:
    activity = begun()
    activity.asking = True
    assert shown(activity, 101) == shown(activity, 200) == []


@pytest.mark.parametrize("width", [1, 10, 33, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    activity = begun()
    call(activity, "a", "太" * 90, 101)
    activity.note(ev.ToolLog(tool="bash", tool_call_id="a", log="é" * 300), 101)
    activity.queued.append("q" * 300)
    for line in shown(activity, 101, width):
        assert cell_len(line) <= width


def test_many_queued_messages_leave_room_for_the_rest() -> None:
    activity = begun()
    activity.queued += [f"message {n}" for n in range(30)]
    assert shown(activity, 100.0) == [
        "  queued: message 0",
        "  queued: message 1",
        "  queued: message 2",
        "  … and 27 more",
        "⠋ thinking · 0 s · Esc stops",
    ]
