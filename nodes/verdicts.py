"""A verdict on each call, under what is allowed at this moment."""

from __future__ import annotations

from collections.abc import Mapping

from langchain_core.messages import ToolCall

from ml_intern.graph.context import RunOptions
from ml_intern.graph.state import AgentState
from ml_intern.nodes.deps import Deps
from ml_intern.nodes.permissions import as_asked, permissions_of, places_of, ready_for
from ml_intern.nodes.policies.answers import Answer
from ml_intern.nodes.policies.approval import Permissions, Verdict, decide
from ml_intern.nodes.policies.history import newest_reply
from ml_intern.nodes.policies.marks import malformed_of
from ml_intern.nodes.policies.rules import Rules, read_rules


async def verdicts_on(
    calls: list[ToolCall], state: AgentState, options: RunOptions, deps: Deps
) -> list[Verdict]:
    """What becomes of each call, under what is allowed now."""
    malformed = malformed_of(newest_reply(state["messages"]))
    permissions = permissions_of(options, deps)
    await ready_for(calls, permissions, deps)
    places = await places_of(calls, permissions, deps)
    if permissions_of(options, deps) != permissions:
        return await verdicts_on(calls, state, options, deps)  # changed while we waited
    asked = deps.live.take_asked() if deps.live else ()
    found = [
        decide(c, deps.tools, permissions, malformed.get(c["id"] or "", ""), places.get(c["id"]))
        for c in calls
    ]
    return [as_asked(c, v, asked) for c, v in zip(calls, found, strict=True)]


async def denied_anyway(
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
