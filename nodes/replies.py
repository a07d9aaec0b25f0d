"""From a reply to what is stored of it: a message, and a hint if it stopped short."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from ml_intern.configs.text import clean, clean_json
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import ToolCall, ToolLog
from ml_intern.graph.state import AgentState, Turn
from ml_intern.llm.reply import Reply
from ml_intern.nodes.deps import Emit
from ml_intern.nodes.policies.calls import Parsed, parse_calls
from ml_intern.nodes.policies.history import called
from ml_intern.nodes.policies.marks import malformed_marking, mark_of, marking
from ml_intern.nodes.policies.nudges import Nudge, classify, nudge_for, stalls


def hint_after(reply: Reply, state: AgentState, turn: Turn, options: RunOptions) -> Nudge:
    """What the model is told if its reply is not the end of the matter."""
    planned = options.permission_mode != "plan" and called(state["messages"], "plan_tool")
    plan = state.get("plan", []) if planned else []
    kind = classify(
        text=reply.text,
        calls=len(reply.calls),
        finish=reply.finish,
        plan=plan,
        interactive=options.interactive,
    )
    names = [call.name for call in reply.calls]
    return nudge_for(kind, names, plan, stalls=stalls(state["messages"]), given=turn["nudges"])


def stored(reply: Reply, state: AgentState, hint: Nudge) -> list[AnyMessage]:
    """The reply as a message, and the hint after it. Calls of a reply that was cut are dropped."""
    sent = [] if reply.finish == "length" else reply.calls
    parsed = parse_calls(sent, _known(state["messages"]), _suffix(state))
    messages: list[AnyMessage] = []
    if reply.text.strip() or parsed.calls:
        messages.append(_message(reply, parsed))
    if hint.hint:
        messages.append(HumanMessage(hint.hint, additional_kwargs=marking(hint.mark)))
    return messages


def announce(messages: Sequence[AnyMessage], hint: Nudge, emit: Emit) -> None:
    """Tell whoever watches of the calls and the hint."""
    calls = [call for m in messages if isinstance(m, AIMessage) for call in m.tool_calls]
    for call in calls:
        emit(ToolCall(tool=call["name"], tool_call_id=call["id"] or "", arguments=call["args"]))
    if hint.hint:
        emit(ToolLog(tool="system", log=hint.hint.strip("[]")))


def _known(messages: Sequence[AnyMessage]) -> set[str]:
    """The ids of calls that the history holds."""
    replies = (m for m in messages if isinstance(m, AIMessage))
    return {call["id"] or "" for reply in replies for call in reply.tool_calls}


def _suffix(state: AgentState) -> str:
    """What makes call ids unique when compaction took earlier ones out of sight.

    Servers number their calls from zero, or by their place in the history, which is shorter now.
    """
    compacted = any(mark_of(message) == "summary" for message in state["messages"])
    return f"-{state.get('usage', {}).get('calls', 0):.0f}" if compacted else ""


def _message(reply: Reply, parsed: Parsed) -> AIMessage:
    return AIMessage(
        content=clean(reply.text)[0],
        tool_calls=parsed.calls,
        additional_kwargs={**clean_json(reply.extras), **malformed_marking(parsed.errors)},
        response_metadata={"finish_reason": clean(reply.finish)[0]},
        usage_metadata=clean_json(reply.usage),
    )
