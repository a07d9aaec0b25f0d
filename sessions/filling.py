"""How full the model's window is."""

from __future__ import annotations

from dataclasses import dataclass

from ml_intern.nodes.sizes import request_size
from ml_intern.sessions.attachment import Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """The next request against the window it has to fit into, in tokens."""

    model: str
    tokens: int
    window: int
    limit: int
    """Above it, the history is compacted before the request."""
    messages: int


async def measure(at: Attachment) -> Filling:
    """Count the next request.

    Raises:
        MlInternError: the model cannot be had, so its window is not known.
    """
    model, state = await at.deps.model(at.options.model), await at.state()
    messages = state.get("messages", [])
    window = min(model.window, state.get("windows", {}).get(model.name, model.window))
    return Filling(
        model=model.name,
        tokens=await request_size(messages, at.deps),
        window=window,
        limit=int(window * at.deps.settings.compact_at),
        messages=len(messages),
    )
