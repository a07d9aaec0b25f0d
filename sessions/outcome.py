"""How a turn ended, read off the state it left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage

from ml_intern.checkpoints.threads import ThreadState
from ml_intern.graph.events import (
    ApprovalRequired,
    Error,
    Event,
    Interrupted,
    Notice,
    Status,
    TurnComplete,
)
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.policies.history import owes_reply


def turn_complete(state: AgentState) -> TurnComplete:
    """The event that ends a turn whose graph has run to its end."""
    messages = state.get("messages", [])
    turn = turn_of(state)
    status = turn["stop"] or ("limit" if owes_reply(messages) else "done")
    return TurnComplete(
        status=status,
        final_response=final_response(messages) if status == "done" else None,
        history_size=len(messages),
        iterations=turn["iterations"],
        usage=dict(state.get("usage", {})),
    )


def ending(last: Event | None, state: AgentState, interrupts: Sequence[Any]) -> list[Event]:
    """What follows a run whose last event was `last`: a question, or the turn's end, and why."""
    complete = turn_complete(state)
    if isinstance(last, Error):
        return [replace(complete, status="failed", final_response=None)]
    if isinstance(last, Interrupted):
        return [replace(complete, status="interrupted", final_response=None)]
    if tools := approval_tools(interrupts):
        return [ApprovalRequired(tools=tools, count=len(tools))]
    if why := explanation(complete.status, state):
        failed = complete.status == "failed"
        return [Error(error=why) if failed else Notice(message=why), complete]
    return [complete]


def standing(last: Event) -> ThreadState:
    """How the turn stands after a run whose last event this is."""
    match last:
        case ApprovalRequired():
            return "waiting"
        case TurnComplete(status="failed" | "interrupted"):
            return "interrupted"
        case _:
            return "finished"


def final_response(messages: Sequence[AnyMessage]) -> str | None:
    """The model's answer: the text of the newest message, if it is the model's."""
    newest = messages[-1] if messages else None
    return str(newest.text) if isinstance(newest, AIMessage) else None


def explanation(status: Status, state: AgentState) -> str:
    """What to tell the user about a turn that ended without an answer; "" if it is answered."""
    reason = turn_of(state)["reason"]
    match status:
        case "limit":
            return reason or (
                f"Stopped after {turn_of(state)['iterations']} model calls, the limit of one turn. "
                "Say 'go on' to continue, or raise --max-iterations."
            )
        case "stuck" | "failed":
            return reason
        case _:
            return ""


def approval_tools(interrupts: Sequence[Any]) -> list[dict[str, Any]]:
    """The calls that wait for a person, from the graph's pending interrupts."""
    return [
        {
            "tool": action["name"],
            "tool_call_id": action["tool_call_id"],
            "arguments": action["args"],
            "reason": action["reason"],
            # Questions of older versions have neither.
            "rule": action.get("rule", ""),
            "preview": action.get("preview", ""),
        }
        for item in interrupts
        for action in item.value["action_requests"]
    ]
