"""At most once: what is done about a call that may have had its effect before a crash."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from langchain_core.messages import ToolCall

from ml_intern.checkpoints.journal import Entry, Journal
from ml_intern.nodes.deps import Deps
from ml_intern.tools.spec import ToolContext, ToolResult

UNKNOWN = (
    "Outcome unknown: the process died while this call ran, and it was not run again. "
    "Find out what it did before you go on."
)
_NOT_FOUND = "It was looked for and not found, which does not prove that it failed."
_ASKING = 120
"""Seconds that looking for an earlier effect may take."""

log = logging.getLogger(__name__)

Run = Callable[[], Awaitable[ToolResult]]


async def once(call: ToolCall, context: ToolContext, deps: Deps, run: Run) -> ToolResult:
    """Run the call, or say what became of it if it was begun before a crash."""
    spec, call_id = deps.tools[call["name"]], call["id"] or ""
    if deps.snapshots and spec.risk in ("edit", "execute"):
        await deps.snapshots.begin()
    if deps.journal is None or spec.effect in ("pure", "idempotent"):
        return await run()
    earlier = await deps.journal.begin(call_id)
    if earlier is not None:
        return await _settled(call, context, deps.journal, earlier, deps)
    result = await run()
    await deps.journal.end(call_id, result.ok, result.text)
    return result


async def _settled(
    call: ToolCall, context: ToolContext, journal: Journal, earlier: Entry, deps: Deps
) -> ToolResult:
    if earlier.done:
        return ToolResult(text=earlier.text, ok=earlier.ok)
    if deps.tools[call["name"]].reconcile is None:
        return ToolResult(text=UNKNOWN, ok=False)
    if (found := await _found(call, context, deps)) is None:
        return ToolResult(text=f"{UNKNOWN} {_NOT_FOUND}", ok=False)
    await journal.end(call["id"] or "", found.ok, found.text)
    return found


async def _found(call: ToolCall, context: ToolContext, deps: Deps) -> ToolResult | None:
    """The outcome, as the world tells it; None if it does not."""
    spec = deps.tools[call["name"]]
    assert spec.reconcile is not None
    try:
        async with asyncio.timeout(_ASKING):
            return await spec.reconcile(spec.args.model_validate(call["args"]), context)
    except Exception:
        log.warning("the outcome of %s could not be found", spec.name, exc_info=True)
        return None
