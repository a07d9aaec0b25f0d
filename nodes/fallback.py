"""Which model a turn is with: the chosen one, or the next of the list when that one is down."""

from __future__ import annotations

from dataclasses import replace

from ml_intern.configs.errors import MlInternError
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Notice
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.llm.factory import Model
from ml_intern.nodes.budget import budget_of, priced
from ml_intern.nodes.deps import Deps, Emit
from ml_intern.nodes.policies.history import starts_turn


async def in_use(state: AgentState, options: RunOptions, deps: Deps) -> Model:
    """The model of the coming call; every turn begins with the chosen one.

    Raises:
        MlInternError: it cannot be used.
    """
    turn = turn_of(state)
    new = starts_turn(state.get("messages", []), turn["message"])
    model = await deps.model(options.model if new else turn["model"] or options.model)
    return as_learned(model, state)


def as_learned(model: Model, state: AgentState) -> Model:
    """The model with the window that it turned out to have."""
    learned = state.get("windows", {}).get(model.name, model.window)
    return replace(model, window=min(model.window, learned))


async def following(model: Model, options: RunOptions, deps: Deps, emit: Emit) -> Model | None:
    """The next model of the list that can be used; None if there is none.

    Each stands there once: the chosen one may be among the fallbacks too, and would follow itself.
    """
    chosen = options.model or deps.settings.model_name
    names = list(dict.fromkeys([chosen, *deps.settings.fallback_models]))
    begin = names.index(model.name) + 1 if model.name in names else len(names)
    for name in names[begin:]:
        try:
            return await _usable(name, options, deps)
        except MlInternError as error:
            emit(Notice(message=f"The fallback model {name} cannot be used: {error}"))
    return None


async def _usable(name: str, options: RunOptions, deps: Deps) -> Model:
    model = await deps.model(name)
    if budget_of(options, deps) is not None:
        priced(model)
    return model
