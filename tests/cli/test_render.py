"""What is shown is what was said: brackets, markup and control characters included."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console, RenderableType

from ml_intern.cli import render as r
from ml_intern.cli.screen import Progress, Screen
from ml_intern.graph import events as ev

HOSTILE = "[/INST] [bold]x[/bold] [red]tail :smile: \\[y] [link=http://evil]z[/link]"
ESCAPE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e"
SGR = re.compile(r"\x1b\[[\d;]*m")


def console(width: int = 240) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, highlight=False)


def printed(target: Console) -> str:
    """What came out, our own colours taken away; nothing else may begin with ESC."""
    assert isinstance(target.file, io.StringIO)
    return SGR.sub("", target.file.getvalue())


def text(renderable: RenderableType | None, width: int = 240) -> str:
    assert renderable is not None
    target = console(width)
    target.print(renderable)
    return printed(target)


def carriers(said: str) -> list[ev.Event]:
    """Every event that shows text from outside."""
    return [
        ev.ToolCall(tool="bash", tool_call_id="a", arguments={"command": said}),
        ev.ToolCall(tool=said, tool_call_id="a", arguments={}),
        ev.ToolCall(tool="x", tool_call_id="a", arguments={"deep": [said]}),
        ev.ToolOutput(tool="bash", tool_call_id="a", output=said, success=True),
        ev.ToolOutput(tool="bash", tool_call_id="a", output=said, success=False),
        ev.ToolOutput(tool="plan_tool", tool_call_id="a", output=said, success=False),
        ev.PlanUpdate(plan=[{"id": "1", "content": said, "status": "pending"}]),
        ev.Notice(message=said),
        ev.Error(error=said),
        ev.Retry(model="a/b", reason=said, attempt=1, retries=4, wait_seconds=3.2),
        ev.UndoComplete(turns=1, restored=[said], conflicts=[said], elsewhere=[said]),
        ev.ToolLog(tool="system", log=said),
        ev.ToolLog(tool="bash", log=said, tool_call_id="a"),
    ]


def kind(event: ev.Event) -> str:
    return str(event.wire()["type"])


@pytest.mark.parametrize("event", carriers(HOSTILE), ids=kind)
def test_w15_markup_in_data_is_shown_and_not_obeyed(event: ev.Event) -> None:
    """W15: `[/INST]` in an error ended the listener; brackets in outputs were eaten."""
    shown = text(r.render(event))
    wanted = HOSTILE.replace("\\", "\\\\") if "deep" in str(event.wire()) else HOSTILE
    assert wanted in shown


@pytest.mark.parametrize("event", carriers(f"a{ESCAPE}b"), ids=kind)
def test_no_control_sequence_of_the_data_gets_through(event: ev.Event) -> None:
    shown = text(r.render(event))
    assert not set(shown) & set("\x1b\x07\x9b\u202e")
    assert "a" in shown


@pytest.mark.parametrize("event", carriers(HOSTILE), ids=kind)
@pytest.mark.parametrize("kind_of_screen", [Screen, Progress])
def test_w15_no_event_can_break_the_screen(kind_of_screen: type[Screen], event: ev.Event) -> None:
    target = console()
    screen = kind_of_screen(target)
    screen.show(event)
    screen.show(ev.TurnComplete(status="done", final_response=HOSTILE, history_size=1,
                                iterations=1, usage={}))  # fmt: skip
    screen.line("still alive")
    assert "still alive" in printed(target)


def test_a_line_of_our_own_shows_a_users_word_as_it_is() -> None:
    target = console()
    Screen(target).line(f"Unknown command /{HOSTILE}")
    assert printed(target) == f"Unknown command /{HOSTILE}\n"


@pytest.mark.parametrize("said", ["[/INST]", "[red]x", ":smile:", "a [b](c)"])
def test_the_models_brackets_are_shown(said: str) -> None:
    shown = text(r.markdown(f"Look: {said} and `{said}`."))
    assert shown.count(said.replace("[b](c)", "b")) >= 1
    assert f"{said}" in shown


def test_the_models_text_cannot_hide_a_link_or_act() -> None:
    assert "http://evil" in text(r.markdown("[safe](http://evil)"))
    shown = text(r.markdown(f"a{ESCAPE}b\n\n```\nc{ESCAPE}d\n```"))
    assert not set(shown) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"command": "ls -a", "timeout": 5}, "ls -a"),
        ({"path": "a.py", "content": "x" * 500}, "a.py"),
        ({"command": "a \\\n  b\tc"}, "a \\ b c"),
        ({"todos": []}, '{"todos": []}'),
        ({"path": "a.txt", "repo_id": "me/x", "operation": "delete"}, "delete me/x a.txt"),
        (
            {"operation": "read_paper", "arxiv_id": "2305.18290", "section": ""},
            "read_paper 2305.18290",
        ),
        ({"dataset": "acme/chat"}, "acme/chat"),
        ({"command": ["ls"]}, '{"command": ["ls"]}'),
        ({}, "{}"),
        ({"command": "é" * 101}, "é" * 100 + "…"),
    ],
)
def test_a_call_in_a_line(arguments: dict[str, Any], line: str) -> None:
    assert r.summary(arguments) == line


def output(text: str, tool: str = "bash", success: bool = True) -> ev.ToolOutput:
    return ev.ToolOutput(tool=tool, tool_call_id="a", output=text, success=success)


def test_a_long_output_keeps_its_ends_and_says_what_is_left_out() -> None:
    shown = text(r.render(output("\n".join(f"line {n}" for n in range(100)))))
    assert "line 0" in shown
    assert "line 99" in shown
    assert "line 50" not in shown
    left = re.search(r"… (\d+) more lines", shown)
    assert left
    assert int(left[1]) + len(re.findall(r"line \d+\n", shown)) == 100


def test_an_output_without_lines_is_shown_as_a_result() -> None:
    assert "bash" in text(r.render(output("")))
    assert "✗" in text(r.render(output("", success=False)))


def test_an_output_names_its_call() -> None:
    """W25: parallel outputs were shown under the name of another tool."""
    shown = text(r.render(output("x", tool="read"), {"path": "a.py"}))
    assert "read a.py" in shown


def test_w25_the_screen_puts_each_output_under_its_own_call() -> None:
    """W25: only the last call's name was remembered."""
    target = console()
    screen = Screen(target)
    for name in ("a", "b"):
        call = {"tool": "bash", "tool_call_id": name}
        screen.show(ev.ToolCall(**call, arguments={"command": f"run {name}"}))  # type: ignore[arg-type]
    screen.show(ev.ToolOutput(tool="bash", tool_call_id="a", output="of a", success=True))
    screen.show(ev.ToolOutput(tool="bash", tool_call_id="b", output="of b", success=True))
    lines = [line.strip() for line in printed(target).splitlines()]
    assert lines[-4:] == ["✔ bash run a", "│ of a", "✔ bash run b", "│ of b"]


