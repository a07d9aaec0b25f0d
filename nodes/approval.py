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
from ml_intern.nodes.policies.answers import Answer, Asked, Decisions, read_answers, request
from ml_intern.nodes.policies.approval import Verdict, settle
from ml_intern.nodes.policies.doom import hopeless
from ml_intern.nodes.policies.history import pending_calls
from ml_intern.nodes.previews import Preview, digest, forget, possible, previews_of
from ml_intern.nodes.refusal import refusal
from ml_intern.nodes.verdicts import denied_anyway, verdicts_on


async def approve(
    state: AgentState, runtime: Runtime[RunOptions], *, deps: Deps
) -> Mapping[str, Any]:
    """Refuse, deny, ask or let through each call at hand.

    The node runs again from its top when the answer arrives, so nothing happens before `interrupt`.
    """
    calls = pending_calls(state["messages"])
    verdicts = await verdicts_on(calls, state, options_of(runtime), deps)
    previews = await previews_of(calls, verdicts, deps, emitter(runtime))
    verdicts = [possible(v, previews.get(c["id"])) for c, v in zip(calls, verdicts, strict=True)]
    answers = _ask_person(calls, verdicts, previews)
    forget(calls, deps)
    still_denied = await denied_anyway(calls, answers, deps)
    refusals: list[ToolMessage] = []
    for call, verdict in zip(calls, verdicts, strict=True):
        answer = answers.get(call["id"])
        final = still_denied.get(call["id"]) or (
            settle(call, answer, deps.tools) if answer else verdict
        )
        if final.action != "run":
            refusals.append(_refuse(call, final, emitter(runtime)))
        elif answer:
            emitter(runtime)(_change(call, "approved"))
    edits = {call_id: a.args for call_id, a in answers.items() if a.approved and a.args is not None}
    update: dict[str, Any] = {"messages": refusals, "edits": edits}
    shown = {i: digest(p.text) for i, p in previews.items() if p.text and i not in edits}
    if shown or state.get("shown"):
        update["shown"] = shown
    if reason := hopeless([*state["messages"], *refusals]):
        update["turn"] = {**turn_of(state), "stop": "stuck", "reason": reason}
    return update


def _ask_person(
    calls: list[ToolCall], verdicts: list[Verdict], previews: Mapping[str | None, Preview]
) -> dict[str | None, Answer]:
    asked = [
        Asked(c, v.reason, v.rule, previews[c["id"]].text)
        for c, v in zip(calls, verdicts, strict=True)
        if v.action == "ask"
    ]
    if not asked:
        return {}
    reply: Decisions = interrupt(request(asked), response_schema=Decisions)
    answers = read_answers(reply, [one.call for one in asked])
    return {one.call["id"]: answer for one, answer in zip(asked, answers, strict=True)}


_STATES: dict[str, ToolState] = {"deny": "denied", "reject": "rejected"}


def _refuse(call: ToolCall, verdict: Verdict, emit: Emit) -> ToolMessage:
    if state := _STATES.get(verdict.action):
        emit(_change(call, state, verdict.reason))
    return refusal(call, verdict.reason, "denied" if state else "refused", emit)


def _change(call: ToolCall, state: ToolState, reason: str = "") -> ToolStateChange:
    return ToolStateChange(
        tool=call["name"], tool_call_id=call["id"] or "", state=state, reason=reason
    )
