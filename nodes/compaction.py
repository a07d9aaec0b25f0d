"""`compaction`: the door to the model. It makes a history fit; most often it does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import HumanMessage, RemoveMessage, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.runtime import Runtime

from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Compacted
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.llm.errors import ModelError
from ml_intern.nodes.budget import budget_of, news, with_killed
from ml_intern.nodes.deps import Deps, emitter, options_of
from ml_intern.nodes.fallback import in_use
from ml_intern.nodes.policies.marks import marking
from ml_intern.nodes.shorten import Job, Shorter, shorten
from ml_intern.nodes.sizes import limit_of, request_size, room_of
from ml_intern.nodes.steering import take, tell, with_said

Update = Mapping[str, Any]

_FORGET_EVERY = 25
"""Model calls after which the journal of a long turn is emptied; each time costs a write."""


async def compact(state: AgentState, runtime: Runtime[RunOptions], *, deps: Deps) -> Update:
    """Make the history shorter if it would not fit, or if someone wants it.

    Raises:
        MlInternError: no summary could be had, or what is left is still too long.
    """
    said = await take(state, deps)
    options, state = options_of(runtime), with_said(state, said)
    messages = state.get("messages", [])
    model = await in_use(state, options, deps)
    size, limit = await request_size(messages, deps), limit_of(model, deps)
    if size <= limit and not (state.get("compact") and len(messages) > 1):
        await _forget(state, deps)
        tell(said, emitter(runtime))
        return {"compact": False, **(_said(state) if said else _news(state, options, deps))}
    usage = await with_killed(state.get("usage", {}), deps.journal)
    room = await room_of(model, deps)
    job = Job(state=state, options=options, deps=deps, model=model, room=room, size=size,
              wished=size <= limit, usage=usage, emit=emitter(runtime))  # fmt: skip
    shorter = await shorten(job)
    if shorter.messages is None:
        return _not_shorter(job, shorter)
    new = await request_size(shorter.messages, deps)
    job.emit(Compacted(old_tokens=size, new_tokens=new))
    tell(said, job.emit)
    return {
        "messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *shorter.messages],
        "compact": False,
        "usage": shorter.usage,
    }


def _not_shorter(job: Job, shorter: Shorter) -> Update:
    """The end of the turn, unless it was only a wish; what was paid is not forgotten.

    `compact` stays set, which tells the router that the history does not fit.
    """
    if job.wished and shorter.failure is None:
        return {"compact": False, "usage": shorter.usage}
    error = shorter.failure or ModelError(
        f"The conversation takes {job.size:,} tokens and could not be shortened to "
        f"{job.room.target:,} for the window of {job.model.name}. Begin a new session, or take a "
        "model with a larger window."
    )
    if shorter.usage == job.state.get("usage", {}):
        raise error
    turn = {**turn_of(job.state), "stop": "failed", "reason": str(error)}
    return {"compact": True, "usage": shorter.usage, "turn": turn}


async def _forget(state: AgentState, deps: Deps) -> None:
    """Empty the journal of a long turn: the step before this one is stored, results and all."""
    if deps.journal and turn_of(state)["iterations"] % _FORGET_EVERY == _FORGET_EVERY - 1:
        await deps.journal.clear()


def _said(state: AgentState) -> Update:
    """The message of the user's; news of the budget wait for the next step."""
    return {"messages": state.get("messages", [])[-1:]}


def _news(state: AgentState, options: RunOptions, deps: Deps) -> Update:
    """What the model is told of the budget; after results only, so that roles keep alternating."""
    messages = state.get("messages", [])
    if not (messages and isinstance(messages[-1], ToolMessage)):
        return {}
    turn, budget = turn_of(state), budget_of(options, deps)
    text, told = news(state.get("usage", {}), budget, turn["told"])
    if not text:
        return {}
    note = HumanMessage(text, additional_kwargs=marking("budget"))
    return {"messages": [note], "turn": {**turn, "told": told}}