def test_the_plan_is_a_checklist() -> None:
    plan = [
        {"id": "1", "content": "look", "status": "completed"},
        {"id": "2", "content": "train", "status": "in_progress"},
        {"id": "3", "content": "report", "status": "pending"},
        {"id": "4", "content": "odd", "status": "unheard of"},
    ]
    shown = text(r.render(ev.PlanUpdate(plan=plan))).split()
    assert shown == ["✔", "look", "▶", "train", "○", "report", "?", "odd", "1/4", "done"]


@pytest.mark.parametrize(
    ("usage", "line"),
    [
        ({}, "0 in, 0 out · $0.0000"),
        ({"input_tokens": 12345, "output_tokens": 6, "cost_usd": 0.12345},
         "12,345 in, 6 out · $0.1235"),
        ({"cost_usd": 0.5, "unpriced_calls": 2},
         "0 in, 0 out · $0.5000 + 2 unpriced"),
    ],
)  # fmt: skip
def test_w37_an_unknown_cost_says_so(usage: dict[str, float], line: str) -> None:
    """W37: what had no known price was shown as free."""
    assert r.cost_line(usage) == line


def test_text_that_was_cut_off_is_shown_and_said_to_be() -> None:
    target = console()
    screen = Screen(target)
    for event in (ev.AssistantChunk(content="Half an "), ev.AssistantStreamEnd(partial=True)):
        screen.show(event)
    assert "Half an" in printed(target)
    assert "cut off" in printed(target)


@pytest.mark.parametrize("end", [ev.Interrupted(), ev.Error(error="x"), ev.Shutdown()])
def test_text_without_an_end_is_shown_all_the_same(end: ev.Event) -> None:
    target = console()
    screen = Screen(target)
    screen.show(ev.AssistantChunk(content="Half an answer"))
    screen.show(end)
    assert "Half an answer" in printed(target)


def test_a_headless_run_leaves_the_answer_to_stdout() -> None:
    target = console()
    screen = Progress(target)
    screen.show(ev.AssistantChunk(content="I look first."))
    screen.show(ev.AssistantStreamEnd())
    screen.show(ev.ToolCall(tool="bash", tool_call_id="a", arguments={"command": "ls"}))
    screen.show(ev.AssistantChunk(content="The answer."))
    screen.show(ev.AssistantStreamEnd())
    assert "I look first." in printed(target)
    assert "The answer." not in printed(target)


def test_an_undo_names_what_it_did_and_counts_the_rest() -> None:
    event = ev.UndoComplete(
        turns=2,
        restored=[f"f{n}" for n in range(1500)],
        conflicts=["mine\x1b[2J.py"],
        not_covered=["model.bin (data or weights)"],
        elsewhere=["bash pip install x"],
    )
    shown = text(r.render(event))
    assert "undone: 2 turns" in shown
    assert "… and 1,480 more" in shown
    assert "f19" in shown
    assert "f20" not in shown
    assert "\x1b" not in shown
    for about in ("left alone, changed since", "not covered", "done elsewhere, not undone"):
        assert about in shown


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("the <pad> and </s> tokens", "the <pad> and </s> tokens"),
        ("a List<int>", "a List<int>"),
        ("<div>\ninside\n</div>", "<div> inside </div>"),
        ("<think>\n\nwhy\n\n</think>", "<think> why </think>"),
        ("| a |\n|---|\n| <unk> |", "<unk>"),
        ("[1]: http://x.org/a", "[1]: http://x.org/a"),
        ("![a plot](http://x.org/p.png)", "!a plot (http://x.org/p.png)"),
    ],
)
def test_no_word_of_the_models_is_dropped(said: str, words: str) -> None:
    """W15: tags were taken for HTML, and shown as nothing."""
    assert words in " ".join(text(r.markdown(said)).split())
