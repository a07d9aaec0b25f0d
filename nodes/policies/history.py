"""The history as a strict provider wants it, and what is still open in it."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage

from ml_intern.nodes.policies.marks import is_users, mark_of
from ml_intern.nodes.policies.pinned import called_before
from ml_intern.nodes.policies.queued import heard_within

NO_RESULT = (
    "No result: the turn was interrupted. If this call had started, its effect is unknown; "
    "check before you repeat it."
)


def pending_calls(messages: Sequence[AnyMessage]) -> list[ToolCall]:
    """The calls of the newest reply that have no result yet."""
    answered: set[str] = set()
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            return [call for call in message.tool_calls if call["id"] not in answered]
        if isinstance(message, ToolMessage):
            answered.add(message.tool_call_id)
        elif is_users(message):
            break
    return []


def newest_reply(messages: Sequence[AnyMessage]) -> AIMessage:
    """The model's newest message; an empty one if it has not spoken."""
    return next((m for m in reversed(messages) if isinstance(m, AIMessage)), AIMessage(""))


def answer_so_far(messages: Sequence[AnyMessage]) -> str | None:
    """The newest text of the model's in this turn, with the pieces before it if it was cut.

    None if it has not said anything.
    """
    pieces: list[str] = []
    goes_on = True
    for message in reversed(messages):
        if isinstance(message, AIMessage) and str(message.text).strip():
            if not goes_on:
                break
            pieces.append(str(message.text))
            goes_on = False
        elif mark_of(message) == "stall":
            goes_on = True
        elif is_users(message) or pieces:
            break
    return "".join(reversed(pieces)) if pieces else None


def called(messages: Sequence[AnyMessage], tool: str) -> bool:
    """Whether the model called a tool in this turn, before a compaction too.

    What the user says to a turn that runs does not begin another one.
    """
    for message in reversed(messages):
        if tool in called_before(message):
            return True
        if isinstance(message, AIMessage) and any(c["name"] == tool for c in message.tool_calls):
            return True
        if is_users(message) and not heard_within(message):
            break
    return False


def starts_turn(messages: Sequence[AnyMessage], turn: str) -> bool:
    """Whether the newest message is the user's, and not the one that began the turn at hand.

    Compaction can make the message that began a long turn the newest again.
    """
    newest = messages[-1] if messages else None
    return newest is not None and is_users(newest) and newest.id != turn


def owes_reply(messages: Sequence[AnyMessage]) -> bool:
    """Whether the model has to speak next: the newest message is a person's, a tool's or a hint."""
    return bool(messages) and isinstance(messages[-1], HumanMessage | ToolMessage)


def valid_history(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """`messages` as providers accept them.

    Every call is followed by exactly one result; orphan and duplicate results and empty messages
    are left out; a missing result is said to be missing. The input is not changed.
    """
    results: dict[str, ToolMessage] = {}
    for message in messages:
        if isinstance(message, ToolMessage):
            results.setdefault(message.tool_call_id, message)
    history: list[AnyMessage] = []
    for message in messages:
        if isinstance(message, ToolMessage) or _empty(message):
            continue
        history.append(message)
        if isinstance(message, AIMessage):
            calls = message.tool_calls
            history.extend(results.get(c["id"] or "") or missing_result(c) for c in calls)
    return history


def intact(shorter: Sequence[AnyMessage], whole: Sequence[AnyMessage]) -> bool:
    """Whether no call lost the result it had, and no result its call."""
    calls, results, before = _called_ids(shorter), _answered_ids(shorter), _answered_ids(whole)
    return results - calls <= before - _called_ids(whole) and calls & before <= results


def _called_ids(messages: Sequence[AnyMessage]) -> set[str | None]:
    replies = (message for message in messages if isinstance(message, AIMessage))
    return {call["id"] for reply in replies for call in reply.tool_calls}


def _answered_ids(messages: Sequence[AnyMessage]) -> set[str | None]:
    return {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}


def missing_result(call: ToolCall) -> ToolMessage:
    """What stands in for a result that was never stored."""
    return ToolMessage(NO_RESULT, tool_call_id=call["id"] or "", name=call["name"], status="error")


def _empty(message: AnyMessage) -> bool:
    calls = isinstance(message, AIMessage) and message.tool_calls
    return not calls and not str(message.text).strip()
