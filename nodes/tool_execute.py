"""`tool_execute`: one approved call, run once. It never raises: a failure is a result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from langchain_core.messages import ToolCall, ToolMessage
from langgraph.runtime import Runtime

from ml_intern.configs.text import clean
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import PlanUpdate, ToolOutput, ToolState, ToolStateChange
from ml_intern.graph.state import ToolTask
from ml_intern.nodes.deps import Deps, emitter
from ml_intern.nodes.effects import context_of, once
from ml_intern.nodes.previews import objection
from ml_intern.tools.errors import ToolError
from ml_intern.tools.output import fit
from ml_intern.tools.spec import ToolContext, ToolResult, ToolSpec

_EDITED = "[The user changed the arguments of this call before it ran: {args}]\n"

log = logging.getLogger(__name__)


async def run_tool(
    task: ToolTask, runtime: Runtime[RunOptions], *, deps: Deps
) -> Mapping[str, Any]:
    """Run the call and store its result."""
    call, emit = task["call"], emitter(runtime)
    call_id = call["id"] or ""
    emit(ToolStateChange(tool=call["name"], tool_call_id=call_id, state="running"))
    context = context_of(call, deps, emit)
    result = await once(call, context, deps, partial(_run, task, context, deps))
    if "plan" in result.update:
        emit(PlanUpdate(plan=result.update["plan"]))
    emit(ToolOutput(tool=call["name"], tool_call_id=call_id, output=result.text, success=result.ok))
    state: ToolState = "done" if result.ok else "failed"
    emit(ToolStateChange(tool=call["name"], tool_call_id=call_id, state=state))
    message = ToolMessage(
        result.text,
        tool_call_id=call_id,
        name=call["name"],
        status="success" if result.ok else "error",
    )
    return {**result.update, "messages": [message]}


async def _run(task: ToolTask, context: ToolContext, deps: Deps) -> ToolResult:
    """Run the call; its result as it is stored and shown."""
    call = task["call"]
    if against := await objection(call, context, deps, task.get("shown", "")):
        result = ToolResult(text=against, ok=False)
    else:
        result = await _handled(call, context, deps)
    text = await _presentable(result.text, context.call_id, deps.tools[call["name"]], deps)
    return replace(
        result, text=_EDITED.format(args=call["args"]) + text if task["edited"] else text
    )


async def _handled(call: ToolCall, context: ToolContext, deps: Deps) -> ToolResult:
    spec = deps.tools[call["name"]]
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


async def _presentable(text: str, call_id: str, spec: ToolSpec[Any], deps: Deps) -> str:
    return await fit(
        clean(text)[0] or "(no output)", spec.output_cap, deps.spill / f"{call_id}.txt"
    )
