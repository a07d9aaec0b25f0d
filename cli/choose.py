"""Lets a person choose one of the sessions used last."""

from __future__ import annotations

from ml_intern.checkpoints.threads import Thread, Threads
from ml_intern.cli.safe import safe
from ml_intern.configs.errors import ConfigError

_SHOWN = 20


async def choose(threads: Threads, *, interactive: bool) -> str:
    """The id of the chosen session.

    Raises:
        ConfigError: there is nobody to choose, nothing to choose from, or nothing was chosen.
    """
    found = await threads.recent(_SHOWN)
    if not found:
        raise ConfigError("There is no session to go on with yet.")
    if not interactive:
        raise ConfigError("--resume needs an id when nobody is there to choose: " + ids(found))
    from prompt_toolkit import PromptSession

    for number, thread in enumerate(found, start=1):
        print(line(number, thread))
    answer: str = await PromptSession[str]().prompt_async("Which one? ")
    if not answer.strip().isdecimal() or not 1 <= int(answer) <= len(found):
        raise ConfigError("No session was chosen.")
    return found[int(answer) - 1].id


def line(number: int, thread: Thread) -> str:
    """A session in the list."""
    when = thread.updated[:16].replace("T", " ")
    return f"{number:>3}  {thread.id[:8]}  {when}  {safe(thread.title)[:60]}"


def ids(found: list[Thread]) -> str:
    """The first few ids."""
    return ", ".join(thread.id[:8] for thread in found[:5])
