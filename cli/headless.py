"""One prompt, nobody to ask: progress to stderr, the answer or JSON to stdout."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import Any

from rich.console import Console

from ml_intern.cli.launch import open_session
from ml_intern.cli.report import Report
from ml_intern.cli.request import OutputFormat, Request
from ml_intern.cli.safe import safe
from ml_intern.cli.screen import Progress
from ml_intern.configs.errors import MlInternError
from ml_intern.configs.text import clean_json
from ml_intern.graph import events as ev
from ml_intern.nodes.policies.answers import Decision
from ml_intern.sessions import operations as op
from ml_intern.sessions.session import Session

_NOBODY = "Nobody is there to approve this. Do without it, or say what a person has to do."
_SIGNALS = {signal.SIGINT: "user", signal.SIGTERM: "terminated", signal.SIGHUP: "terminated"}


async def run_headless(request: Request) -> int:
    """Run one turn to its end; the exit code."""
    try:
        async with open_session(request, interactive=False) as session:
            return await drive(session, first_operation(request), request)
    except MlInternError as error:
        return report_failure(error, request.output_format)


def report_failure(error: MlInternError, output_format: OutputFormat) -> int:
    """Print the result object of a run that never began; the exit code.

    Raises:
        MlInternError: `error` itself, for whoever prints text.
    """
    if output_format == "text":
        raise error
    print_result(Report.of_error(error), output_format)
    return int(error.exit)


async def drive(session: Session, operation: op.Operation, request: Request) -> int:
    """Run `operation` in `session`, print what `request` wants to see; the exit code."""
    started = time.monotonic()
    report, show = Report(session.id), printer(request.output_format)
    with ExitStack() as cleanup:
        _stop_on_signals(session, cleanup)
        _stop_after(request.timeout, session, cleanup)
        for event in session.opening():
            show(event)
        async for event in _events(session, operation):
            report.note(event)
            show(event)
    result = report.result(
        await session.state(),
        time.monotonic() - started,
        turns=await session.turns(),
        budget=session.budget,
    )
    print_result(result, request.output_format)
    return int(result["exit_code"])


def first_operation(request: Request) -> op.Operation:
    """A new message, or going on with what was left open."""
    return op.Resume() if request.prompt is None else op.UserInput(request.prompt)


async def _events(session: Session, operation: op.Operation) -> AsyncIterator[ev.Event]:
    """The events of a turn, every question in it answered with no."""
    following: op.Operation | None = operation
    while following:
        current, following = following, None
        async for event in session.handle(current):
            yield event
            if isinstance(event, ev.ApprovalRequired):
                no = [Decision(type="reject", message=_NOBODY) for _ in event.tools]
                following = op.ExecApproval(no)


def printer(output_format: OutputFormat) -> Callable[[ev.Event], None]:
    """What shows an event: lines of JSON on stdout, or progress on stderr."""
    if output_format == "stream-json":
        return lambda event: _line(event.wire())
    return Progress(Console(stderr=True, highlight=False)).show


def print_result(result: dict[str, Any], output_format: OutputFormat) -> None:
    """The last word: the answer as text, or the result object."""
    if output_format == "json":
        _line(result)
    elif output_format == "stream-json":
        _line({"type": "result", **result})
    elif result["status"] in ("done", "denied") and (answer := result["result"]):
        shown = safe(answer) if sys.stdout.isatty() else answer
        sys.stdout.write(shown.rstrip("\n") + "\n")
        sys.stdout.flush()


def _line(values: dict[str, Any]) -> None:
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(clean_json(values), ensure_ascii=not utf8) + "\n")
    sys.stdout.flush()


def _stop_on_signals(session: Session, cleanup: ExitStack) -> None:
    loop = asyncio.get_running_loop()
    for number, reason in _SIGNALS.items():
        loop.add_signal_handler(number, session.stop, reason)
        cleanup.callback(loop.remove_signal_handler, number)


def _stop_after(seconds: float | None, session: Session, cleanup: ExitStack) -> None:
    if seconds is not None:
        timer = asyncio.get_running_loop().call_later(seconds, session.stop, "timeout")
        cleanup.callback(timer.cancel)
