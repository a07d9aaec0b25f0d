"""The `ml-intern` command: words in, an exit code out. Heavy imports wait."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ml_intern import __version__
from ml_intern.cli.config import config as config_command
from ml_intern.cli.doctor import doctor
from ml_intern.cli.here import working_folder
from ml_intern.cli.logs import tame_logs
from ml_intern.cli.loop import run as in_loop
from ml_intern.cli.request import OutputFormat, Request
from ml_intern.cli.sessions import sessions
from ml_intern.cli.signals import Signalled, end_on_signals
from ml_intern.cli.stdin import read_prompt
from ml_intern.cli.streams import SIGPIPE, Answers, abandon, flushed, prepare_streams, say
from ml_intern.cli.undo import redo, undo
from ml_intern.configs.errors import ConfigError, Exit, MlInternError
from ml_intern.graph.context import Effort, PermissionMode

_EPILOG = """
Commands, each with its own --help:
[bold]ml-intern demo[/bold] shows a whole run offline, with no key ·
[bold]ml-intern sessions[/bold] lists, renames, exports and removes sessions ·
[bold]ml-intern undo[/bold] takes back turns, chat and files; [bold]redo[/bold] brings them back ·
[bold]ml-intern doctor[/bold] checks the set-up and what is stored, and repairs it ·
[bold]ml-intern config[/bold] shows every setting, and where its value is from

Exit codes: 0 done · 1 failed · 2 usage · 3 key or payment · 4 denied · 5 limit · 6 stuck ·
124 --timeout · 130 interrupted · 143 terminated
"""

_YEAR = 366 * 86_400.0
"""Seconds that no `--timeout` reaches."""

task = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


@task.command(epilog=_EPILOG)
def run(  # noqa: PLR0913, PLR0917 - one parameter a flag
    prompt: Annotated[
        list[str] | None,
        typer.Argument(help="What to do; '-' stands for stdin, alone or with words to it."),
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
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="Run without asking: 'bash(git status *)'. Repeatable."),
    ] = None,
    deny: Annotated[
        list[str] | None,
        typer.Option("--deny", help="Never run, in any mode: 'bash(rm *)'. Repeatable."),
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
        "allow": allow or None,
        "deny": deny or None,
        "max_iterations": max_iterations,
        "max_budget_usd": max_budget_usd,
        "effort": effort,
        "database_url": database_url,
    }
    optional, limit = proceed or resume is not None, _seconds(timeout)
    request = Request(
        prompt=None if interactive else read_prompt(prompt, optional=optional, timeout=limit),
        output_format=output_format,
        proceed=proceed,
        resume=resume,
        fork=fork,
        fork_into=fork_into and working_folder() / fork_into,
        cwd=working_folder() / (cwd or ""),
        config=config,
        timeout=limit,
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


def execute(request: Request, *, interactive: bool) -> int:
    """Do what was asked; the exit code."""
    # Building millions of objects while libraries load, the collector would only get in the way.
    gc.disable()
    tame_logs()
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


_COMMANDS = {
    "demo": demo, "sessions": sessions, "undo": undo, "redo": redo, "doctor": doctor,
    "config": config_command,
}  # fmt: skip
"""By their word; whatever begins with none of these is a task."""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of the console script."""
    prepare_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    headless = not words or words[0] not in _COMMANDS or words[0] == "demo"
    output_format = asked_format(words) if headless else "text"
    try:
        if headless:
            end_on_signals()
        sys.exit(flushed(_command(words)))
    except Exception as error:  # noqa: BLE001 - the outermost: whatever it is, it is told in a line
        sys.exit(flushed(told(error, output_format)))
    except Signalled as end:
        sys.exit(_last_word(int(end.code or 0), None, output_format))
    except KeyboardInterrupt:
        sys.exit(int(Exit.INTERRUPTED))


def _command(words: list[str]) -> int:
    """Do what the words say; the exit code."""
    command = _COMMANDS.get(words[0]) if words else None
    if command:
        return command(words[1:], prog_name=f"ml-intern {words[0]}", standalone_mode=False) or 0
    return task(with_choice(words), prog_name="ml-intern", standalone_mode=False) or 0


def asked_format(words: Sequence[str]) -> OutputFormat:
    """What a headless run was asked to print, before the words are parsed: they may be wrong."""
    found: OutputFormat = "text"
    for word, following in zip(words, [*words[1:], ""], strict=False):
        name, _, value = word.partition("=")
        if word == "--":
            break
        if name == "--output-format":
            wanted = value if "=" in word else following
            found = wanted if wanted in ("json", "stream-json") else "text"  # type: ignore[assignment]
    return found


def told(error: Exception, output_format: OutputFormat = "text") -> int:
    """Say what went wrong, to people and, where asked for, to programs; the exit code."""
    if isinstance(error, MlInternError):
        code, message = int(error.exit), str(error)
    elif explain := getattr(error, "format_message", None):  # typer's: a flag or value is wrong
        command = getattr(getattr(error, "ctx", None), "command_path", "ml-intern")
        code, message = int(Exit.USAGE), f"{explain()} See: {command} --help"
    elif isinstance(error, typer.Abort):
        code, message = int(Exit.INTERRUPTED), "Interrupted."
    elif isinstance(error, BrokenPipeError):
        # Whoever read our output went away: nothing is left to be said to them.
        abandon(sys.stdout)
        return SIGPIPE
    else:
        from ml_intern.cli.crash import described

        code, message = int(Exit.FAILED), described(error)
    say(f"ml-intern: {message}")
    return _last_word(code, message, output_format)


def _last_word(code: int, message: str | None, output_format: OutputFormat) -> int:
    """The result object of a run that never began, for whoever reads JSON; the exit code."""
    if output_format != "text":
        from ml_intern.cli.output import result_line
        from ml_intern.cli.result import blank

        Answers().write(result_line(blank(code, message), output_format))
    return code


def _seconds(timeout: float | None) -> float | None:
    """`--timeout`, as a time to wait.

    Raises:
        ConfigError: it is none.
    """
    if timeout is not None and not 0 < timeout < _YEAR:
        raise ConfigError(f"--timeout {timeout}: give the seconds, more than 0.")
    return timeout
