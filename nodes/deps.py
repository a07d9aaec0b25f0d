"""The live objects a node works with, bound to it when the graph is built."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph.runtime import Runtime

from ml_intern.checkpoints.archive import Archive
from ml_intern.checkpoints.inbox import Inbox
from ml_intern.checkpoints.journal import Journal
from ml_intern.checkpoints.snapshots import Snapshots
from ml_intern.configs.settings import Settings
from ml_intern.graph.context import RunOptions
from ml_intern.graph.events import Event
from ml_intern.llm.models import ModelSource
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolSpec

if TYPE_CHECKING:
    from ml_intern.nodes.permissions import Live
    from ml_intern.nodes.previews import Preview

Emit = Callable[[Event], None]


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
    services: Services
    """What tools ask over the network."""
    session_id: str = ""
    """The thread's id; "" under LangGraph's own server."""
    journal: Journal | None = None
    """Keeps effects from happening twice across crashes; None under LangGraph's own server."""
    snapshots: Snapshots | None = None
    """Keeps files as they were, for undo; None where there is no undo."""
    archive: Archive | None = None
    """Keeps what compaction takes out of the history; None under LangGraph's own server."""
    inbox: Inbox | None = None
    """What the user says while a turn runs; None under LangGraph's own server."""
    live: Live | None = None
    """What a person may change during a turn; None where a run's options are all there is."""
    seen: dict[Path, str] = field(default_factory=dict)
    """Files the model has seen, with the fingerprint of what it saw."""
    previews: dict[str, Preview] = field(default_factory=dict)
    """What open questions show of what their calls would do (`nodes/previews.py`)."""

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
