"""`llm`: one model call, its reply stored as it may be sent back to any provider."""

from __future__ import annotations

from collections.abc import Mapping

from langchain_core.messages import SystemMessage
from langgraph.runtime import Runtime

from ml_intern.graph.context import RunOptions
from ml_intern.graph.state import AgentState, Turn, turn_of
from ml_intern.llm.ask import Asking, ask
from ml_intern.llm.errors import ModelError
from ml_intern.llm.reply import Reply
from ml_intern.llm.usage import add_usage, usage_event
from ml_intern.nodes.budget import budget_of, hold, reserve, used_up, with_killed
from ml_intern.nodes.deps import Deps, emitter, options_of
from ml_intern.nodes.failed_call import Call, Update, after_failure
from ml_intern.nodes.fallback import in_use
from ml_intern.nodes.policies.history import starts_turn, valid_history
from ml_intern.nodes.replies import announce, hint_after, stored


async def call_model(state: AgentState, runtime: Runtime[RunOptions], *, deps: Deps) -> Update:
    """Ask the model what comes next.

    Raises:
        ModelError: the call failed for good. The checkpoint stays before it, so that resuming asks
            again.
    """
    options, history = options_of(runtime), state["messages"]
    model = await in_use(state, options, deps)
    usage: Mapping[str, float] = state.get("usage", {})
    turn, budget = _counted(state), budget_of(options, deps)
    usage = await with_killed(usage, deps.journal) if budget else usage
    allowed = await reserve(model, history, usage, deps, budget)
    if budget and allowed.refused:
        stop = {"stop": "limit", "reason": used_up(usage, budget)}
        return {"turn": {**turn, **stop}, "usage": usage}
    await hold(usage, allowed, deps)
    call = Call(state=state, options=options, deps=deps, emit=emitter(runtime), model=model,
                 turn=turn, usage=usage, allowed=allowed)  # fmt: skip
    prompt = [SystemMessage(deps.system_prompt), *valid_history(history)]
    try:
        return _answered(call, await ask(model, prompt, call.emit, _asking(call, runtime)))
    except ModelError as error:
        return await after_failure(call, error)


def _counted(state: AgentState) -> Turn:
    """The turn with the coming call counted; a new one starts from zero."""
    turn, messages = turn_of(state), state["messages"]
    if starts_turn(messages, turn["message"]):
        turn = {**turn_of({}), "message": messages[-1].id or ""}
    return {**turn, "iterations": turn["iterations"] + 1, "stop": None, "reason": ""}


def _asking(call: Call, runtime: Runtime[RunOptions]) -> Asking:
    info = runtime.execution_info
    return Asking(
        stream=call.options.stream,
        effort=call.options.effort or call.deps.settings.effort,
        max_output=call.allowed.max_output,
        losses=call.allowed.losses,
        session=(info.thread_id if info else None) or "",
    )


def _answered(call: Call, reply: Reply) -> Update:
    """The reply, stored and paid for."""
    spent = usage_event(call.model, reply, "main")
    call.emit(spent)
    hint = hint_after(reply, call.state, call.turn, call.options)
    messages = stored(reply, call.state, hint)
    announce(messages, hint, call.emit)
    nudges = call.turn["nudges"] + (hint.mark == "nudge")
    return {
        "turn": {**call.turn, "nudges": nudges, "stop": hint.stop, "reason": hint.reason},
        "usage": add_usage(call.usage, spent, lost=reply.lost, bound=call.allowed.bound),
        "messages": messages,
    }
