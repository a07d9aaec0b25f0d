"""`ml-intern demo`: a whole run with the model's part recorded and everything else real."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

from rich.console import Console

from ml_intern.cli.headless import Run
from ml_intern.cli.request import OutputFormat, Request
from ml_intern.cli.safe import safe
from ml_intern.cli.screen import Screen
from ml_intern.configs.environment import prepared_environment
from ml_intern.configs.errors import Exit, MlInternError
from ml_intern.configs.paths import home
from ml_intern.configs.secrets import child_environment
from ml_intern.configs.settings import Settings
from ml_intern.graph.context import RunOptions
from ml_intern.llm.factory import Model
from ml_intern.llm.facts import FREE
from ml_intern.llm.replay import ReplayModel
from ml_intern.llm.tape import Tape
from ml_intern.sessions import operations as op
from ml_intern.sessions.attaching import Surroundings
from ml_intern.sessions.opening import Sessions, open_sessions
from ml_intern.tools.registry import by_name
from ml_intern.tools.services import Services

FOLDER = "ml-intern-demo"
TAPE = Path(__file__).parents[1] / "llm" / "tapes" / "demo.json"
_NAME = "recording"
"""What stands where a model's id would."""
_PAUSE = 0.04
"""Seconds a word, for a person to follow: the whole stays under half a minute."""


async def play(cwd: Path, output_format: OutputFormat, *, goes_on: bool = False) -> int:
    """Play the demo in a new folder under `cwd`; the exit code.

    `goes_on` says that the process does, when the demo is over.
    """
    # The command began with the collector off; all is imported by now.
    gc.freeze()
    gc.enable()
    run = Run(Request(cwd=cwd, output_format=output_format))
    try:
        return await _play(run, new_folder(cwd), output_format)
    except asyncio.CancelledError:
        if not run.stopper.status:
            raise
        return run.stopped()
    finally:
        if goes_on:
            run.stopper.release()


async def _play(run: Run, folder: Path, output_format: OutputFormat) -> int:
    tape = Tape.load(TAPE)
    screen = Screen(Console(stderr=True, highlight=False))
    watched = output_format == "text" and sys.stderr.isatty()
    around = _surroundings(folder, tape, _PAUSE if watched else 0.0)
    async with open_sessions(around) as sessions:
        session = await sessions.start(RunOptions(permission_mode="yolo", interactive=False))
        _introduce(folder, tape, screen)
        try:
            code = await run.drive(session, op.UserInput(tape.prompt))
        finally:
            await _forget_options(sessions, session.id)
    if code == Exit.DONE:
        _conclude(folder, session.id, screen)
    return code


def new_folder(cwd: Path) -> Path:
    """Make a folder that was not there: `ml-intern-demo`, or the same with a number.

    Raises:
        MlInternError: nothing can be made here.
    """
    for number in count(1):
        folder = cwd / (FOLDER if number == 1 else f"{FOLDER}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise MlInternError(
                f"Cannot make the folder {folder}: {error.strerror or error}. "
                "Run the demo where you may write."
            ) from error
        return folder
    raise AssertionError("unreachable")


def _surroundings(folder: Path, tape: Tape, pause: float) -> Surroundings:
    environ, tools = prepared_environment(), by_name()
    replay = ReplayModel(tape=tape, pause=pause)
    model = Model(
        name=_NAME,
        where=str(TAPE),
        chat=replay.bind_tools([tool.schema() for tool in tools.values()]),
        plain=replay,
        window=200_000,
        # Known, and nothing: a recording costs nothing to play.
        price=FREE,
    )

    async def source(_name: str | None) -> Model:
        return model

    # The user's own settings, right or wrong, have no part in this.
    settings = Settings(model_name=_NAME)
    return Surroundings(
        settings=settings,
        home=home(environ),
        cwd=folder,
        model=source,
        tools=tools,
        env=_child_environment(environ),
        services=Services(settings, {}),
    )


def _child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """With `python3` being our own: another may be missing, or a stub that asks to install it."""
    env = child_environment(environ)
    return {**env, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"}


async def _forget_options(sessions: Sessions, session_id: str) -> None:
    """Keep no option of the demo's: whoever goes on with it runs commands of a real model."""
    for thread in await sessions.threads.find(session_id):
        await sessions.threads.record(replace(thread, options={}))


def _introduce(folder: Path, tape: Tape, screen: Screen) -> None:
    screen.line("ML Intern · demo", style="bold")
    screen.line("The model's part is a recording: no key, no network, no cost.")
    screen.line(f"All else is real and happens now, in {folder.name}/: files, training, numbers.")
    screen.line("")
    screen.line(f"> {tape.prompt}", style="bold cyan")


def _conclude(folder: Path, session_id: str, screen: Screen) -> None:
    screen.line("")
    screen.line(f"All that was made is in {safe(str(folder))}", style="bold")
    screen.line("Next, with a real model (set HF_TOKEN, or another key and give --model):")
    screen.line(f"  ml-intern -r {session_id[:8]}    goes on with this session")
    screen.line('  ml-intern "your task"    starts on your own, in the current folder')
