"""The slash commands: one table that help, dispatch and later completion are made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from ml_intern.configs.errors import ConfigError
from ml_intern.graph.context import Effort, PermissionMode
from ml_intern.sessions import operations as op

Action = Literal[
    "help", "undo", "redo", "compact", "fork", "new", "clear", "resume", "model", "effort",
    "budget", "mode", "yolo", "permissions", "status", "cost", "context", "tools", "mcp", "show",
    "quit",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    """One command."""

    action: Action
    names: tuple[str, ...]
    help: str
    usage: str = ""
    """What may follow the name."""


MODES: dict[PermissionMode, str] = {
    "plan": "reads and plans, changes nothing",
    "default": "asks before it changes files or runs commands",
    "accept-edits": "changes files unasked, asks before it runs commands",
    "yolo": "asks for nothing",
}
"""What each permission mode means."""

COMMANDS = (
    SlashCommand(action="help", names=("/help",), help="Show the commands."),
    SlashCommand(
        action="undo",
        names=("/undo",),
        usage="[n]",
        help="Take back the last turn, or n of them: chat and files.",
    ),
    SlashCommand(
        action="redo", names=("/redo",), usage="[n]", help="Bring back what was undone last."
    ),
    SlashCommand(
        action="compact", names=("/compact",), help="Shorten the history now, by a summary."
    ),
    SlashCommand(
        action="fork",
        names=("/fork",),
        usage="[n] [folder]",
        help="Go on in a copy, without the last n turns; with its files in another folder.",
    ),
    SlashCommand(action="new", names=("/new",), help="Begin an empty session; this one is kept."),
    SlashCommand(action="clear", names=("/clear",), help="The same, on an empty screen."),
    SlashCommand(
        action="resume",
        names=("/resume",),
        usage="[id]",
        help="Go on with another session, or choose one.",
    ),
    SlashCommand(
        action="model",
        names=("/model",),
        usage="[id]",
        help="Go on with another model, or show which one it is.",
    ),
    SlashCommand(
        action="effort",
        names=("/effort",),
        usage="[level]",
        help="Set how hard the model thinks, or show it.",
    ),
    SlashCommand(
        action="budget",
        names=("/budget",),
        usage="[dollars]",
        help="Set what the session's model calls may cost (none: any sum), or show it.",
    ),
    SlashCommand(
        action="mode",
        names=("/mode",),
        usage="[mode]",
        help="Set what needs your approval, or show it; Shift-Tab, too.",
    ),
    SlashCommand(
        action="yolo", names=("/yolo",), help="Approve everything from now on, or no longer."
    ),
    SlashCommand(action="permissions", names=("/permissions",), help="Show the permission rules."),
    SlashCommand(action="status", names=("/status",), help="Show session, model, mode and usage."),
    SlashCommand(
        action="cost", names=("/cost",), help="Show tokens, cost, and what is left of the budget."
    ),
    SlashCommand(action="context", names=("/context",), help="Show how full the window is."),
    SlashCommand(action="tools", names=("/tools",), help="List the tools the model has."),
    SlashCommand(action="mcp", names=("/mcp",), help="List the configured MCP servers."),
    SlashCommand(
        action="show",
        names=("/show",),
        usage="[n]",
        help="Show a folded output whole, the newest or number n.",
    ),
    SlashCommand(action="quit", names=("/quit", "/exit", "quit", "exit"), help="Leave."),
)


def find(line: str) -> SlashCommand | None:
    """The command a line is, in any case; None for a message to the model."""
    word, rest = _split(line)
    command = next((command for command in COMMANDS if word.lower() in command.names), None)
    return command if command and (command.usage or not rest) else None


def operation(command: SlashCommand, line: str) -> op.Operation | None:
    """What a command asks of the session; None for those the terminal answers itself.

    Raises:
        ConfigError: what follows the name makes no sense.
    """
    rest = _split(line)[1]
    match command.action:
        case "undo":
            return op.Undo(_count(command, rest))
        case "redo":
            return op.Redo(_count(command, rest))
        case "compact":
            return op.Compact()
        case "fork":
            return _fork(rest)
        case "new" | "clear":
            return op.New()
        case "model" | "effort" | "budget" if rest:
            return _setting(command, rest)
        case _:
            return None


def argument(line: str) -> str:
    """What follows the name of a command."""
    return _split(line)[1]


def mode(command: SlashCommand, line: str, now: PermissionMode) -> PermissionMode | None:
    """The mode that `/mode` or `/yolo` asks for; None if it only wants to know."""
    if command.action == "yolo":
        return "default" if now == "yolo" else "yolo"
    # What is none of the modes is the session's to refuse.
    return cast(PermissionMode, argument(line).lower()) or None


def _split(line: str) -> tuple[str, str]:
    word, _, rest = line.strip().partition(" ")
    return word, rest.strip()


def _count(command: SlashCommand, text: str) -> int:
    if not text:
        return 1
    if not text.isdecimal() or not int(text):
        raise ConfigError(f"'{text}' is no number of turns. {command.names[0]} {command.usage}")
    return int(text)


def _setting(command: SlashCommand, text: str) -> op.SetOptions:
    if len(text.split()) > 1:
        raise ConfigError(f"One word at most: {command.names[0]} {command.usage}")
    match command.action:
        case "model":
            return op.SetOptions(model=text)
        case "effort":
            # What is none of the choices is the session's to refuse.
            return op.SetOptions(effort=cast(Effort, text.lower()))
        case _:
            return op.SetOptions(max_budget_usd=_dollars(text))


def _dollars(text: str) -> float:
    if text.lower() in ("none", "off"):
        return 0.0
    try:
        return float(text.removeprefix("$"))
    except ValueError:
        raise ConfigError(
            f"'{text}' is no number of dollars. /budget 5, or /budget none."
        ) from None


def _fork(rest: str) -> op.Fork:
    first, folder = _split(rest)
    if not first.isdecimal():
        first, folder = "0", rest
    path = Path(folder).expanduser().absolute() if folder else None
    return op.Fork(without=int(first), folder=path)


def looks_like_command(line: str) -> bool:
    """Whether a line was meant as a command: one word after a slash, and not a path."""
    word = line.strip()
    return word.startswith("/") and word.count("/") == 1 and len(word.split()) == 1


def help_lines() -> list[str]:
    """The table, aligned."""
    return [f"  {f'{one.names[0]} {one.usage}':<19} {one.help}" for one in COMMANDS]
