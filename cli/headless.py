"""One prompt, nobody to ask: progress to stderr, the answer or JSON to stdout."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import IO, Any, cast

from rich.console import Console

from ml_intern.cli.crash import described
from ml_intern.cli.launch import open_session
from ml_intern.cli.output import json_line, result_line
from ml_intern.cli.render import summary
from ml_intern.cli.report import Report
from ml_intern.cli.request import OutputFormat, Request
from ml_intern.cli.result import EXITS, blank
from ml_intern.cli.safe import safe
from ml_intern.cli.screen import Progress
from ml_intern.cli.stopping import Stopper
from ml_intern.cli.streams import Answers, Lenient, say
from ml_intern.cli.table import one_line
from ml_intern.graph import events as ev
from ml_intern.graph.state import AgentState
from ml_intern.nodes.policies.answers import Decision
from ml_intern.sessions import operations as op
from ml_intern.sessions.session import Session

_NOBODY = "Nobody is there to approve this. Do without it, or say what a person has to do."
_ANSWERED = ("done", "denied")
"""How a turn ends whose last text is its answer."""


async def run_headless(request: Request) -> int:
    """Run one turn to its end; the exit code.

    Raises:
        MlInternError: it could not begin.
    """
    run = Run(request)
    try:
        async with open_session(request, interactive=False) as session:
            return await run.drive(session, first_operation(request))
    except asyncio.CancelledError:
        if not run.stopper.status:
            raise
        return run.stopped()


def first_operation(request: Request) -> op.Operation:
    """A new message, or going on with what was left open."""
    return op.Resume() if request.prompt is None else op.UserInput(request.prompt)


class Run:
    """One turn, from the first event to the last word."""

    def __init__(self, request: Request) -> None:
        self._format: OutputFormat = request.output_format
        self._out = Answers()
        self._began = time.monotonic()
        self._report = Report(None)
        self._show = self._printer()
        self._ended = False
        self.stopper = Stopper(request.timeout, self._last_words)

    async def drive(self, session: Session, operation: op.Operation) -> int:
        """Carry out `operation`, print what was asked for; the exit code."""
        self._report.session_id = session.id
        self.stopper.watch(session)
        for event in session.opening():
            self._take(event)
        if self.stopper.status:  # nobody reads even these
            return self.stopped()
        try:
            async for event in _events(session, operation):
                self._take(event)
        except Exception as error:  # noqa: BLE001 - told in the result, like every ending
            self._take(ev.Error(error=described(error)))
        self.stopper.finish()
        return self._end(await self._result(session))

    def stopped(self) -> int:
        """The last word of a run that was stopped before it began."""
        self._report.note(ev.Interrupted(reason=self.stopper.status))
        return self._end(self._report.result(AgentState(), self._seconds))

    def _take(self, event: ev.Event) -> None:
        self._report.note(event)
        self._show(event)
        if self._out.lost is not None:
            self.stopper.stop("terminated")  # as SIGPIPE ends others, but saved

    async def _result(self, session: Session) -> dict[str, Any]:
        state, turns = AgentState(), 0
        try:
            state, turns = await session.state(), await session.turns()
        except Exception as error:  # noqa: BLE001 - a result without counts is better than none
            self._report.status = "failed"
            self._report.error = self._report.error or described(error)
        return self._report.result(state, self._seconds, turns=turns, budget=session.budget)

    def _end(self, result: dict[str, Any]) -> int:
        """Print the last word; the exit code."""
        self._ended = True
        stopped_by_us = self._out.lost is not None
        if self._format == "text":
            tell_denials(result["permission_denials"])
            if result["status"] in _ANSWERED and (answer := result["result"]):
                shown = safe(answer) if sys.stdout.isatty() else answer
                self._out.write(shown.rstrip("\n") + "\n")
        else:
            self._out.write(result_line(result, self._format))
        code = int(result["exit_code"])
        return code if self._out.lost is None or (code and not stopped_by_us) else self._out.lost

    def _last_words(self, status: str) -> None:
        """For a process that cannot wait for its session."""
        say("ml-intern: ended at once. What was saved before is kept.")
        if self._format != "text" and not self._ended:
            result = blank(EXITS[status], None, self._report.session_id)
            self._out.write(result_line(result, self._format))

    def _printer(self) -> Callable[[ev.Event], None]:
        """What shows an event: lines of JSON on stdout, or progress on stderr."""
        if self._format == "stream-json":
            return lambda event: self._out.write(json_line(event.wire()))
        stderr = cast("IO[str]", Lenient(sys.stderr))
        return Watched(Console(file=stderr, highlight=False)).show

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began


class Watched(Progress):
    """Progress that shows an unfinished answer, too: stdout carries finished ones only."""

    def show(self, event: ev.Event) -> None:
        """Print what the event says."""
        unfinished = isinstance(event, ev.TurnComplete) and event.status != "done"
        if unfinished and self._held.strip():
            self._show_held()
            self.cut_off()
        super().show(event)


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


def tell_denials(denials: list[dict[str, Any]]) -> None:
    """What was refused, on stderr."""
    ruled = [denial for denial in denials if str(denial["reason"]).startswith("Denied")]
    _tell("Denied, as it needed a person (see --permission-mode and --allow):",
          [denial for denial in denials if denial not in ruled])  # fmt: skip
    _tell("Denied by a rule or by plan mode (see --deny and --permission-mode):", ruled)


def _tell(why: str, denials: list[dict[str, Any]]) -> None:
    if denials:
        say(why)
    for denial in denials:
        say(f"  {one_line(denial['tool'])} {summary(denial['arguments'])}".rstrip())
