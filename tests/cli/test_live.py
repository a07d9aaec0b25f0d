"""The wait before a retry: counted down on one line, and never in the way of anything else."""

from __future__ import annotations

import asyncio
import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from ml_intern.cli.live import Live
from ml_intern.cli.render import retry_line
from ml_intern.cli.screen import Progress
from ml_intern.graph import events as ev

CLEAR = "\r\x1b[2K"
SGR = re.compile(r"\x1b\[[\d;]*m")


def retry(wait: float = 12.0, reason: str = "Overloaded.") -> ev.Retry:
    return ev.Retry(model="a/b", reason=reason, attempt=2, retries=4, wait_seconds=wait)


def console(width: int = 80, **options: bool) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False, **options)  # type: ignore[arg-type]


def written(target: Console) -> str:
    assert isinstance(target.file, io.StringIO)
    return SGR.sub("", target.file.getvalue())


def seen(target: Console) -> list[str]:
    """The lines that a person is left with: of each, what was written last."""
    return [line.rsplit(CLEAR, 1)[-1].rstrip() for line in written(target).split("\n")]


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (12.0, "  a/b: Overloaded · trying again in 12 s (2 of 4)"),
        (11.2, "  a/b: Overloaded · trying again in 12 s (2 of 4)"),
        (0.4, "  a/b: Overloaded · trying again in 1 s (2 of 4)"),
        (0.0, "  a/b: Overloaded · trying again (2 of 4)"),
    ],
)
def test_the_line(seconds: float, line: str) -> None:
    assert retry_line(retry(), seconds) == line


@pytest.mark.parametrize("room", [20, 40, 60, 200])
def test_a_long_reason_is_cut_before_the_count(room: int) -> None:
    line = retry_line(retry(reason="太 long\nreason " * 30), 12, room)
    assert cell_len(line) <= max(room, 33)
    assert line.endswith("· trying again in 12 s (2 of 4)")
    assert "\n" not in line


async def test_it_counts_down_on_one_line() -> None:
    target = console(force_terminal=True)
    screen = Live(target)
    screen.show(retry(2.2))
    await asyncio.sleep(2.5)
    told = written(target)
    assert "\n" not in told
    shown = [part.split(" · ")[-1] for part in told.split(CLEAR)[1:]]
    assert shown[0] == "trying again in 3 s (2 of 4)"
    assert shown[-1] == "trying again (2 of 4)"
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (ev.AssistantChunk(content="Hello.\n\n"), "Hello."),
        (ev.AssistantMessage(content="Hello."), "Hello."),
        (ev.Interrupted(), "interrupted"),
        (ev.Error(error="It failed."), "It failed."),
        (ev.ToolCall(tool="bash", tool_call_id="a", arguments={"command": "ls"}), "bash ls"),
        (retry(5.0), "a/b: Overloaded · trying again in 5 s (2 of 4)"),
    ],
)
async def test_what_comes_next_has_a_line_of_its_own(event: ev.Event, text: str) -> None:
    target = console(force_terminal=True)
    screen = Live(target)
    screen.show(retry(30.0))
    screen.show(event)
    screen.line("the end")
    lines = [line.strip() for line in seen(target) if line.strip()]
    assert lines[0] == "a/b: Overloaded · trying again in 30 s (2 of 4)"
    assert text in lines[1]
    assert lines[-1] == "the end"


async def test_no_late_tick_writes_over_what_came_after() -> None:
    target = console(force_terminal=True)
    screen = Live(target)
    screen.show(retry(1.5))
    screen.show(ev.AssistantMessage(content="Hello."))
    before = written(target)
    await asyncio.sleep(1.2)
    assert written(target) == before


async def test_text_that_was_cut_stands_above_the_wait() -> None:
    target = console(force_terminal=True)
    screen = Live(target)
    screen.show(ev.AssistantChunk(content="Half an "))
    screen.show(ev.AssistantStreamEnd(partial=True))
    screen.show(retry(9.0))
    screen.show(ev.AssistantMessage(content="A whole answer."))
    lines = [line.strip() for line in seen(target) if line.strip()]
    assert lines[:2] == ["Half an", "… (cut off)"]
    assert "trying again in 9 s" in lines[2]
    assert lines[3] == "A whole answer."


async def test_a_reason_longer_than_the_line_does_not_wrap_while_it_counts() -> None:
    target = console(width=50, force_terminal=True)
    screen = Live(target)
    screen.show(retry(3.0, reason="very long " * 20))
    assert "\n" not in written(target)
    assert cell_len(seen(target)[-1]) < 50
    screen.line("next")
    assert "very long very long" in " ".join(seen(target))


@pytest.mark.parametrize("kind", [Live, Progress])
def test_without_a_terminal_it_is_one_plain_line(kind: type[Live | Progress]) -> None:
    """Also without an event loop: there is nothing to count down."""
    target = console(force_terminal=False)
    screen = kind(target)
    screen.show(retry())
    screen.line("next")
    assert written(target) == "  a/b: Overloaded · trying again in 12 s (2 of 4)\nnext\n"


def test_a_headless_run_in_a_terminal_does_not_count() -> None:
    target = console(force_terminal=True)
    Progress(target).show(retry())
    assert CLEAR not in written(target)


def test_text_of_a_headless_run_that_was_cut_is_shown_as_cut() -> None:
    target = console(force_terminal=True)
    screen = Progress(target)
    screen.show(ev.AssistantChunk(content="Half an "))
    screen.show(ev.AssistantStreamEnd(partial=True))
    screen.show(ev.AssistantChunk(content="The answer."))
    screen.show(ev.AssistantStreamEnd())
    lines = [line.strip() for line in written(target).split("\n") if line.strip()]
    assert lines == ["Half an", "… (cut off)"]
