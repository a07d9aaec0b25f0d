"""Every control sequence there is, through every path to the terminal: none arrives.

The oracle is stricter than a parser: Rich writes no sequence to a terminal without styles, so
that a single character which a terminal acts on is a leak.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from rich.text import Text

from ml_intern.checkpoints.threads import Thread
from ml_intern.cli import app, crash, doctor, headless, output
from ml_intern.cli.filtered import Filtered
from ml_intern.cli.listing import Entry
from ml_intern.cli.render import markdown, prompt_block
from ml_intern.cli.request_block import request_block
from ml_intern.cli.safe import exact, safe
from ml_intern.cli.screen import Progress, Screen
from ml_intern.cli.table import one_line, show
from ml_intern.configs.errors import ConfigError
from ml_intern.graph import events as ev
from ml_intern.sessions.doctor.finding import Finding
from sequences import DANGEROUS, MARKUP, Terminal, leaks, terminfo

ALL = [*terminfo(), *DANGEROUS]
SOME = [*terminfo()[::60], *DANGEROUS]
"""For what shows a line at a time, and takes a while for each."""


def seen(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What stands for the terminal; not a fixture, as pytest's own capture would replace it."""
    made = Terminal()
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(crash, "record", lambda _: Path("kept"))
    monkeypatch.setattr(sys, "stdout", made)
    monkeypatch.setattr(sys, "stderr", made)
    return made


def console() -> Console:
    return Console(width=200, highlight=False)


def streamed(first: str, second: str = "", screen: type[Screen] = Screen) -> None:
    shown = screen(console())
    shown.show(ev.AssistantChunk(content=first))
    shown.show(ev.AssistantChunk(content=second))
    shown.show(ev.AssistantStreamEnd())
    shown.show(ev.ToolCall(tool="bash", tool_call_id="c", arguments={}))


def called(tool: str, arguments: dict[str, Any], output_: str, log: str = "") -> None:
    screen = Screen(console())
    screen.show(ev.ToolCall(tool=tool, tool_call_id="c", arguments=arguments))
    screen.show(ev.ToolLog(tool=tool, tool_call_id="c", log=log, time="2026-01-01T00:00:00"))
    screen.show(ev.ToolOutput(tool=tool, tool_call_id="c", output=output_, success=bool(log)))


def entry(data: str) -> Entry:
    thread = Thread(
        id="0" * 8, title=data, cwd=data, created="2026-01-01", updated="2026-01-01", turns=1,
        options={"model": data}, system_prompt="",
    )  # fmt: skip
    return Entry(thread=thread, state="finished", holder=data, size=1)


def asked(data: str) -> None:
    arguments = {"command": data, data: [data], "old_str": data[-2000:], "new_str": "x"}
    request = {"tool": data, "tool_call_id": "c", "arguments": arguments, "reason": data}
    console().print(request_block(1, 2, request, whole=True))
    console().print(request_block(1, 2, {**request, "arguments": {"command": data}}))


PATHS: dict[str, Callable[[str], object]] = {
    "streamed": streamed,
    "held back": lambda data: streamed(data, screen=Progress),
    "in code": lambda data: streamed(f"```\n{data}\n```\n\n`{data}` [{data}](http://{data})\n\n"),
    "whole": lambda data: Screen(console()).show(ev.AssistantMessage(content=data)),
    "tool name": lambda data: called(data, {"command": data}, data, data),
    "tool output": lambda data: called("bash", {"command": "x"}, data),
    "edit": lambda data: called("edit", {"path": data}, f"{data}\n{data}", "log"),
    "write": lambda data: called("write", {"path": data, "content": data}, data, "log"),
    "other arguments": lambda data: called("x", {data: data, "n": [data]}, data),
    "system": lambda data: Screen(console()).show(ev.ToolLog(tool="system", log=data)),
    "error": lambda data: Screen(console()).show(ev.Error(error=data)),
    "notice": lambda data: Screen(console()).show(ev.Notice(message=data)),
    "retry": lambda data: Screen(console()).show(
        ev.Retry(model=data, reason=data, attempt=1, retries=2, wait_seconds=1)
    ),
    "plan": lambda data: Screen(console()).show(
        ev.PlanUpdate(plan=[{"status": "pending", "content": data}])
    ),
    "undo": lambda data: Screen(console()).show(
        ev.UndoComplete(
            turns=1, restored=[data], conflicts=[data], not_covered=[data], elsewhere=[data]
        )
    ),
    "own message": lambda data: console().print(prompt_block(data)),
    "approval": asked,
    "sessions": lambda data: show([entry(data)], console(), Path("/"), numbered=True),
    "export": lambda data: output.deliver(data, None),
    "json": lambda data: output.print_json({data: [data]}),
    "denials": lambda data: headless.tell_denials(
        [{"tool": data, "arguments": {data: data}, "reason": data}]
    ),
    "wrong configuration": lambda data: app.told(ConfigError(data)),
    "wrong use": lambda data: app.told(typer.BadParameter(data)),
    "crash": lambda data: app.told(ValueError(data)),
    "doctor": lambda data: doctor._show(
        [Finding(check=data, level="problem", found=data, remedy=data)]
    ),
}  # fmt: skip


def test_the_oracle_sees_what_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = seen(monkeypatch)
    for sequence in ("\x1b[31m", "\x9b31m", "\u202e"):
        Console(width=200).print(Text(f"a{sequence}b"))
        assert leaks(terminal.getvalue())
        terminal.truncate(0)


@pytest.mark.parametrize("path", PATHS)
def test_no_sequence_reaches_the_terminal(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    terminal = seen(monkeypatch)
    PATHS[path]("\n".join(ALL))
    for sequence in SOME if path not in ("json", "export") else ALL:
        PATHS[path](f"a{sequence}b")
    assert terminal.getvalue()
    assert not leaks(terminal.getvalue())


def test_no_sequence_gets_through_in_two_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = seen(monkeypatch)
    for sequence in ALL:
        for at in range(1, len(sequence)):
            assert not leaks(safe(sequence[:at]))
            assert not leaks(safe(sequence[at:]))
            assert not leaks(exact(sequence[at:]))
    for sequence in DANGEROUS:
        middle = len(sequence) // 2
        streamed(sequence[:middle], sequence[middle:])
        for piece in (sequence[:middle], sequence[middle:]):
            Screen(console()).show(ev.ToolLog(tool="system", log=piece))
    assert not leaks(terminal.getvalue())


@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("json", "in code")])
def test_w15_markup_in_data_is_not_interpreted(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """W15: an error with [/INST] in it hung the terminal, and brackets were eaten."""
    terminal = seen(monkeypatch)
    PATHS[path](MARKUP)
    shown = one_line(terminal.getvalue())
    for part in ("[bold]x[/bold]", "[/INST]", ":smile:", "[link=http://x]y[/link]", "[red"):
        assert part in shown


ENTITIES = "a&#x202e;b &rlm; &ZeroWidthSpace; &#27;[31m &#155;31m &#13;"


def test_a_character_that_markdown_makes_is_filtered_too(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = seen(monkeypatch)
    console().print(Filtered(markdown(ENTITIES)))
    assert "<U+202E>" in terminal.getvalue()
    assert not leaks(terminal.getvalue())
