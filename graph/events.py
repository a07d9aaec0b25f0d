"""What a front end sees: one frozen dataclass an event, with a wire name that never changes.

Nodes and the session emit them unstamped; the session stamps `session_id`, `seq` and `time`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event carries."""

    session_id: str = ""
    seq: int = 0
    """Gapless from 1 while a session is open."""
    time: str = ""
    """UTC, ISO 8601."""

    def wire(self) -> dict[str, Any]:
        """The event as JSON-ready values, `type` first."""
        values = asdict(self)
        return {"type": values.pop("type", ""), **values}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Event):
    """The session can take input."""

    type: Literal["ready"] = field(default="ready", init=False)
    tool_count: int
    model: str
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing(Event):
    """A turn begins, or goes on."""

    type: Literal["processing"] = field(default="processing", init=False)
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantChunk(Event):
    """A piece of the model's text."""

    type: Literal["assistant_chunk"] = field(default="assistant_chunk", init=False)
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantMessage(Event):
    """The model's whole text, when it was not streamed."""

    type: Literal["assistant_message"] = field(default="assistant_message", init=False)
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantStreamEnd(Event):
    """The streamed text is over; `partial` if it was cut and will be asked for again."""

    type: Literal["assistant_stream_end"] = field(default="assistant_stream_end", init=False)
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall(Event):
    """The model called a tool."""

    type: Literal["tool_call"] = field(default="tool_call", init=False)
    tool: str
    tool_call_id: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput(Event):
    """A call's result, as the model reads it."""

    type: Literal["tool_output"] = field(default="tool_output", init=False)
    tool: str
    tool_call_id: str
    output: str
    success: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLog(Event):
    """A line of progress from a running call, or from the system itself."""

    type: Literal["tool_log"] = field(default="tool_log", init=False)
    tool: str
    log: str
    tool_call_id: str = ""


ToolState = Literal["approved", "rejected", "denied", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStateChange(Event):
    """A call moved on; `denied` is the policy's word, `rejected` a person's."""

    type: Literal["tool_state_change"] = field(default="tool_state_change", init=False)
    tool: str
    tool_call_id: str
    state: ToolState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequired(Event):
    """The turn waits for a person; answered with an `exec_approval` operation."""

    type: Literal["approval_required"] = field(default="approval_required", init=False)
    tools: list[dict[str, Any]]
    """`{tool, tool_call_id, arguments, reason, rule}` each, in the order of the calls; `rule` is
    the narrow one that would allow the call from now on, "" if there is none."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanUpdate(Event):
    """The plan, whole."""

    type: Literal["plan_update"] = field(default="plan_update", init=False)
    plan: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Event):
    """One model call's tokens and cost; `cost_usd` is None when no price is known."""

    type: Literal["usage"] = field(default="usage", init=False)
    kind: Literal["main", "compaction"]
    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int = 0
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted(Event):
    """The history was replaced by a summary and its tail; sizes in tokens."""

    type: Literal["compacted"] = field(default="compacted", init=False)
    old_tokens: int
    new_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """Something the user should know; nothing failed."""

    type: Literal["notice"] = field(default="notice", init=False)
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Event):
    """A model call failed and is tried again after a wait."""

    type: Literal["retry"] = field(default="retry", init=False)
    model: str
    reason: str
    attempt: int
    """The retry's number, from 1."""
    retries: int
    """How many there may be."""
    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Event):
    """The session is parked until a job ends."""

    type: Literal["waiting"] = field(default="waiting", init=False)
    waits: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(Event):
    """The turn failed; `message` says why and what to do."""

    type: Literal["error"] = field(default="error", init=False)
    error: str
    exit_code: int = 1
    """What the command would end with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(Event):
    """The turn was stopped by the user, a signal or a time limit."""

    type: Literal["interrupted"] = field(default="interrupted", init=False)
    reason: str = "user"


Status = Literal["done", "failed", "limit", "stuck", "interrupted"]
"""How a turn ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnComplete(Event):
    """The turn is over, however it ended."""

    type: Literal["turn_complete"] = field(default="turn_complete", init=False)
    status: Status
    final_response: str | None
    history_size: int
    iterations: int
    usage: dict[str, float]
    """Tokens and dollars of the session so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoComplete(Event):
    """Turns were taken back, or brought back again."""

    type: Literal["undo_complete"] = field(default="undo_complete", init=False)
    turns: int
    redo: bool = False
    restored: list[str] = field(default_factory=list)
    """Files that are again as they were."""
    conflicts: list[str] = field(default_factory=list)
    """Files left alone, because they were changed since."""
    not_covered: list[str] = field(default_factory=list)
    """What changed and was not remembered, with the reason."""
    elsewhere: list[str] = field(default_factory=list)
    """Calls of these turns whose effects outside the files stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown(Event):
    """The session is saved and closed."""

    type: Literal["shutdown"] = field(default="shutdown", init=False)
