"""What a headless run came to: the object that `--output-format json` prints, and the exit code."""

from __future__ import annotations

from typing import Any

from ml_intern.configs.errors import Exit, MlInternError
from ml_intern.graph import events as ev
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.policies.history import answer_so_far

SCHEMA_VERSION = 1

_COUNTS = (
    "calls", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
)  # fmt: skip
_EXITS = {
    "done": Exit.DONE,
    "denied": Exit.DENIED,
    "failed": Exit.FAILED,
    "limit": Exit.LIMIT,
    "stuck": Exit.STUCK,
    "interrupted": Exit.INTERRUPTED,
    "terminated": Exit.TERMINATED,
    "timeout": Exit.TIMEOUT,
}


class Report:
    """Gathers, event by event, what the result needs besides the state."""

    def __init__(self, session_id: str | None) -> None:
        self.session_id = session_id
        self.status = "failed"
        self.error = ""
        self.denials: list[dict[str, Any]] = []
        self._failure = Exit.FAILED
        self._calls: dict[str, dict[str, Any]] = {}

    @classmethod
    def of_error(cls, error: MlInternError) -> dict[str, Any]:
        """The object of a run that never began."""
        report = cls(session_id=None)
        report.error, report._failure = str(error), error.exit
        return report.result({}, 0.0)

    def note(self, event: ev.Event) -> None:
        """Take in an event."""
        match event:
            case ev.ToolCall(tool_call_id=call_id, arguments=arguments):
                self._calls[call_id] = arguments
            case ev.ToolStateChange(state="denied" | "rejected"):
                self._deny(event)
            case ev.Error(error=error, exit_code=code):
                self.error, self._failure = error, Exit(code)
            case ev.Interrupted(reason=reason):
                self.status = "interrupted" if reason == "user" else reason
            case ev.TurnComplete(status="interrupted") if self.status == "failed":
                self.status = "interrupted"
            case ev.TurnComplete(status=status) if status != "interrupted":
                self.status = "denied" if status == "done" and self.denials else status

    def result(
        self, state: AgentState, seconds: float, *, turns: int = 0, budget: float | None = None
    ) -> dict[str, Any]:
        """The object, complete; `turns` are the session's."""
        messages, usage = state.get("messages", []), state.get("usage", {})
        return {
            "schema_version": SCHEMA_VERSION,
            "session_id": self.session_id,
            "status": self.status,
            "exit_code": int(self._failure if self.status == "failed" else _EXITS[self.status]),
            "result": answer_so_far(messages),
            "error": self.error or None,
            "usage": {key: int(usage.get(key, 0)) for key in _COUNTS},
            "cost": {
                "llm_usd": round(usage.get("cost_usd", 0.0), 6),
                "unpriced_calls": int(usage.get("unpriced_calls", 0)),
                "budget_usd": budget,
                "compaction_usd": round(usage.get("compaction_usd", 0.0), 6),
            },
            "num_turns": turns,
            "iterations": turn_of(state)["iterations"],
            "permission_denials": self.denials,
            "jobs": [],
            "waits": [],
            "duration_ms": round(seconds * 1000),
        }

    def _deny(self, event: ev.ToolStateChange) -> None:
        self.denials.append(
            {
                "tool": event.tool,
                "tool_call_id": event.tool_call_id,
                "arguments": self._calls.get(event.tool_call_id, {}),
                "reason": event.reason,
            }
        )
