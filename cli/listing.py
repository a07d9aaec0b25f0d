"""How each session stands, truly: the index holds a hint, which a killed process leaves wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from ml_intern.checkpoints.threads import Thread
from ml_intern.graph.state import AgentState, turn_of
from ml_intern.sessions.opening import Sessions

Standing = Literal["finished", "waiting", "interrupted", "running", "damaged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A session in the list."""

    thread: Thread
    state: Standing
    holder: str
    """Who has it open ("process 4711 on host gpu-1, since 09:30"); "" for nobody."""
    size: int
    """Bytes of its checkpoints."""

    @property
    def cost(self) -> float:
        """Dollars, as far as they are known."""
        return float(self.thread.usage.get("cost_usd", 0.0))

    @property
    def unpriced(self) -> int:
        """Model calls of unknown price."""
        return int(self.thread.usage.get("unpriced_calls", 0))

    def wire(self) -> dict[str, Any]:
        """For `--json`."""
        thread = self.thread
        return {
            "id": thread.id,
            "title": thread.title,
            "state": self.state,
            "holder": self.holder or None,
            "folder": thread.cwd,
            "created": thread.created,
            "updated": thread.updated,
            "turns": thread.turns,
            "cost_usd": round(self.cost, 6),
            "unpriced_calls": self.unpriced,
            "usage": dict(thread.usage),
            "bytes": self.size,
            "options": dict(thread.options),
        }


async def entries(sessions: Sessions, threads: Iterable[Thread]) -> list[Entry]:
    """What the list shows of these sessions, in their order."""
    return [await _entry(sessions, thread) for thread in threads]


async def _entry(sessions: Sessions, thread: Thread) -> Entry:
    holder = await sessions.database.held(thread.id)
    state = await standing(sessions, thread, bool(holder))
    size = await sessions.database.size(thread.id)
    if state != "damaged" and (turns := await sessions.look(thread).uncounted()):
        thread = replace(thread, turns=turns)
    return Entry(thread=thread, state=state, holder=holder, size=size)


async def standing(sessions: Sessions, thread: Thread, held: bool) -> Standing:
    """How the newest turn of a session stands."""
    if thread.state and not (thread.state == "running" and not held):
        return thread.state
    try:
        snapshot = await sessions.look(thread).snapshot()
    except Exception:  # noqa: BLE001 - a damaged row fails in any way there is
        return "damaged"
    if snapshot.interrupts:
        return "waiting"
    if snapshot.tasks:
        return "running" if held else "interrupted"
    stopped = turn_of(cast(AgentState, snapshot.values))["stop"] in ("failed", "interrupted")
    return "interrupted" if stopped else "finished"
