"""What a person approves is what is run: nothing of it is cut, hidden or changed in silence."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from ml_intern.cli.request_block import request_block

SGR = re.compile(r"\x1b\[[\d;]*m")
HOSTILE = "[/INST] [bold]x[/bold] :smile: [link=http://evil]z[/link]"


def shown(tool: str, *, whole: bool = False, count: int = 1, **arguments: Any) -> str:
    request = {"tool": tool, "reason": "it runs", "arguments": arguments}
    target = Console(file=io.StringIO(), width=240, force_terminal=True, highlight=False)
    target.print(request_block(2, count, request, whole=whole))
    assert isinstance(target.file, io.StringIO)
    return SGR.sub("", target.file.getvalue())


def test_every_argument_is_there() -> None:
    told = shown("bash", command=f"echo {HOSTILE}", timeout=5, deep=[{"a": 1}], count=3)
    assert told.splitlines() == [
        "[2/3] bash  it runs",
        f"  command: echo {HOSTILE}",
        "  timeout: 5",
        '  deep: [{"a": 1}]',
    ]


def test_what_is_long_is_folded_and_said_to_be() -> None:
    script = "\n".join(f"echo {n} {'x' * 90}" for n in range(50))
    folded, whole = shown("bash", command=script), shown("bash", command=script, whole=True)
    assert "… 10 more lines: v shows all" in folded
    assert "echo 40" not in folded
    assert all(f"    {line}" in whole.splitlines() for line in script.splitlines())


def test_what_the_call_would_do_stands_below_its_arguments() -> None:
    request = {
        "tool": "push",
        "reason": "it publishes",
        "arguments": {"a": 1},
        "preview": "P\x1b[m\nQ",
    }
    assert request_block(1, 1, request).plain.splitlines() == [
        "push  it publishes",
        "  a: 1",
        "  it would: ",
        "    P<U+001B>[m",
        "    Q",
    ]


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        ("rm -rf /\rls", "rm -rf /<U+000D>ls"),
        ("rm -rf / \x1b[2K\x1b[1Gls", "rm -rf / <U+001B>[2K<U+001B>[1Gls"),
        ("rm x\x08\x08\x08\x08ls  ", "rm x<U+0008><U+0008><U+0008><U+0008>ls"),
        ("echo \u202egnp.exe", "echo <U+202E>gnp.exe"),
        ("echo a\u200bb", "echo a<U+200B>b"),
        ("echo \U000e0041", "echo <U+E0041>"),
        ("rm x\x1b]0;harmless\x07", "rm x<U+001B>]0;harmless<U+0007>"),
    ],
)
def test_what_would_hide_a_part_is_written_out(hidden: str, said: str) -> None:
    assert f"command: {said}" in shown("bash", command=hidden)


def test_an_edit_is_shown_as_a_change() -> None:
    told = shown("edit", path="a.py", old_str="a\nb\nc", new_str="a\nB\nc")
    assert told.splitlines()[1:] == [
        "  path: a.py",
        "  change: ",
        "     a",
        "    -b",
        "    +B",
        "     c",
    ]


def test_an_edit_that_only_adds_keeps_its_two_texts() -> None:
    told = shown("edit", path="a.py", old_str="a", new_str="b", mode="append_after")
    assert "old_str: a" in told
    assert "new_str: b" in told


@pytest.mark.parametrize(("old", "new"), [("x", "x"), ("", "x"), ("x", "")])
def test_odd_edits_hide_nothing(old: str, new: str) -> None:
    told = shown("edit", path="a.py", old_str=old, new_str=new)
    assert ("x" in told.split("change:")[1]) is True
