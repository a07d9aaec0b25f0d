"""Messages said while a turn runs: claimed at the door to the model, once a step."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import ToolMessage

from ml_intern.checkpoints.inbox import Queued
from ml_intern.graph.events import Processing
from ml_intern.graph.state import AgentState
from ml_intern.nodes.deps import Deps, Emit
from ml_intern.nodes.policies.queued import delivered, spoken


async def take(state: AgentState, deps: Deps) -> Sequence[Queued]:
    """What is to be delivered now: after results only, so that roles keep alternating.

    What the stored history holds is forgotten first: a compaction can take it out of there.
    """
    if deps.inbox is None or await deps.inbox.empty():
        return ()
    messages = state.get("messages", [])
    await deps.inbox.settle(delivered(messages))
    # `compact`: the history did not fit, or nothing is asked of the model.
    behind_results = bool(messages) and isinstance(messages[-1], ToolMessage)
    return await deps.inbox.claim() if behind_results and not state.get("compact") else ()


def with_said(state: AgentState, said: Sequence[Queued]) -> AgentState:
    """The state as if the messages were in it."""
    if not said:
        return state
    return {**state, "messages": [*state.get("messages", []), spoken(said, within=True)]}


def tell(said: Sequence[Queued], emit: Emit) -> None:
    """Say that they are with the model now."""
    for message in said:
        emit(Processing(message=message.text))
