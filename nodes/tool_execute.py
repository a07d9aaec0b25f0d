"""`tool_execute`: one approved call, run once. It never raises: a failure is a result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import ToolCall, ToolMessage
from langgraph.runtime import Runtime

from ml_intern.configs.text import clean
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import PlanUpdate, ToolLog, ToolOutput, ToolState, ToolStateChange
from ml_intern.graph.state import ToolTask
from ml_intern.nodes.deps import Deps, Emit, emitter
from ml_intern.tools.errors import ToolError
from ml_intern.tools.output import fit
from ml_intern.tools.spec import ToolContext, ToolResult, ToolSpec

_EDITED = "[The user changed the arguments of this call before it ran: {args}]\n"

_UNKNOWN = (
    "Outcome unknown: the process died while this call ran, and it was not run again. "
    "Find out what it did before you go on."
)

log = logging.getLogger(__name__)


async def run_tool(
    task: ToolTask, runtime: Runtime[RunOptions], *, deps: Deps
) -> Mapping[str, Any]:
    """Run the call and store its result."""
    call, emit = task["call"], emitter(runtime)
    call_id = call["id"] or ""
    emit(ToolStateChange(tool=call["name"], tool_call_id=call_id, state="running"))
    result = await _run_once(call, deps, emit)
    text = await _presentable(result.text, call_id, deps.tools[call["name"]], deps)
    if task["edited"]:
        text = _EDITED.format(args=call["args"]) + text
    if "plan" in result.update:
        emit(PlanUpdate(plan=result.update["plan"]))
    emit(ToolOutput(tool=call["name"], tool_call_id=call_id, output=text, success=result.ok))
    state: ToolState = "done" if result.ok else "failed"
    emit(ToolStateChange(tool=call["name"], tool_call_id=call_id, state=state))
    message = ToolMessage(
        text, tool_call_id=call_id, name=call["name"], status="success" if result.ok else "error"
    )
    return {**result.update, "messages": [message]}


async def _run_once(call: ToolCall, deps: Deps, emit: Emit) -> ToolResult:
    """Run the call, or say what became of it if it was begun before a crash."""
    if deps.journal is None or deps.tools[call["name"]].effect in ("pure", "idempotent"):
        return await _run(call, deps, emit)
    earlier = await deps.journal.begin(call["id"] or "")
    if earlier is not None:
        return ToolResult(text=earlier.text if earlier.done else _UNKNOWN, ok=earlier.ok)
    result = await _run(call, deps, emit)
    await deps.journal.end(call["id"] or "", result.ok, result.text)
    return result


async def _run(call: ToolCall, deps: Deps, emit: Emit) -> ToolResult:
    spec = deps.tools[call["name"]]
    context = _context(call, deps, emit)
    try:
        async with asyncio.timeout(spec.timeout):
            return await spec.handler(spec.args.model_validate(call["args"]), context)
    except ToolError as error:
        return ToolResult(text=str(error), ok=False)
    except TimeoutError:
        return ToolResult(text=f"{spec.name} was stopped after {spec.timeout:g} s.", ok=False)
    except Exception as error:
        log.warning("tool %s failed", spec.name, exc_info=True)
        what = f"{type(error).__name__}: {error}"
        return ToolResult(text=f"{spec.name} failed unexpectedly ({what}).", ok=False)


def _context(call: ToolCall, deps: Deps, emit: Emit) -> ToolContext:
    name, call_id = call["name"], call["id"] or ""
    return ToolContext(
        call_id=call_id,
        cwd=deps.cwd,
        spill=deps.spill,
        log=lambda line: emit(ToolLog(tool=name, log=line, tool_call_id=call_id)),
        env=deps.env,
        seen=deps.seen,
    )


async def _presentable(text: str, call_id: str, spec: ToolSpec[Any], deps: Deps) -> str:
    return await fit(
        clean(text)[0] or "(no output)", spec.output_cap, deps.spill / f"{call_id}.txt"
    )
