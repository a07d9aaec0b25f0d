"""What must survive a crash: the persisted format of a thread.

Only JSON-like values and messages. Everything but `messages` is repeated in every checkpoint, so
it stays small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired

from langchain_core.messages import AnyMessage, RemoveMessage, ToolCall, convert_to_messages
from langgraph.channels.delta import DeltaChannel
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from typing_extensions import TypedDict

SNAPSHOT_FREQUENCY = 200
"""Writes after which the history is stored whole: rarer is smaller, more often opens faster."""

Stop = Literal["failed", "stuck", "interrupted", "limit"]
"""Why a turn ended without an answer."""


class PlanItem(TypedDict):
    """A line of the plan."""

    id: str
    content: str
    status: Literal["pending", "in_progress", "completed"]


def messages_reducer(state: Sequence[Any], writes: Sequence[Any]) -> list[Any]:
    """Fold writes into the history; deterministic and batching-invariant, as `DeltaChannel` asks.

    A message whose id is known replaces the old one in its place, `RemoveMessage` drops one (an
    unknown id is ignored), and `REMOVE_ALL_MESSAGES` drops everything before it.
    """
    history: dict[object, Any] = {message.id or object(): message for message in state}
    for message in _flatten(writes):
        if not isinstance(message, RemoveMessage):
            history[message.id or object()] = message
        elif message.id == REMOVE_ALL_MESSAGES:
            history.clear()
        else:
            history.pop(message.id, None)
    return list(history.values())


def _flatten(writes: Sequence[Any]) -> list[Any]:
    lists = [write if isinstance(write, list) else [write] for write in writes]
    return convert_to_messages([message for write in lists for message in write])


def newest(_: list[PlanItem], new: list[PlanItem]) -> list[PlanItem]:
    """The later one: two calls in one message may both write the plan."""
    return new


class Turn(TypedDict):
    """Where a turn stands. One channel: each channel costs 150 bytes of every checkpoint."""

    message: str
    """Id of the user's message that began it."""
    iterations: int
    """Model calls."""
    nudges: int
    """Hints given to the model because its plan was open."""
    overflows: int
    """Times that the provider found the request too long."""
    model: str
    """The fallback model that took over; "" while the chosen one is in use."""
    told: float
    """Share of the budget that the model was last told is left; 0 if it was not told."""
    stop: Stop | None
    reason: str
    """What to tell the user about `stop`."""


class TurnInput(TypedDict, total=False):
    """What a run may be started with; LangGraph Studio makes its form from this."""

    messages: Annotated[
        list[AnyMessage], DeltaChannel(messages_reducer, snapshot_frequency=SNAPSHOT_FREQUENCY)
    ]
    compact: bool


class AgentState(TypedDict, total=False):
    """The channels of the graph."""

    messages: Annotated[
        list[AnyMessage], DeltaChannel(messages_reducer, snapshot_frequency=SNAPSHOT_FREQUENCY)
    ]
    plan: Annotated[list[PlanItem], newest]
    turn: Turn
    edits: dict[str, dict[str, Any]]
    """Arguments a person put in place of the model's, by tool call id, for the calls at hand."""
    shown: dict[str, str]
    """Digest of what a person was shown that a call would do, by the id of each call approved."""
    compact: bool
    """Compact at the next opportunity, whatever the size."""
    usage: dict[str, float]
    """Tokens and dollars of every model call of the session (`llm/usage.py`)."""
    windows: dict[str, int]
    """Tokens that a model turned out to take, where its provider refused more."""


class ToolTask(TypedDict):
    """What a `Send` carries: the call and nothing else, so that storage stays linear."""

    call: ToolCall
    edited: bool
    """Whether the arguments are a person's."""
    shown: NotRequired[str]
    """Digest of what they were shown that it would do."""


def turn_of(state: AgentState) -> Turn:
    """Where the turn stands; a thread that has not begun stands at zero."""
    fresh = Turn(
        message="", iterations=0, nudges=0, overflows=0, model="", told=0.0,
        stop=None, reason="",
    )  # fmt: skip
    return {**fresh, **state.get("turn", {})}
