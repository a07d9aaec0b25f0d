"""`ml-intern sessions`: list, remove, rename, export. Light: what is heavy is imported inside."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ml_intern.cli.here import working_folder
from ml_intern.cli.loop import run
from ml_intern.configs.errors import ConfigError, Exit

if TYPE_CHECKING:
    from ml_intern.checkpoints.threads import Thread
    from ml_intern.sessions.opening import Sessions

SHOWN = 20
_TITLE = 200
"""Characters that a title may have."""
Format = Literal["md", "json"]

sessions = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help"]},
)  # fmt: skip


@sessions.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="All of them, not the last 20.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array.")] = False,
) -> None:
    """The sessions, of every folder, the one used last first."""
    if context.invoked_subcommand is None:
        run(_list(everything, as_json))


@sessions.command("rm")
def remove(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Starts of their ids.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete sessions with all that was kept for them; the files in their folders stay."""
    raise typer.Exit(run(_remove(ids, yes)))


@sessions.command()
def rename(
    session: Annotated[str, typer.Argument(metavar="ID", help="Start of its id.")],
    title: Annotated[list[str], typer.Argument(metavar="TITLE", help="Its new title.")],
) -> None:
    """Give a session another title."""
    run(_rename(session, " ".join(" ".join(title).split())))


@sessions.command()
def export(
    session: Annotated[str, typer.Argument(metavar="ID", help="Start of its id.")],
    form: Annotated[
        Format, typer.Option("--format", help="For people, or as messages in OpenAI's format.")
    ] = "md",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; without it: stdout.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="In md: no result is shortened.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """The whole conversation, also while the session is in use."""
    if output and output.exists() and not force:
        raise ConfigError(f"{output} exists. Give --force to overwrite it.")
    run(_export(session, form, output, full))


@asynccontextmanager
async def _opened() -> AsyncIterator[Sessions]:
    from ml_intern.cli.launch import surroundings
    from ml_intern.cli.request import Request
    from ml_intern.sessions.opening import open_sessions

    async with open_sessions(surroundings(Request(cwd=working_folder()))) as opened:
        yield opened


async def _list(everything: bool, as_json: bool) -> None:
    from rich.console import Console

    from ml_intern.cli.listing import entries
    from ml_intern.cli.output import print_json
    from ml_intern.cli.table import show

    async with _opened() as opened:
        [(count,)] = await opened.database.fetch("SELECT count(*) FROM sessions")
        threads = await opened.threads.recent(max(count, 1) if everything else SHOWN)
        found = await entries(opened, threads)
    if as_json:
        print_json([entry.wire() for entry in found])
    elif found:
        show(found, Console(highlight=False), working_folder())
    else:
        print("No sessions yet. Start one with: ml-intern")
    if (more := count - len(found)) > 0:
        typer.echo(f"… and {more} more: ml-intern sessions --all", err=True)


async def _remove(ids: list[str], yes: bool) -> int:
    from ml_intern.checkpoints.database import InUseError

    async with _opened() as opened:
        named = {(thread := await opened.find(prefix)).id: thread for prefix in ids}
        for thread in named.values():
            if holder := await opened.database.held(thread.id):
                raise InUseError(
                    f"Session {thread.id[:8]} is in use by {holder}. Close it there first. "
                    "Nothing was removed."
                )
        if not yes and not _confirmed(list(named.values())):
            typer.echo("Nothing was removed.", err=True)
            return int(Exit.FAILED)
        for thread in named.values():
            await opened.remove(thread)
            print(f"Removed {_named(thread)}.")
    return int(Exit.DONE)


def _confirmed(threads: list[Thread]) -> bool:
    """Whether the person agrees.

    Raises:
        ConfigError: nobody can be asked.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("Nobody can be asked whether to remove it: give --yes.")
    for thread in threads:
        print(f"  {_named(thread)}")
    one = len(threads) == 1
    what = "this session" if one else f"these {len(threads)} sessions"
    return typer.confirm(
        f"Remove {what} for good (files stay in {'its' if one else 'their'} folder)?"
    )


def _named(thread: Thread) -> str:
    from ml_intern.cli.table import one_line

    turns = f"{thread.turns} turn{'s' * (thread.turns != 1)}"
    return f"{thread.id[:8]} · {one_line(thread.title) or '(no title)'} · {turns}"


async def _rename(prefix: str, title: str) -> None:
    if not title or len(title) > _TITLE:
        raise ConfigError(f"A title has 1 to {_TITLE} characters.")
    async with _opened() as opened:
        thread = await opened.find(prefix)
        await opened.threads.rename(thread.id, title)
    print(f"{thread.id[:8]} is now called: {_shown(title)}")


def _shown(text: str) -> str:
    from ml_intern.cli.table import one_line

    return one_line(text)


async def _export(prefix: str, form: Format, output: Path | None, full: bool) -> None:
    from ml_intern.cli.export import conversation
    from ml_intern.cli.output import deliver

    async with _opened() as opened:
        found = await conversation(opened, await opened.find(prefix))
    deliver(found.json() if form == "json" else found.markdown(full=full), output)
