"""The screen of a conversation: what goes above, once, and what stands in the pane meanwhile."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from ml_intern.cli.activity import Activity
from ml_intern.cli.live import Above, Live
from ml_intern.cli.render import retry_line
from ml_intern.cli.screen import Progress
from ml_intern.configs.errors import ConfigError
from ml_intern.graph import events as ev

SGR = re.compile(r"\x1b\[[\d;]*m")


def retry(wait: float = 12.0, reason: str = "Overloaded.") -> ev.Retry:
    return ev.Retry(model="a/b", reason=reason, attempt=2, retries=4, wait_seconds=wait)


def console(width: int = 80, **options: bool) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False, **options)  # type: ignore[arg-type]


def written(target: Console) -> str:
    assert isinstance(target.file, io.StringIO)
    return SGR.sub("", target.file.getvalue())


def seen(target: Console) -> list[str]:
    return [line.rstrip() for line in written(target).split("\n") if line.strip()]


def live(target: Console) -> Live:
    return Live(target, Activity(since=0.0), lambda: 1.0)


def pane(screen: Live, columns: int = 80, rows: int = 24) -> list[str]:
    return "".join(one[1] for one in screen.frame(columns, rows)).split("\n")


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


def test_text_stands_in_the_pane_until_its_block_is_complete() -> None:
    target = console(force_terminal=True)
    screen = live(target)
    screen.show(ev.AssistantChunk(content="Half a **sent"))
    assert seen(target) == []
    assert pane(screen)[0].strip() == "Half a **sent"
    screen.show(ev.AssistantChunk(content="ence**.\n\nNext"))
    assert seen(target) == ["  Half a sentence."]
    assert [line.strip() for line in pane(screen)[:-1]] == ["Next"]
    screen.show(ev.AssistantStreamEnd())
    assert seen(target) == ["  Half a sentence.", "  Next"]
    assert "Next" not in "".join(pane(screen))


@pytest.mark.parametrize("size", [1, 3, 50])
def test_no_text_is_lost_or_doubled_however_it_is_cut(size: int) -> None:
    lines = [f"row {n}" for n in range(60)]
    said = "Intro.\n\n```text\n" + "\n".join(lines) + "\n```\n\n- a\n- b\n\nThe end"
    target = console(force_terminal=True)
    screen = live(target)
    for at in range(0, len(said), size):
        screen.show(ev.AssistantChunk(content=said[at : at + size]))
        pane(screen)
    screen.show(ev.AssistantStreamEnd())
    told = [line.strip() for line in seen(target)]
    assert told == ["Intro.", *lines, "• a", "• b", "The end"]


def test_a_long_block_shows_its_end_in_a_third_of_the_rows() -> None:
    screen = live(console(force_terminal=True))
    rows = "\n".join(f"row {n}" for n in range(2000))
    screen.show(ev.AssistantChunk(content=f"```\n{rows}\n"))
    shown = pane(screen, rows=24)
    assert len(shown) == 9
    assert any("row 1999" in line for line in shown)


def test_a_run_that_ends_without_a_word_leaves_what_was_shown() -> None:
    target = console(force_terminal=True)
    screen = live(target)
    call = {"tool": "bash", "tool_call_id": "a"}
    screen.show(ev.ToolCall(**call, arguments={"command": "sleep 9"}))  # type: ignore[arg-type]
    screen.show(ev.ToolStateChange(**call, state="running"))  # type: ignore[arg-type]
    screen.show(ev.AssistantChunk(content="Half an "))
    screen.settle()
    assert seen(target) == ["  Half an", "  ✗ bash sleep 9 (stopped)"]
    assert pane(screen) == [""]


def test_a_call_is_shown_in_the_pane_and_then_with_its_result() -> None:
    target = console(force_terminal=True)
    screen = live(target)
    call = {"tool": "bash", "tool_call_id": "a"}
    screen.show(ev.ToolCall(**call, arguments={"command": "ls"}))  # type: ignore[arg-type]
    screen.show(ev.ToolStateChange(**call, state="running"))  # type: ignore[arg-type]
    screen.show(ev.ToolLog(**call, log="a.py"))  # type: ignore[arg-type]
    assert seen(target) == []
    assert pane(screen)[:2] == ["  ▸ bash ls · 0 s", "    ┆ a.py"]
    screen.show(ev.ToolOutput(**call, output="a.py", success=True))  # type: ignore[arg-type]
    assert seen(target) == ["  ✔ bash ls", "  │ a.py"]


def test_a_folded_output_can_be_shown_whole() -> None:
    target = console(force_terminal=True)
    screen = live(target)
    for first in (0, 1000):
        output = "\n".join(f"row {first + n}" for n in range(50))
        screen.show(ev.ToolOutput(tool="bash", tool_call_id="a", output=output, success=True))
    assert "/show 2" in written(target)
    assert "row 1020" not in written(target)
    screen.unfold("1")
    assert "row 20" in written(target)
    screen.unfold("")
    assert "row 1020" in written(target)
    for wrong in ("3", "0", "two"):
        with pytest.raises(ConfigError, match=f"no folded output '{wrong}'. There are: 1 to 2"):
            screen.unfold(wrong)


def test_text_that_was_cut_stands_above_the_wait() -> None:
    target = console(force_terminal=True)
    screen = live(target)
    screen.show(ev.AssistantChunk(content="Half an "))
    screen.show(ev.AssistantStreamEnd(partial=True))
    screen.show(retry(9.0))
    assert pane(screen)[-1].endswith("trying again in 9 s (2 of 4)")
    screen.show(ev.AssistantMessage(content="A whole answer."))
    lines = [line.strip() for line in seen(target)]
    assert lines[:2] == ["Half an", "… (cut off)"]
    assert "trying again in 9 s" in lines[2]
    assert lines[3] == "A whole answer."


def test_what_rich_writes_is_handed_on() -> None:
    told: list[str] = []
    Console(file=Above(told.append), width=40).print("[red]x")  # type: ignore[arg-type]
    assert "".join(told).endswith("\n")


def test_a_headless_wait_is_one_plain_line() -> None:
    target = console(force_terminal=False)
    screen = Progress(target)
    screen.show(retry())
    screen.line("next")
    assert written(target) == "  a/b: Overloaded · trying again in 12 s (2 of 4)\nnext\n"


def test_a_headless_run_in_a_terminal_does_not_count() -> None:
    target = console(force_terminal=True)
    Progress(target).show(retry())
    assert written(target).count("trying again") == 1


def test_text_of_a_headless_run_that_was_cut_is_shown_as_cut() -> None:
    target = console(force_terminal=True)
    screen = Progress(target)
    screen.show(ev.AssistantChunk(content="Half an "))
    screen.show(ev.AssistantStreamEnd(partial=True))
    screen.show(ev.AssistantChunk(content="The answer."))
    screen.show(ev.AssistantStreamEnd())
    lines = [line.strip() for line in written(target).split("\n") if line.strip()]
    assert lines == ["Half an", "… (cut off)"]


def test_a_command_of_ones_own_that_was_stopped_acts_on_no_terminal() -> None:
    target = console(force_terminal=True)
    screen = live(target)
    screen.watch("!", "sleep 9 # \x1b]0;owned\x07\nand more")
    assert "\x1b" not in "".join(pane(screen))
    screen.settle()
    assert "\x1b" not in written(target)
    assert seen(target) == ["  ✗ ! sleep 9 # and more (stopped)"]
