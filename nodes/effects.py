"""At most once: what is done about a call that may have had its effect before a crash."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from langchain_core.messages import ToolCall

from ml_intern.checkpoints.journal import Journal
from ml_intern.graph.events import ToolLog
from ml_intern.nodes.deps import Deps, Emit
from ml_intern.nodes.recollection import recollect
from ml_intern.tools.spec import Absent, ToolContext, ToolResult

UNKNOWN = (
    "Outcome unknown: the process died while this call ran, and it was not run again. "
    "Find out what it did before you go on."
)
_NOT_FOUND = "It was looked for and not found, which does not prove that it failed."
ASKING = 120.0
"""Seconds that looking for an earlier effect may take."""
GUARDED = ("reconcilable", "opaque")
"""Effect classes that must not happen twice; the others may, which is what makes them so."""

log = logging.getLogger(__name__)

Run = Callable[[], Awaitable[ToolResult]]


async def once(call: ToolCall, context: ToolContext, deps: Deps, run: Run) -> ToolResult:
    """Run the call, or say what became of it if it was begun before a crash.

    Raises:
        MlInternError: it was not run, for it could not be noted or its files not be remembered.
    """
    risky = deps.tools[call["name"]].nature(call["args"]).risk in ("edit", "execute")
    async with deps.snapshots.following() if deps.snapshots and risky else nullcontext():
        if deps.journal is None:
            return await run()
        return await _journaled(call, context, deps, deps.journal, run)


async def _journaled(
    call: ToolCall, context: ToolContext, deps: Deps, journal: Journal, run: Run
) -> ToolResult:
    spec = deps.tools[call["name"]]
    guarded = spec.nature(call["args"]).effect in GUARDED
    earlier = await (journal.begin if guarded else journal.find)(context.call_id)
    if earlier is not None and earlier.done:
        return ToolResult(text=earlier.text, ok=earlier.ok, update=earlier.changes)
    if earlier is not None and spec.reconcile is None:
        return ToolResult(text=UNKNOWN, ok=False)
    verdict = await found(call, context, deps) if earlier else "absent"
    if verdict is None:
        return ToolResult(text=f"{UNKNOWN} {_NOT_FOUND}", ok=False)
    return await _noted(await run() if verdict == "absent" else verdict, context, journal)


async def _noted(result: ToolResult, context: ToolContext, journal: Journal) -> ToolResult:
    await journal.end(context.call_id, result.ok, result.text, result.update)
    return result


async def found(
    call: ToolCall, context: ToolContext, deps: Deps, seconds: float = ASKING
) -> ToolResult | Absent | None:
    """The outcome of a call, as the world tells it; None if it does not."""
    spec = deps.tools[call["name"]]
    if spec.reconcile is None:
        return None
    try:
        async with asyncio.timeout(seconds):
            return await spec.reconcile(spec.args.model_validate(call["args"]), context)
    except Exception:
        log.warning("the outcome of %s could not be found", spec.name, exc_info=True)
        return None


def context_of(call: ToolCall, deps: Deps, emit: Emit) -> ToolContext:
    """What a call's handler works with."""
    name, call_id = call["name"], call["id"] or ""
    return ToolContext(
        call_id=call_id,
        key=deps.journal.key(call_id) if deps.journal else call_id,
        keep=deps.snapshots.keep if deps.snapshots else _forget,
        cwd=deps.cwd,
        spill=deps.spill,
        log=lambda line: emit(ToolLog(tool=name, log=line, tool_call_id=call_id)),
        env=deps.env,
        services=deps.services,
        session_id=deps.session_id,
        seen=deps.seen,
        history=partial(recollect, deps.archive),
    )


def _forget(_: Path) -> None:
    """Keep nothing: there is no undo here."""
