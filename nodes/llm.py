"""`llm`: one model call, its reply stored as it may be sent back to any provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import SystemMessage
from langgraph.runtime import Runtime

from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Notice
from ml_intern.graph.state import AgentState, Turn, turn_of
from ml_intern.llm.ask import Asking, ask
from ml_intern.llm.errors import ContextOverflowError, ModelError
from ml_intern.llm.factory import Model
from ml_intern.llm.reply import Reply
from ml_intern.llm.usage import add_lost, add_usage, usage_event
from ml_intern.nodes.budget import (
    Allowance,
    budget_of,
    hold,
    reserve,
    used_up,
    with_killed,
)
from ml_intern.nodes.deps import Deps, Emit, emitter, options_of
from ml_intern.nodes.fallback import following, in_use
from ml_intern.nodes.policies.history import starts_turn, valid_history
from ml_intern.nodes.replies import announce, hint_after, stored
from ml_intern.nodes.sizes import least_window, request_size

MAX_OVERFLOWS = 3
"""Compactions a turn that a provider's overflow error may ask for."""
_LEARNED = 0.9
"""Share of a request that was too long which is taken for the window from then on."""

Update = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """What a call is made with."""

    state: AgentState
    options: RunOptions
    deps: Deps
    emit: Emit
    model: Model
    turn: Turn
    """With this call counted."""
    usage: Mapping[str, float]
    """Before this call."""
    allowed: Allowance


async def call_model(state: AgentState, runtime: Runtime[RunOptions], *, deps: Deps) -> Update:
    """Ask the model what comes next.

    Raises:
        ModelError: the call failed for good. The checkpoint stays before it, so that resuming asks
            again.
    """
    options, history = options_of(runtime), state["messages"]
    model = await in_use(state, options, deps)
    usage: Mapping[str, float] = state.get("usage", {})
    turn, budget = _counted(state), budget_of(options, deps)
    usage = await with_killed(usage, deps.journal) if budget else usage
    allowed = await reserve(model, history, usage, deps, budget)
    if budget and allowed.refused:
        stop = {"stop": "limit", "reason": used_up(usage, budget)}
        return {"turn": {**turn, **stop}, "usage": usage}
    await hold(usage, allowed, deps)
    call = _Call(state=state, options=options, deps=deps, emit=emitter(runtime), model=model,
                 turn=turn, usage=usage, allowed=allowed)  # fmt: skip
    prompt = [SystemMessage(deps.system_prompt), *valid_history(history)]
    try:
        return _answered(call, await ask(model, prompt, call.emit, _asking(call, runtime)))
    except ContextOverflowError as error:
        return await _overflowed(call, error)
    except ModelError as error:
        losses = call.allowed.losses
        if error.retryable and losses is not None and error.lost > losses:
            return _poorer(call, error)
        return await _elsewhere(call, error)


def _counted(state: AgentState) -> Turn:
    """The turn with the coming call counted; a new one starts from zero."""
    turn, messages = turn_of(state), state["messages"]
    if starts_turn(messages, turn["message"]):
        turn = {**turn_of({}), "message": messages[-1].id or ""}
    return {**turn, "iterations": turn["iterations"] + 1, "stop": None, "reason": ""}


def _asking(call: _Call, runtime: Runtime[RunOptions]) -> Asking:
    info = runtime.execution_info
    return Asking(
        stream=call.options.stream,
        effort=call.options.effort or call.deps.settings.effort,
        max_output=call.allowed.max_output,
        losses=call.allowed.losses,
        session=(info.thread_id if info else None) or "",
    )


def _answered(call: _Call, reply: Reply) -> Update:
    """The reply, stored and paid for."""
    spent = usage_event(call.model, reply, "main")
    call.emit(spent)
    hint = hint_after(reply, call.state, call.turn, call.options)
    messages = stored(reply, call.state, hint)
    announce(messages, hint, call.emit)
    nudges = call.turn["nudges"] + (hint.mark == "nudge")
    return {
        "turn": {**call.turn, "nudges": nudges, "stop": hint.stop, "reason": hint.reason},
        "usage": add_usage(call.usage, spent, lost=reply.lost, bound=call.allowed.bound),
        "messages": messages,
    }


async def _overflowed(call: _Call, error: ContextOverflowError) -> Update:
    """The provider knows the window better: what was sent is above it. Compaction comes next.

    The call that failed does not count: `overflows` bounds it, and it may have been the only one.
    """
    iterations, overflows = call.turn["iterations"] - 1, call.turn["overflows"]
    if overflows >= MAX_OVERFLOWS:
        raise error
    size = await request_size(call.state["messages"], call.deps)
    least = await least_window(call.deps)
    window = min(call.model.window, error.window or max(least, int(size * _LEARNED)))
    call.emit(Notice(message="The provider says the context is full; compacting."))
    return {
        "turn": {**call.turn, "iterations": iterations, "overflows": overflows + 1},
        "windows": {**call.state.get("windows", {}), call.model.name: window},
        "compact": True,
    }


def _poorer(call: _Call, error: ModelError) -> Update:
    """What broke off may have cost what was reserved: the next attempt needs its own reserve."""
    call.emit(Notice(message=f"{error} Trying again with what is left of the budget."))
    return _uncounted(call, error)


def _uncounted(call: _Call, error: ModelError, **changes: str) -> Update:
    """A call that failed does not count for the turn, but for the budget."""
    turn = {**call.turn, "iterations": call.turn["iterations"] - 1, **changes}
    return {"turn": turn, "usage": add_lost(call.usage, error.lost, call.allowed.bound)}


async def _elsewhere(call: _Call, error: ModelError) -> Update:
    """Another model takes over, if one might do better.

    Compaction comes first, for its window may be smaller; the call that failed does not count.
    """
    other = None
    if error.elsewhere:
        other = await following(call.model, call.options, call.deps, call.emit)
    if other:
        call.emit(Notice(message=f"{error} Going on with {other.name}."))
        return _uncounted(call, error, model=other.name)
    if error.lost and call.allowed.bound:
        # Raised, what was spent would be forgotten, and spent again with every `-c`.
        return _uncounted(call, error, stop="failed", reason=str(error))
    raise error
