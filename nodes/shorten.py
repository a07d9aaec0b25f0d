"""Climbs down the ladder of `policies/compaction.py` until a history fits, losing nothing for good.

Outputs are spilled to files and messages put into the archive before they leave the history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from langchain_core.messages import AnyMessage, ToolMessage

from ml_intern.graph.context import RunOptions
from ml_intern.graph.state import AgentState
from ml_intern.llm.factory import Model
from ml_intern.llm.tokens import MARGIN, context_size, count_messages, count_text
from ml_intern.nodes.deps import Deps, Emit
from ml_intern.nodes.policies import compaction as ladder
from ml_intern.nodes.policies.archived import archived_batches, archived_marking, batch_of
from ml_intern.nodes.policies.clipping import clip_to
from ml_intern.nodes.policies.marks import mark_of
from ml_intern.nodes.policies.pinned import pinned, pinned_text, within
from ml_intern.nodes.summary import summary_of
from ml_intern.tools.output import save_once

Messages = list[AnyMessage]
Step = Callable[[], Iterable[Messages]]
"""Versions of a history, ever shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One compaction."""

    state: AgentState
    options: RunOptions
    deps: Deps
    model: Model
    """The one that the history must fit."""
    room: ladder.Room
    emit: Emit

    @property
    def messages(self) -> Messages:
        """The history as it is."""
        return self.state["messages"]


async def shorten(job: Job, *, summarise: bool) -> tuple[Messages | None, Mapping[str, float]]:
    """A history that fits, and the usage with its summary paid; None if there is no such history.

    `summarise` skips what would do without a summary: someone asked for one.

    Raises:
        ModelError: no summary could be had.
    """
    usage: Mapping[str, float] = job.state.get("usage", {})
    start = await asyncio.to_thread(_tail, job)
    kept = None if summarise else await _try(job, [partial(_pointed, job, start)])
    if kept is None:
        summary = await summary_of(job.messages[:start], job.model, job.options, job.deps,
                                   usage, job.emit)  # fmt: skip
        usage = summary.usage
        kept = await _descend(job, start, summary.text)
    return (await _archived(job, kept) if kept else None), usage


async def _descend(job: Job, start: int, summary: str) -> Messages | None:
    """The steps from the summary on; without one, all that fits is kept."""
    base = await asyncio.to_thread(_rebuilt, job, start, summary)
    spilled = partial(_spilled, job.deps.spill)
    steps: list[Step] = [] if summary else [partial(ladder.thinned, job.messages, spilled)]
    steps += [lambda: [base], partial(ladder.thinned, base, spilled), partial(ladder.cut, base)]
    return await _try(job, steps)


async def _try(job: Job, steps: Sequence[Step]) -> Messages | None:
    """The first version below the target."""

    def first() -> Messages | None:
        for versions in steps:
            for version in versions():
                slim = [ladder.slimmed(message) for message in version]
                if context_size(slim, int(job.room.fixed / MARGIN)) <= job.room.target:
                    return slim
        return None

    return await asyncio.to_thread(first)


def _tail(job: Job) -> int:
    sizes = [count_messages([message]) for message in job.messages]
    return ladder.tail_start(job.messages, sizes, int(job.room.free * ladder.TAIL_SHARE))


def _pointed(job: Job, start: int) -> list[Messages]:
    """Worth its own step only if something before the tail can be spilled."""
    if not any(ladder.is_large(message) for message in job.messages[:start]):
        return []
    return [ladder.pointed(job.messages, partial(_spilled, job.deps.spill), start)]


def _rebuilt(job: Job, start: int, summary: str) -> Messages:
    """First message, what is pinned, summary, tail."""
    free, gone = job.room.free, job.messages[:start]
    first = ladder.first_of(gone)
    editors = {name for name, spec in job.deps.tools.items() if spec.risk == "edit"}
    block = pinned([message for message in gone if message is not first], editors)
    block = within(block, int(free * ladder.SAID_SHARE), count_text)
    short = clip_to(summary, int(free * ladder.SUMMARY_SHARE), count_text)
    parts = (pinned_text(block, job.state.get("plan", [])), short)
    head = ladder.clipped(first, int(free * ladder.FIRST_SHARE), count_text) if first else None
    body = ladder.replacement("\n\n".join(filter(None, parts)), block.marking())
    return [*([head] if head else []), body, *job.messages[start:]]


def _spilled(folder: Path, message: AnyMessage) -> str:
    """The file that holds an output whole, written now unless it was when it was clipped."""
    assert isinstance(message, ToolMessage)
    path = folder / f"{message.tool_call_id}.txt"
    try:
        save_once(str(message.text), path)
    except OSError:
        return "could not be saved"
    return str(path)


async def _archived(job: Job, kept: Messages) -> Messages:
    """`kept`, all that is not in it put away first, and said where."""
    left = {message.id: _said(message) for message in kept}
    gone = [m for m in job.messages if mark_of(m) != "summary" and left.get(m.id) != _said(m)]
    if not (gone and job.deps.archive):
        return kept
    batch = batch_of(gone)
    await job.deps.archive.keep(batch, gone)
    marking = archived_marking([*archived_batches(job.messages), batch])
    place = _carrier(kept, {message.id for message in gone})
    extra = {**kept[place].additional_kwargs, **marking}
    carrier = kept[place].model_copy(update={"additional_kwargs": extra})
    return [*kept[:place], carrier, *kept[place + 1 :]]


def _said(message: AnyMessage) -> tuple[str, object]:
    return str(message.text), getattr(message, "tool_calls", None)


def _carrier(kept: Messages, gone: Collection[str | None]) -> int:
    """Where the message is that names the batches: the summary, else the first that was changed."""
    summary = next((i for i, m in enumerate(kept) if mark_of(m) == "summary"), None)
    if summary is not None:
        return summary
    return next(i for i, m in enumerate(kept) if m.id in gone)
