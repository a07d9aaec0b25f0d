"""What follows a model call that failed: compaction, another attempt or model, or the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Notice
from ml_intern.graph.state import AgentState, Turn
from ml_intern.llm.errors import ContextOverflowError, ModelError
from ml_intern.llm.factory import Model
from ml_intern.llm.usage import add_lost
from ml_intern.nodes.budget import Allowance
from ml_intern.nodes.deps import Deps, Emit
from ml_intern.nodes.fallback import following
from ml_intern.nodes.sizes import least_window, request_size

MAX_OVERFLOWS = 3
"""Compactions a turn that a provider's overflow error may ask for."""
_LEARNED = 0.9
"""Share of a request that was too long which is taken for the window from then on."""

Update = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a model call is made with."""

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


async def after_failure(call: Call, error: ModelError) -> Update:
    """What the failure changes in the state.

    Raises:
        ModelError: `error` itself, if nothing can be done. The checkpoint stays before the call.
    """
    if isinstance(error, ContextOverflowError):
        return await _overflowed(call, error)
    losses = call.allowed.losses
    if error.retryable and losses is not None and error.lost > losses:
        return _poorer(call, error)
    return await _elsewhere(call, error)


async def _overflowed(call: Call, error: ContextOverflowError) -> Update:
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


def _poorer(call: Call, error: ModelError) -> Update:
    """What broke off may have cost what was reserved: the next attempt needs its own reserve."""
    call.emit(Notice(message=f"{error} Trying again with what is left of the budget."))
    return _uncounted(call, error)


def _uncounted(call: Call, error: ModelError, **changes: str) -> Update:
    """A call that failed does not count for the turn, but for the budget."""
    turn = {**call.turn, "iterations": call.turn["iterations"] - 1, **changes}
    return {"turn": turn, "usage": add_lost(call.usage, error.lost, call.allowed.bound)}


async def _elsewhere(call: Call, error: ModelError) -> Update:
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
