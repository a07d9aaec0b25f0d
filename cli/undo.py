"""`ml-intern undo` and `redo`: what /undo and /redo do, for a session that is not open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ml_intern.cli.here import working_folder
from ml_intern.cli.loop import run
from ml_intern.configs.errors import MlInternError

if TYPE_CHECKING:
    from ml_intern.sessions.operations import Operation

Turns = Annotated[int, typer.Argument(min=1, help="How many turns.")]
Of = Annotated[
    str | None, typer.Option("--resume", "-r", help="The session; else the last of this folder.")
]

undo = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
redo = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@undo.command()
def run_undo(turns: Turns = 1, session: Of = None) -> None:
    """Take back a session's newest turns: the chat, and the files they changed."""
    from ml_intern.sessions.operations import Undo

    run(_carry_out(Undo(turns), session))


@redo.command()
def run_redo(turns: Turns = 1, session: Of = None) -> None:
    """Bring back what was undone last."""
    from ml_intern.sessions.operations import Redo

    run(_carry_out(Redo(turns), session))


async def _carry_out(operation: Operation, session_id: str | None) -> None:
    from rich.console import Console

    from ml_intern.cli.launch import surroundings, wanted
    from ml_intern.cli.request import Request
    from ml_intern.cli.screen import Screen
    from ml_intern.graph.context import RunOptions
    from ml_intern.graph.events import Error, UndoComplete
    from ml_intern.sessions.opening import open_sessions

    screen = Screen(Console(highlight=False))
    request = Request(cwd=working_folder(), proceed=session_id is None, resume=session_id)
    async with open_sessions(surroundings(request)) as sessions:
        thread = await wanted(request, sessions, interactive=False)
        assert thread is not None
        session = await sessions.open(thread, RunOptions(), {})
        async for event in session.handle(operation):
            if isinstance(event, Error):
                raise MlInternError(event.error)
            if isinstance(event, UndoComplete):
                screen.show(event)
