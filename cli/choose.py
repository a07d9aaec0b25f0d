"""Lets a person choose one of the sessions used last."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from rich.console import Console

from ml_intern.checkpoints.threads import Thread
from ml_intern.cli.listing import entries
from ml_intern.cli.table import show
from ml_intern.configs.errors import ConfigError
from ml_intern.sessions.opening import Sessions

_SHOWN = 20


async def choose(sessions: Sessions, *, interactive: bool) -> str:
    """The id of the chosen session.

    Raises:
        ConfigError: there is nobody to choose, nothing to choose from, or nothing was chosen.
    """
    found = await sessions.threads.recent(_SHOWN)
    if not found:
        raise ConfigError("There is no session to go on with yet.")
    if not interactive:
        raise ConfigError("--resume needs an id when nobody is there to choose: " + ids(found))
    from prompt_toolkit import PromptSession

    from ml_intern.cli.pane import terminal_output

    show(await entries(sessions, found), Console(highlight=False), Path.cwd(), numbered=True)
    answer = ""
    with suppress(KeyboardInterrupt, EOFError):
        answer = await PromptSession[str](output=terminal_output()).prompt_async("Which one? ")
    if not answer.strip().isdecimal() or not 1 <= int(answer) <= len(found):
        raise ConfigError("No session was chosen.")
    return found[int(answer) - 1].id


def ids(found: list[Thread]) -> str:
    """The first few ids."""
    return ", ".join(thread.id[:8] for thread in found[:5])
