"""What a front end can ask of a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_intern.graph.context import Effort
from ml_intern.nodes.policies.answers import Decision


@dataclass(frozen=True, slots=True)
class UserInput:
    """A message of the user's: begins a turn. Work left open by an earlier turn is given up."""

    text: str


@dataclass(frozen=True, slots=True)
class ExecApproval:
    """A person's decisions on the calls of the last `approval_required`, in its order."""

    decisions: Sequence[Decision]


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop the turn, running or waiting."""

    reason: str = "user"


@dataclass(frozen=True, slots=True)
class Compact:
    """Summarise the history now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    """Change what the session goes on with, from the next message; None leaves a thing as it is."""

    model: str | None = None
    effort: Effort | None = None
    max_budget_usd: float | None = None
    """0: no budget."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with work that a crash or an error left open; a pending approval is asked again."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back the newest turns, whole: messages, plan, a pending approval, files."""

    turns: int = 1


@dataclass(frozen=True, slots=True)
class Redo:
    """Bring back turns that were undone last."""

    turns: int = 1


@dataclass(frozen=True, slots=True)
class Fork:
    """Go on in a copy of the session; this one is kept."""

    without: int = 0
    """Newest turns that the copy leaves out."""
    folder: Path | None = None
    """An empty folder that the files are copied to; None: the copy works in the same one."""


@dataclass(frozen=True, slots=True)
class New:
    """Begin an empty session; the old one is kept."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Close the session."""


Operation = (
    UserInput
    | ExecApproval
    | Interrupt
    | Compact
    | SetOptions
    | Resume
    | Undo
    | Redo
    | Fork
    | New
    | Shutdown
)
