"""What a headless run came to: the object that `--output-format json` prints, and the exit code."""

from __future__ import annotations

from typing import Any

from ml_intern.cli.result import COUNTS, EXITS, blank
from ml_intern.configs.errors import Exit
from ml_intern.graph import events as ev
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.nodes.policies.history import answer_so_far
from ml_intern.nodes.policies.marks import mark_of


class Report:
    """Gathers, event by event, what the result needs besides the state."""

    def __init__(self, session_id: str | None) -> None:
        self.session_id = session_id
        self.status = "failed"
        self.error = ""
        self.denials: list[dict[str, Any]] = []
        self.waits: list[dict[str, Any]] = []
        self._failure = Exit.FAILED
        self._calls: dict[str, dict[str, Any]] = {}
        self._said = ""
        """Text that no message of the state holds: it is being streamed, or was cut off."""
        self._cut = False
        self._notice = ""

    def note(self, event: ev.Event) -> None:
        """Take in an event."""
        match event:
            case ev.ToolCall(tool_call_id=call_id, arguments=arguments):
                self._calls[call_id] = arguments
            case ev.ToolStateChange(state="denied" | "rejected"):
                self._deny(event)
            case ev.Error(error=error, exit_code=code):
                self.error, self._failure = error, Exit(code)
            case ev.Waiting(waits=waits):
                self.status, self.waits = "parked", waits
            case ev.AssistantChunk() | ev.AssistantStreamEnd():
                self._listen(event)
            case _:
                self._note_ending(event)
        self._notice = event.message if isinstance(event, ev.Notice) else ""

    def _listen(self, event: ev.AssistantChunk | ev.AssistantStreamEnd) -> None:
        if isinstance(event, ev.AssistantStreamEnd):
            self._cut = True
            self._said = self._said if event.partial else ""
        else:
            self._said = event.content if self._cut else self._said + event.content
            self._cut = False

    def _note_ending(self, event: ev.Event) -> None:
        match event:
            case ev.Interrupted(reason=reason):
                self.status = "interrupted" if reason == "user" else reason
            case ev.TurnComplete(status="interrupted") if self.status == "failed":
                self.status = "interrupted"
            case ev.TurnComplete(status=status) if status != "interrupted":
                self.status = "denied" if status == "done" and self.denials else status
                if status in ("limit", "stuck"):  # the reason is what was noticed last
                    self.error = self.error or self._notice

    @property
    def exit_code(self) -> int:
        """How the command ends."""
        return int(self._failure if self.status == "failed" else EXITS[self.status])

    def result(
        self, state: AgentState, seconds: float, *, turns: int = 0, budget: float | None = None
    ) -> dict[str, Any]:
        """The object, complete; `turns` are the session's."""
        usage = state.get("usage", {})
        return {
            **blank(self.exit_code, self.error or None, self.session_id),
            "status": self.status,
            "result": self._answer(state),
            "usage": {key: int(usage.get(key, 0)) for key in COUNTS},
            "cost": {
                "llm_usd": round(usage.get("cost_usd", 0.0), 6),
                "unpriced_calls": int(usage.get("unpriced_calls", 0)),
                "budget_usd": budget,
                "compaction_usd": round(usage.get("compaction_usd", 0.0), 6),
            },
            "num_turns": turns,
            "iterations": turn_of(state)["iterations"],
            "permission_denials": self.denials,
            "waits": self.waits,
            "duration_ms": round(seconds * 1000),
        }

    def _answer(self, state: AgentState) -> str | None:
        """The newest text of the turn, finished or not."""
        messages = state.get("messages", [])
        answer = answer_so_far(messages)
        if not self._said.strip():
            return answer
        goes_on = bool(messages) and mark_of(messages[-1]) == "stall"
        return f"{answer or ''}{self._said}" if goes_on else self._said

    def _deny(self, event: ev.ToolStateChange) -> None:
        self.denials.append(
            {
                "tool": event.tool,
                "tool_call_id": event.tool_call_id,
                "arguments": self._calls.get(event.tool_call_id, {}),
                "reason": event.reason,
            }
        )
