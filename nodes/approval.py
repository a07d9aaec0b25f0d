"""`approval`: every call gets a verdict; what needs a person is asked in one interrupt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import ToolCall, ToolMessage
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import ToolState, ToolStateChange
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.deps import Deps, Emit, emitter, options_of
from ml_intern.nodes.permissions import as_asked, permissions_of, places_of, ready_for
from ml_intern.nodes.policies.answers import Answer, Decisions, read_answers, request
from ml_intern.nodes.policies.approval import Permissions, Verdict, decide, settle
from ml_intern.nodes.policies.doom import hopeless
from ml_intern.nodes.policies.history import newest_reply, pending_calls
from ml_intern.nodes.policies.marks import malformed_of
from ml_intern.nodes.policies.rules import Rules, read_rules
from ml_intern.nodes.refusal import refusal


async def approve(
    state: AgentState, runtime: Runtime[RunOptions], *, deps: Deps
) -> Mapping[str, Any]:
    """Refuse, deny, ask or let through each call at hand.

    The node runs again from its top when the answer arrives, so nothing happens before `interrupt`.
    """
    calls = pending_calls(state["messages"])
    verdicts = await _verdicts(calls, state, runtime, deps)
    answers = _ask_person(calls, verdicts)
    banned = await _banned(calls, answers, deps)
    refusals: list[ToolMessage] = []
    for call, verdict in zip(calls, verdicts, strict=True):
        answer = answers.get(call["id"])
        final = banned.get(call["id"]) or (settle(call, answer, deps.tools) if answer else verdict)
        if final.action != "run":
            refusals.append(_refuse(call, final, emitter(runtime)))
        elif answer:
            emitter(runtime)(_change(call, "approved"))
    edits = {call_id: a.args for call_id, a in answers.items() if a.approved and a.args is not None}
    update: dict[str, Any] = {"messages": refusals, "edits": edits}
    if reason := hopeless([*state["messages"], *refusals]):
        update["turn"] = {**turn_of(state), "stop": "stuck", "reason": reason}
    return update


async def _verdicts(
    calls: list[ToolCall], state: AgentState, runtime: Runtime[RunOptions], deps: Deps
) -> list[Verdict]:
    """What becomes of each call, under what is allowed now."""
    malformed = malformed_of(newest_reply(state["messages"]))
    permissions = permissions_of(options_of(runtime), deps)
    await ready_for(calls, permissions, deps)
    places = await places_of(calls, permissions, deps)
    if permissions_of(options_of(runtime), deps) != permissions:
        return await _verdicts(calls, state, runtime, deps)  # changed while we waited
    asked = deps.live.take_asked() if deps.live else ()
    found = [
        decide(c, deps.tools, permissions, malformed.get(c["id"] or "", ""), places.get(c["id"]))
        for c in calls
    ]
    return [as_asked(c, v, asked) for c, v in zip(calls, found, strict=True)]


async def _banned(
    calls: list[ToolCall], answers: Mapping[str | None, Answer], deps: Deps
) -> dict[str | None, Verdict]:
    """What the rules deny of what a person approved: it was edited, or the rule is newer."""
    approved = [
        ToolCall(name=c["name"], args=c["args"] if a.args is None else a.args, id=c["id"])
        for c in calls
        if (a := answers.get(c["id"])) and a.approved
    ]
    if not approved or not deps.settings.deny:
        return {}
    only = Permissions("yolo", Rules(deny=read_rules(deps.settings.deny)))
    await ready_for(approved, only, deps)
    places = await places_of(approved, only, deps)
    found = {c["id"]: decide(c, deps.tools, only, "", places.get(c["id"])) for c in approved}
    return {call_id: verdict for call_id, verdict in found.items() if verdict.action == "deny"}


def _ask_person(calls: list[ToolCall], verdicts: list[Verdict]) -> dict[str | None, Answer]:
    asked = [
        (c, v.reason, v.rule) for c, v in zip(calls, verdicts, strict=True) if v.action == "ask"
    ]
    if not asked:
        return {}
    reply: Decisions = interrupt(request(asked), response_schema=Decisions)
    answers = read_answers(reply, [call for call, _, _ in asked])
    return {call["id"]: answer for (call, _, _), answer in zip(asked, answers, strict=True)}


_STATES: dict[str, ToolState] = {"deny": "denied", "reject": "rejected"}


def _refuse(call: ToolCall, verdict: Verdict, emit: Emit) -> ToolMessage:
    if state := _STATES.get(verdict.action):
        emit(_change(call, state, verdict.reason))
    return refusal(call, verdict.reason, "denied" if state else "refused", emit)


def _change(call: ToolCall, state: ToolState, reason: str = "") -> ToolStateChange:
    return ToolStateChange(
        tool=call["name"], tool_call_id=call["id"] or "", state=state, reason=reason
    )
