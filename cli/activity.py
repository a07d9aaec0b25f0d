"""What is under way, folded from the events of a turn: pure, the time is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len, set_cell_size

from ml_intern.cli.render import retry_line, summary
from ml_intern.cli.safe import safe
from ml_intern.graph import events as ev

Line = tuple[str, str]
"""Style and text."""

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_A_SECOND = 8
_CALLS = 5
"""Running calls that get a line each."""
_QUEUED = 3
"""Queued messages that do."""


@dataclass
class Running:
    """A tool call under way."""

    name: str
    about: str
    since: float
    last: str = ""
    """The newest line it printed."""


@dataclass
class Activity:
    """A turn under way; `since` is None between turns. Times are in seconds of any one clock."""

    since: float | None = None
    calls: dict[str, Running] = field(default_factory=dict)
    queued: list[str] = field(default_factory=list)
    """Messages that wait for the next step."""
    asking: bool = False
    _about: dict[str, str] = field(default_factory=dict)
    _retry: ev.Retry | None = None
    _retry_at: float = 0.0
    _tokens: int = 0
    _dollars: float = 0.0
    _writing: bool = False

    def begin(self, now: float) -> None:
        """A turn begins."""
        self.since, self.asking, self.calls = now, False, {}
        self._retry, self._tokens, self._dollars, self._writing = None, 0, 0.0, False

    def end(self) -> None:
        """Nothing is under way any more."""
        self.since, self.asking = None, False
        self.calls.clear()

    def note(self, event: ev.Event, now: float) -> None:
        """Take in an event."""
        if not isinstance(event, ev.ToolLog):
            self._retry = None
        match event:
            case ev.Retry(wait_seconds=wait):
                self._retry, self._retry_at = event, now + wait
            case ev.AssistantChunk():
                self._writing = True
            case ev.AssistantStreamEnd():
                self._writing = False
            case ev.Processing(message=message) if message in self.queued:
                self.queued.remove(message)
            case ev.Usage():
                self._tokens += event.input_tokens + event.output_tokens
                self._dollars += event.cost_usd or 0.0
            case ev.ToolCall() | ev.ToolStateChange() | ev.ToolLog() | ev.ToolOutput():
                self._note_call(event, now)

    def know(self, call_id: str, arguments: Mapping[str, Any]) -> None:
        """What a call is about, also one of an earlier run."""
        self._about[call_id] = summary(arguments)

    def _note_call(
        self, event: ev.ToolCall | ev.ToolStateChange | ev.ToolLog | ev.ToolOutput, now: float
    ) -> None:
        call_id = event.tool_call_id
        match event:
            case ev.ToolCall():
                self.know(call_id, event.arguments)
            case ev.ToolStateChange(state="running"):
                self.calls[call_id] = Running(event.tool, self._about.pop(call_id, ""), now)
            case ev.ToolStateChange(state="done" | "failed" | "cancelled") | ev.ToolOutput():
                self.calls.pop(call_id, None)
            case ev.ToolLog() if call_id in self.calls:
                self.calls[call_id].last = event.log

    def lines(self, now: float, width: int) -> list[Line]:
        """What to show at `now`, no line wider than `width` columns."""
        if self.since is None:
            return []
        status = [] if self.asking else [self._status(now, width)]
        made = [*self._calls(now), *self._queued(), *status]
        return [(style, _fitted(text, width)) for style, text in made]

    def _calls(self, now: float) -> Iterator[Line]:
        running = list(self.calls.values())
        for call in running[:_CALLS]:
            last = " ".join(safe(call.last).split())
            head = f"  ▸ {safe(call.name)} {call.about}".rstrip()
            yield "class:call", f"{head} · {_elapsed(now - call.since)}"
            if last:
                yield "class:last", f"    ┆ {last}"
        if (more := len(running) - _CALLS) > 0:
            yield "class:call", f"  … and {more} more"

    def _queued(self) -> Iterator[Line]:
        for text in self.queued[:_QUEUED]:
            yield "class:queued", f"  queued: {' '.join(safe(text).split())}"
        if (more := len(self.queued) - _QUEUED) > 0:
            yield "class:queued", f"  … and {more} more"

    def _status(self, now: float, width: int) -> Line:
        if self._retry:
            left = max(0.0, self._retry_at - now)
            return "class:retry", retry_line(self._retry, left, width - 1)
        assert self.since is not None
        frame = _FRAMES[int((now - self.since) * _FRAMES_A_SECOND) % len(_FRAMES)]
        parts = [self._doing(), _elapsed(now - self.since)]
        if self._tokens:
            parts.append(f"{_short(self._tokens)} tokens")
        if self._dollars:
            parts.append(f"${self._dollars:.4f}")
        return "class:status", f"{frame} {' · '.join([*parts, 'Esc stops'])}"

    def _doing(self) -> str:
        if self.calls:
            return "running"
        return "writing" if self._writing else "thinking"


def _elapsed(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return (
        f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
    )


def _short(number: int) -> str:
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 1_000_000 else f"{number / 1_000_000:.2f}M"


def _fitted(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"
