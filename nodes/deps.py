"""The live objects a node works with, bound to it when the graph is built."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from ml_intern.checkpoints.journal import Journal
from ml_intern.checkpoints.snapshots import Snapshots
from ml_intern.configs.settings import Settings
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Event
from ml_intern.llm.background import in_daemon
from ml_intern.llm.endpoint import resolve
from ml_intern.llm.factory import Model, make_model
from ml_intern.tools.spec import ToolSpec

Emit = Callable[[Event], None]
ModelSource = Callable[[str | None], Awaitable[Model]]
"""The model of an id, None for the configured one; the same object for the same id."""


@dataclass(frozen=True, kw_only=True)
class Deps:
    """What the caller provides."""

    settings: Settings
    model: ModelSource
    tools: Mapping[str, ToolSpec[Any]]
    system_prompt: str
    cwd: Path
    spill: Path
    """Where the full text of clipped outputs goes."""
    env: Mapping[str, str]
    """The environment of programs the model starts."""
    journal: Journal | None = None
    """Keeps effects from happening twice across crashes; None under LangGraph's own server."""
    snapshots: Snapshots | None = None
    """Keeps files as they were, for undo; None where there is no undo."""
    seen: dict[Path, str] = field(default_factory=dict)
    """Files the model has seen, with the fingerprint of what it saw."""

    @cached_property
    def schemas(self) -> str:
        """The tools as they go with every request. Made once: it takes a millisecond."""
        return json.dumps([spec.schema() for spec in self.tools.values()])


def options_of(runtime: Runtime[RunOptions]) -> RunOptions:
    """The run's options; a caller that sends none gets the careful defaults."""
    return runtime.context or RunOptions()


def emitter(runtime: Runtime[RunOptions]) -> Emit:
    """Sends an event to whoever watches the run."""
    return runtime.stream_writer


class Models:
    """A `ModelSource`: models made when first asked for, off the event loop, and kept."""

    def __init__(
        self, settings: Settings, keys: Mapping[str, str], tools: Mapping[str, ToolSpec[Any]]
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._schemas = [spec.schema() for spec in tools.values()]
        self._made: dict[str, Model] = {}

    async def __call__(self, name: str | None) -> Model:
        """The model of an id.

        Raises:
            MlInternError: the id is wrong, or its provider's key is missing.
        """
        wanted = name or self._settings.model_name
        if wanted not in self._made:
            endpoint = resolve(wanted, self._settings, self._keys)
            make = partial(make_model, endpoint, self._settings, self._schemas)
            self._made[wanted] = await in_daemon(make)
        return self._made[wanted]

    async def close(self) -> None:
        """Close every connection, those of litellm's own clients too."""
        for model in self._made.values():
            await model.close()
        # Without a model litellm may still be in the middle of its import.
        if self._made and (litellm := sys.modules.get("litellm")):
            await litellm.close_litellm_async_clients()
