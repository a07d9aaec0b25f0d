"""The `ml-intern` command: words in, an exit code out. Heavy imports wait."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ml_intern import __version__
from ml_intern.cli.doctor import doctor
from ml_intern.cli.here import working_folder
from ml_intern.cli.loop import run as in_loop
from ml_intern.cli.request import OutputFormat, Request
from ml_intern.cli.safe import safe
from ml_intern.cli.sessions import sessions
from ml_intern.cli.undo import redo, undo
from ml_intern.configs.errors import ConfigError, Exit, MlInternError
from ml_intern.graph.context import Effort, PermissionMode

_EPILOG = """
Commands, each with its own --help:
[bold]ml-intern demo[/bold] shows a whole run offline, with no key ·
[bold]ml-intern sessions[/bold] lists, renames, exports and removes sessions ·
[bold]ml-intern undo[/bold] takes back turns, chat and files; [bold]redo[/bold] brings them back ·
[bold]ml-intern doctor[/bold] checks the set-up and what is stored, and repairs it

Exit codes: 0 done · 1 failed · 2 usage · 3 key or payment · 4 needs a person · 5 limit · 6 stuck ·
124 --timeout · 130 interrupted · 143 terminated
"""

task = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


@task.command(epilog=_EPILOG)
def run(  # noqa: PLR0913, PLR0917 - one parameter a flag
    prompt: Annotated[
        list[str] | None,
        typer.Argument(help="What to do; '-' reads it from stdin. Without it: interactive."),
    ] = None,
    headless: Annotated[
        bool, typer.Option("--print", "-p", help="Headless: the answer to stdout, then end.")
    ] = False,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Model, such as anthropic/claude-opus-4-6.")
    ] = None,
    proceed: Annotated[
        bool, typer.Option("--continue", "-c", help="Go on with the last session of this folder.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option("--resume", "-r", help="Go on with a session: start of its id, or choose."),
    ] = None,
    fork: Annotated[
        bool, typer.Option("--fork", help="With -c or -r: go on in a copy of the session.")
    ] = False,
    fork_into: Annotated[
        Path | None, typer.Option("--fork-into", help="The same, its files in this new folder.")
    ] = None,
    output_format: Annotated[
        OutputFormat, typer.Option("--output-format", help="What a headless run prints to stdout.")
    ] = "text",
    permission_mode: Annotated[
        PermissionMode | None,
        typer.Option("--permission-mode", help="What needs your approval; headless: yolo."),
    ] = None,
    max_iterations: Annotated[
        int | None,
        typer.Option("--max-iterations", help="Model calls in a turn, 1 or more; -1: no limit."),
    ] = None,
    max_budget_usd: Annotated[
        float | None,
        typer.Option("--max-budget-usd", help="Dollars the session's model calls may cost in all."),
    ] = None,
    effort: Annotated[
        Effort | None, typer.Option("--effort", help="How hard the model thinks.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0.0, help="Seconds a headless run may take.")
    ] = None,
    no_stream: Annotated[
        bool, typer.Option("--no-stream", help="Ask the model for whole answers.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option("--config", help="Configuration file instead of the user's own.")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option("--database-url", help="Keep sessions in this PostgreSQL.")
    ] = None,
    cwd: Annotated[Path | None, typer.Option("--cwd", help="Folder to work in.")] = None,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """An ML engineer that works from your terminal."""
    if version:
        typer.echo(f"ml-intern {__version__}")
        return
    interactive = not (prompt or headless) and sys.stdin.isatty() and sys.stdout.isatty()
    flags = {
        "model_name": model,
        "permission_mode": permission_mode,
        "max_iterations": max_iterations,
        "max_budget_usd": max_budget_usd,
        "effort": effort,
        "database_url": database_url,
    }
    optional = proceed or resume is not None
    request = Request(
        prompt=None if interactive else _prompt(prompt, output_format, optional),
        output_format=output_format,
        proceed=proceed,
        resume=resume,
        fork=fork,
        fork_into=fork_into and working_folder() / fork_into,
        cwd=working_folder() / (cwd or ""),
        config=config,
        timeout=timeout,
        stream=not no_stream,
        flags={key: value for key, value in flags.items() if value is not None},
    )
    raise typer.Exit(execute(request, interactive=interactive))


demo = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@demo.command()
def run_demo(
    output_format: Annotated[
        OutputFormat, typer.Option("--output-format", help="What to print to stdout.")
    ] = "text",
) -> None:
    """A whole run, offline and without a key: the model is a recording, all else is real."""
    from ml_intern.cli.demo import play

    raise typer.Exit(in_loop(play(working_folder(), output_format)))


def read_prompt(words: Sequence[str] | None, *, optional: bool) -> str | None:
    """The message to send: the words, or all of stdin for `-` and for a pipe without words.

    Raises:
        ConfigError: there is none, and `optional` is False.
    """
    named = words == ["-"]
    if sys.stdin is not None and (named or not (words or sys.stdin.isatty())):
        # Bytes that are not UTF-8 become lone surrogates; the session replaces them and says so.
        text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    else:
        text = " ".join(words or [])
    if text.strip():
        return text
    if optional and not words:
        return None
    raise ConfigError("There is no prompt. Give one as an argument, or pipe one in with '-'.")


def _prompt(words: Sequence[str] | None, output_format: OutputFormat, optional: bool) -> str | None:
    """The message; without one, whoever reads JSON is told in JSON."""
    try:
        return read_prompt(words, optional=optional)
    except MlInternError as error:
        from ml_intern.cli.headless import report_failure

        raise typer.Exit(report_failure(error, output_format)) from None


def execute(request: Request, *, interactive: bool) -> int:
    """Do what was asked; the exit code."""
    # Building millions of objects while libraries load, the collector would only get in the way.
    gc.disable()
    if interactive:
        from ml_intern.cli.repl import run_repl

        return in_loop(run_repl(request))
    from ml_intern.cli.headless import run_headless

    return in_loop(run_headless(request))


def with_choice(words: list[str]) -> list[str]:
    """`--resume` without an id gets an empty one, which stands for choosing from a list."""
    last = len(words) - 1
    choosing = [
        i
        for i, word in enumerate(words)
        if word in ("-r", "--resume") and (i == last or words[i + 1].startswith("-"))
    ]
    for index in reversed(choosing):
        words.insert(index + 1, "")
    return words


_COMMANDS = {"demo": demo, "sessions": sessions, "undo": undo, "redo": redo, "doctor": doctor}
"""By their word; whatever begins with none of these is a task."""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal's encoding cannot show must not end a run that is done.
            stream.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if argv is None else argv)
    command = _COMMANDS.get(words[0]) if words else None
    try:
        if command:
            command(words[1:], prog_name=f"ml-intern {words[0]}")
        else:
            task(with_choice(words), prog_name="ml-intern")
    except Exception as error:  # noqa: BLE001 - the outermost: whatever it is, it is told in a line
        sys.exit(told(error))
    except KeyboardInterrupt:
        sys.exit(int(Exit.INTERRUPTED))


def told(error: Exception) -> int:
    """Say what went wrong; the exit code."""
    if isinstance(error, MlInternError):
        typer.echo(f"ml-intern: {safe(str(error))}", err=True)
        return int(error.exit)
    if isinstance(error, BrokenPipeError):
        # Whoever read our output went away: nothing is left to be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.FAILED)
    from ml_intern.cli.crash import record

    what = safe(f"{type(error).__name__}: {error}")
    typer.echo(f"ml-intern: something unexpected went wrong: {what}", err=True)
    typer.echo(f"The details are in {record(error)}. What was saved before is kept.", err=True)
    return int(Exit.FAILED)
