"""`llm`: one model call, its reply stored as it may be sent back to any provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime

from ml_intern.configs.text import clean, clean_json
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Notice, ToolCall, ToolLog
from ml_intern.graph.state import AgentState, Turn, turn_of
from ml_intern.llm.ask import Asking, ask
from ml_intern.llm.errors import ContextOverflowError
from ml_intern.llm.reply import Reply
from ml_intern.llm.usage import add_usage, usage_event
from ml_intern.nodes.deps import Deps, Emit, emitter, options_of
from ml_intern.nodes.policies.calls import Parsed, parse_calls
from ml_intern.nodes.policies.history import called, starts_turn, valid_history
from ml_intern.nodes.policies.marks import malformed_marking, mark_of, marking
from ml_intern.nodes.policies.nudges import Nudge, classify, nudge_for

MAX_OVERFLOWS = 2
"""Compactions in a row that a provider's overflow error may ask for."""


async def call_model(
    state: AgentState, runtime: Runtime[RunOptions], *, deps: Deps
) -> Mapping[str, Any]:
    """Ask the model what comes next.

    Raises:
        ModelError: the call failed for good. The checkpoint stays before it, so that resuming asks
            again.
    """
    options, emit = options_of(runtime), emitter(runtime)
    history, turn = state["messages"], _turn(state)
    model = await deps.model(options.model)
    prompt = [SystemMessage(deps.system_prompt), *valid_history(history)]
    try:
        reply = await ask(model, prompt, emit, Asking(stream=options.stream))
    except ContextOverflowError:
        turn["overflows"] += 1
        if turn["overflows"] > MAX_OVERFLOWS:
            raise
        emit(Notice(message="The provider says the context is full; compacting."))
        return {"turn": turn, "compact": True}
    spent = usage_event(model, reply, "main")
    emit(spent)
    nudge = _nudge(reply, state, options, turn["nudges"])
    messages = _stored(reply, history, nudge, _suffix(state))
    _announce(messages, nudge, emit)
    turn["overflows"] = 0
    turn["nudges"] += bool(nudge.hint)
    turn["stop"], turn["reason"] = nudge.stop, nudge.reason
    return {
        "turn": turn,
        "usage": add_usage(state.get("usage", {}), spent),
        "messages": messages,
    }


def _turn(state: AgentState) -> Turn:
    """The turn with the coming call counted; a new one starts from zero.

    Overflows go on counting: compaction may leave the user's message as the newest again.
    """
    turn = turn_of(state)
    if starts_turn(state["messages"]):
        turn = {**turn_of({}), "overflows": turn["overflows"]}
    turn["iterations"] += 1
    return turn


def _nudge(reply: Reply, state: AgentState, options: RunOptions, given: int) -> Nudge:
    planned = options.permission_mode != "plan" and called(state["messages"], "plan_tool")
    plan = state.get("plan", []) if planned else []
    kind = classify(
        text=reply.text,
        calls=len(reply.calls),
        finish=reply.finish,
        plan=plan,
        interactive=options.interactive,
    )
    return nudge_for(kind, [call.name for call in reply.calls], plan, given)


def _suffix(state: AgentState) -> str:
    """What makes call ids unique when compaction took earlier ones out of sight.

    Servers number their calls from zero, or by their place in the history, which is shorter now.
    """
    compacted = any(mark_of(message) == "summary" for message in state["messages"])
    return f"-{state.get('usage', {}).get('calls', 0):.0f}" if compacted else ""


def _stored(reply: Reply, history: list[AnyMessage], nudge: Nudge, suffix: str) -> list[AnyMessage]:
    """The reply as a message, and the hint after it. Calls of a reply that was cut are dropped."""
    sent = [] if reply.finish == "length" else reply.calls
    known = {call["id"] or "" for m in history if isinstance(m, AIMessage) for call in m.tool_calls}
    parsed = parse_calls(sent, known, suffix)
    messages: list[AnyMessage] = []
    if reply.text.strip() or parsed.calls:
        messages.append(_message(reply, parsed))
    if nudge.hint:
        messages.append(HumanMessage(nudge.hint, additional_kwargs=marking("nudge")))
    return messages


def _message(reply: Reply, parsed: Parsed) -> AIMessage:
    return AIMessage(
        content=clean(reply.text)[0],
        tool_calls=parsed.calls,
        additional_kwargs={**clean_json(reply.extras), **malformed_marking(parsed.errors)},
        response_metadata={"finish_reason": clean(reply.finish)[0]},
        usage_metadata=clean_json(reply.usage),
    )


def _announce(messages: list[AnyMessage], nudge: Nudge, emit: Emit) -> None:
    calls = [call for m in messages if isinstance(m, AIMessage) for call in m.tool_calls]
    for call in calls:
        emit(ToolCall(tool=call["name"], tool_call_id=call["id"] or "", arguments=call["args"]))
    if nudge.hint:
        emit(ToolLog(tool="system", log=nudge.hint.strip("[]")))
