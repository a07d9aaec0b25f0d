"""The wiring: five nodes and the edges between them."""

from __future__ import annotations

from functools import partial

from langgraph.graph import START, StateGraph

from ml_intern.graph.context import RunOptions
from ml_intern.graph.routing import (
    END,
    after_approval,
    after_compaction,
    after_doom_check,
    after_llm,
)
from ml_intern.graph.state import AgentState, TurnInput
from ml_intern.nodes.approval import approve
from ml_intern.nodes.compaction import compact
from ml_intern.nodes.deps import Deps
from ml_intern.nodes.doom_check import doom_check
from ml_intern.nodes.llm import call_model
from ml_intern.nodes.tool_execute import run_tool

Builder = StateGraph[AgentState, RunOptions, TurnInput, AgentState]


def build_graph(deps: Deps) -> Builder:
    """The agent, not compiled: a caller adds a checkpointer, LangGraph's server has its own."""
    graph = StateGraph(AgentState, context_schema=RunOptions, input_schema=TurnInput)
    graph.add_node("compaction", partial(compact, deps=deps))
    graph.add_node("llm", partial(call_model, deps=deps))
    graph.add_node("doom_check", doom_check)
    graph.add_node("approval", partial(approve, deps=deps))
    graph.add_node("tool_execute", partial(run_tool, deps=deps))

    to_model = partial(after_compaction, max_iterations=deps.settings.max_iterations)
    graph.add_edge(START, "compaction")
    graph.add_conditional_edges("compaction", to_model, ["llm", END])
    graph.add_conditional_edges("llm", after_llm, ["doom_check", "compaction", END])
    graph.add_conditional_edges("doom_check", after_doom_check, ["approval", "compaction", END])
    graph.add_conditional_edges("approval", after_approval, ["tool_execute", "compaction", END])
    # Not conditional: each parallel task would decide on its own result alone.
    graph.add_edge("tool_execute", "compaction")
    return graph
