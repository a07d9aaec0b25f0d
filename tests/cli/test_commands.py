"""What is a command, and what is a message."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from ml_intern.cli.commands import (
    COMMANDS,
    Action,
    find,
    help_lines,
    looks_like_command,
    operation,
)
from ml_intern.configs.errors import ConfigError
from ml_intern.sessions import operations as op


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("/help", "help"),
        ("  /HELP \n", "help"),
        ("/quit", "quit"),
        ("/exit", "quit"),
        ("quit", "quit"),
        ("Exit", "quit"),
        ("/new", "new"),
        ("/status", "status"),
        ("/cost", "cost"),
        ("/context", "context"),
        ("/compact", "compact"),
        ("/model", "model"),
        ("/model huggingface/a/b:fastest", "model"),
        ("/effort high", "effort"),
        ("/budget 5", "budget"),
    ],
)
def test_commands_are_found_in_any_case(line: str, action: str) -> None:
    command = find(line)
    assert command is not None
    assert command.action == action


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "help",
        "/",
        "/helpme",
        "/help me",
        "quit the job",
        "/home/me/train.py",
        "new",
        "//",
        "/data/foo is my dataset",
        "/compact the data please",
        "/cost of it?",
        "/context is all",
    ],
)
def test_everything_else_is_not(line: str) -> None:
    assert find(line) is None


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("/halp", True),
        (" /STATSU ", True),
        ("/", True),
        ("/home/me/train.py", False),
        ("/etc/hosts is broken", False),
        ("/tmp is full", False),
        ("/home/", False),
        ("//", False),
        ("./train.py", False),
        ("~/x", False),
        ("a/b", False),
        ("What does /help do?", False),
        ("/line one\nline/two", False),
        ("/two\nlines", False),
        ("", False),
    ],
)
def test_a_path_is_not_a_mistyped_command(line: str, meant: bool) -> None:
    assert looks_like_command(line) == meant


def test_every_action_has_one_command_and_no_name_two() -> None:
    assert sorted(c.action for c in COMMANDS) == sorted(get_args(Action))
    names = [name for c in COMMANDS for name in c.names]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)
    assert all(find(name) is c for c in COMMANDS for name in c.names)


def test_help_shows_each_command_aligned() -> None:
    lines = help_lines()
    assert len(lines) == len(COMMANDS)
    assert all(c.names[0] in x and c.help in x for c, x in zip(COMMANDS, lines, strict=True))
    starts = {x.index(c.help) for c, x in zip(COMMANDS, lines, strict=True)}
    assert len(starts) == 1


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("/compact", op.Compact()),
        ("/model a/b", op.SetOptions(model="a/b")),
        ("/effort HIGH", op.SetOptions(effort="high")),
        ("/budget 2.5", op.SetOptions(max_budget_usd=2.5)),
        ("/budget $3", op.SetOptions(max_budget_usd=3)),
        ("/budget none", op.SetOptions(max_budget_usd=0)),
        ("/model", None),
        ("/effort", None),
        ("/budget", None),
        ("/cost", None),
        ("/context", None),
    ],
)
def test_what_a_command_asks_of_the_session(line: str, wanted: op.Operation | None) -> None:
    command = find(line)
    assert command is not None
    assert operation(command, line) == wanted


@pytest.mark.parametrize("line", ["/model of the world", "/budget much", "/budget $", "/undo no"])
def test_what_makes_no_sense_after_a_command_is_said(line: str) -> None:
    command = find(line)
    assert command is not None
    with pytest.raises(ConfigError):
        operation(command, line)


def test_the_readme_names_every_command() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert [one.names[0] for one in COMMANDS if f"`{one.names[0]}`" not in readme] == []
