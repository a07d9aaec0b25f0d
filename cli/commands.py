"""The slash commands: one table that help, dispatch and later completion are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["help", "new", "status", "quit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    """One command."""

    action: Action
    names: tuple[str, ...]
    help: str


COMMANDS = (
    SlashCommand(action="help", names=("/help",), help="Show the commands."),
    SlashCommand(action="new", names=("/new",), help="Begin an empty session; this one is kept."),
    SlashCommand(action="status", names=("/status",), help="Show session, model, mode and usage."),
    SlashCommand(action="quit", names=("/quit", "/exit", "quit", "exit"), help="Leave."),
)


def find(line: str) -> SlashCommand | None:
    """The command a line is, in any case; None for a message to the model."""
    word = line.strip().lower()
    return next((command for command in COMMANDS if word in command.names), None)


def looks_like_command(line: str) -> bool:
    """Whether a line was meant as a command: one word after a slash, and not a path."""
    word = line.strip()
    return word.startswith("/") and word.count("/") == 1 and len(word.split()) == 1


def help_lines() -> list[str]:
    """The table, aligned."""
    return [f"  {command.names[0]:<10} {command.help}" for command in COMMANDS]
