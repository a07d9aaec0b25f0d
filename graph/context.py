"""Plain options a caller may set for a run; LangGraph Studio shows them as a form.

Live objects and secrets never go here: a server copies the context into every checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PermissionMode = Literal["default", "accept-edits", "plan", "yolo"]
Effort = Literal["off", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What one run may differ in."""

    model: str | None = None
    """The model's id; None takes the configured one."""
    permission_mode: PermissionMode = "default"
    """What needs a person's approval."""
    allow: tuple[str, ...] = ()
    """Permission rules that a person gave for this session."""
    max_iterations: int | None = None
    """Model calls in one turn, -1 for no limit; None takes the configured number."""
    effort: Effort | None = None
    """How hard the model should think; None takes the configured level."""
    max_budget_usd: float | None = None
    """Dollars the session may spend on model calls, 0 for any sum; None takes the configured sum,
    if there is one."""
    stream: bool = True
    """Whether the model's text arrives piece by piece."""
    interactive: bool = True
    """Whether a person is there to answer questions."""
