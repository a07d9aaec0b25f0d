"""The wiring: five nodes, the drawing of the design, with and without a checkpointer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from ml_intern.configs.settings import Settings
from ml_intern.graph.build import build_graph
from ml_intern.graph.context import RunOptions
from ml_intern.llm.factory import Model
from ml_intern.nodes.deps import Deps
from ml_intern.tools.services import Services

NODES = {"llm", "doom_check", "approval", "tool_execute", "compaction"}
EDGES = {
    ("__start__", "compaction", False),
    ("compaction", "llm", True),
    ("compaction", "__end__", True),
    ("llm", "doom_check", True),
    ("llm", "compaction", True),
    ("llm", "__end__", True),
    ("doom_check", "approval", True),
    ("doom_check", "compaction", True),
    ("doom_check", "__end__", True),
    ("approval", "tool_execute", True),
    ("approval", "compaction", True),
    ("approval", "__end__", True),
    ("tool_execute", "compaction", False),
}


async def nothing(name: str | None) -> Model:
    raise AssertionError(f"no model is asked for, {name} was")


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    return Deps(
        settings=Settings(model_name="openai/x"),
        model=nothing,
        tools={},
        system_prompt="",
        cwd=tmp_path,
        spill=tmp_path,
        env={},
        services=Services(Settings(model_name="openai/x"), {}),
    )


@pytest.fixture(params=["bare", "saved"])
def graph(request: pytest.FixtureRequest, deps: Deps) -> Any:
    """As LangGraph's server compiles it, and as the command line does."""
    saver = InMemorySaver() if request.param == "saved" else None
    return build_graph(deps).compile(checkpointer=saver, name="ml-intern")


def test_there_are_exactly_five_nodes(graph: Any) -> None:
    assert set(graph.get_graph().nodes) == NODES | {"__start__", "__end__"}


def test_the_edges_are_those_of_the_design(graph: Any) -> None:
    drawn = [(edge.source, edge.target, edge.conditional) for edge in graph.get_graph().edges]
    assert set(drawn) == EDGES
    assert len(drawn) == len(EDGES)


def test_the_drawing(graph: Any, golden: Callable[[str, str], None]) -> None:
    golden("graph.mmd", graph.get_graph().draw_mermaid())


def test_what_a_front_end_may_set_and_send(graph: Any) -> None:
    """Studio makes its forms of these; nothing of the inner state may be sent."""
    context = graph.get_context_jsonschema()
    assert set(context["properties"]) == set(RunOptions.__dataclass_fields__)
    assert set(graph.get_input_jsonschema()["properties"]) == {"messages", "compact"}


async def test_a_thread_with_nothing_to_do_asks_no_model(deps: Deps) -> None:
    """Each build is independent: the builder holds no state of a thread."""
    first, second = build_graph(deps), build_graph(deps)
    assert first is not second
    assert first.nodes.keys() == second.nodes.keys() == NODES
