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
from ml_intern.nodes.budget import budget_of, news
from ml_intern.nodes.deps import Deps, emitter, options_of
from ml_intern.nodes.fallback import in_use
from ml_intern.nodes.policies.marks import marking
from ml_intern.nodes.shorten import Job, shorten
from ml_intern.nodes.sizes import request_size, room_of

Update = Mapping[str, Any]

_FORGET_EVERY = 25
"""Model calls after which the journal of a long turn is emptied; each time costs a write."""


async def compact(state: AgentState, runtime: Runtime[RunOptions], *, deps: Deps) -> Update:
    """Make the history shorter if it would not fit, or if someone wants it.

    Raises:
        ModelError: no summary could be had, or what is left is still too long.
    """
    options, messages = options_of(runtime), state.get("messages", [])
    if deps.journal and turn_of(state)["iterations"] % _FORGET_EVERY == _FORGET_EVERY - 1:
        # The step before this one is stored, and with it the result of every call so far.
        await deps.journal.clear()
    model = await in_use(state, options, deps)
    room = await room_of(model, deps)
    size = await request_size(messages, deps)
    if size <= room.limit and not (state.get("compact") and len(messages) > 1):
        return {"compact": False, **_news(state, options, deps)}
    job = Job(state=state, options=options, deps=deps, model=model, room=room,
              emit=emitter(runtime))  # fmt: skip
    kept, usage = await shorten(job, summarise=size <= room.limit)
    if kept is None:
        raise ModelError(
            f"The conversation takes {size:,} tokens and could not be shortened to "
            f"{room.target:,} for the window of {model.name}. Begin a new session, or take a model "
            "with a larger window."
        )
    new = await request_size(kept, deps)
    job.emit(Compacted(old_tokens=size, new_tokens=new))
    return {
        "messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *kept],
        "compact": False,
        "usage": usage,
    }


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
