"""Climbs down the ladder of `policies/compaction.py` until a history fits, losing nothing for good.

Outputs are spilled to files and messages put into the archive before they leave the history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from langchain_core.messages import AnyMessage, ToolMessage

from ml_intern.configs.errors import MlInternError
from ml_intern.graph.context import RunOptions
from ml_intern.graph.state import AgentState
from ml_intern.llm.errors import ModelRefusedError
from ml_intern.llm.factory import Model
from ml_intern.llm.tokens import context_size, count_messages, count_text
from ml_intern.nodes.deps import Deps, Emit
from ml_intern.nodes.policies import compaction as ladder
from ml_intern.nodes.policies.archived import archived_batches, archived_marking, batch_of
from ml_intern.nodes.policies.clipping import clip_to
from ml_intern.nodes.policies.history import intact
from ml_intern.nodes.policies.marks import mark_of
from ml_intern.nodes.policies.pinned import pinned, pinned_text, within
from ml_intern.nodes.sizes import overhead
from ml_intern.nodes.summary import summary_of
from ml_intern.tools.output import save_once, visible

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
    size: int
    """Tokens of the next request as it is."""
    wished: bool
    """Someone asked for a summary, though the history fits."""
    usage: Mapping[str, float]
    """The session's, so far."""
    emit: Emit

    @property
    def messages(self) -> Messages:
        """The history as it is."""
        return self.state["messages"]

    @property
    def most(self) -> int:
        """What the result may take. A summary can be longer than a little that was said."""
        return min(self.room.target, self.size - 1)


class Shorter(NamedTuple):
    """What came of it."""

    messages: Messages | None
    """None: there is no history that fits."""
    usage: Mapping[str, float]
    """With the summary paid."""
    failure: MlInternError | None = None
    """Why there is no summary."""


async def shorten(job: Job) -> Shorter:
    """A history that fits. Where a summary is wished for, what would do without one is skipped."""
    start = await asyncio.to_thread(_tail, job)
    if not job.wished and (kept := await _try(job, [partial(_pointed, job, start)])):
        return Shorter(await _archived(job, kept), job.usage)
    summary = await summary_of(job.messages[:start], job.model, job.options, job.deps,
                               job.usage, job.emit)  # fmt: skip
    # A provider that refuses the text will refuse it again: no turn would ever go on.
    if summary.failure and (job.wished or not isinstance(summary.failure, ModelRefusedError)):
        return Shorter(None, summary.usage, summary.failure)
    kept = await _descend(job, start, summary.text)
    return Shorter(await _archived(job, kept) if kept else None, summary.usage)


async def _descend(job: Job, start: int, summary: str) -> Messages | None:
    """The steps from the summary on; without one, all that fits is kept."""
    base = await asyncio.to_thread(_rebuilt, job, start, summary)
    spilled = partial(_spilled, job.deps.spill)
    steps: list[Step] = [] if summary else [partial(ladder.thinned, job.messages, spilled)]
    steps += [lambda: [base], partial(ladder.thinned, base, spilled), partial(ladder.cut, base)]
    return await _try(job, steps)


async def _try(job: Job, steps: Sequence[Step]) -> Messages | None:
    """The first version that is short enough, no call of it apart from its result."""

    def first() -> Messages | None:
        for versions in steps:
            for version in versions():
                slim = [ladder.slimmed(message) for message in version]
                size = context_size(slim, overhead(job.deps))
                if size <= job.most and intact(slim, job.messages):
                    return slim
        return None

    return await asyncio.to_thread(first)


def _tail(job: Job) -> int:
    sizes = [count_messages([message]) for message in job.messages]
    # Of a history that fits, the tail would otherwise be nearly all.
    room = min(job.room.free, sum(sizes)) if job.wished else job.room.free
    return ladder.tail_start(job.messages, sizes, int(room * ladder.TAIL_SHARE))


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
    body = ladder.replacement(
        "\n\n".join(filter(None, parts)), block.marking(), archived=job.deps.archive is not None
    )
    return [*([head] if head else []), body, *job.messages[start:]]


def _spilled(folder: Path, message: AnyMessage) -> str:
    """The file that holds an output whole, written now unless it was when it was clipped.

    Named by its content: call ids come again after an undo, and in the other threads of a server.
    """
    assert isinstance(message, ToolMessage)
    text, saved = str(message.text), folder / f"{message.tool_call_id}.txt"
    if visible(str(saved)) in text:
        return str(saved)
    path = folder / f"output-{sha256(text.encode(errors='backslashreplace')).hexdigest()[:16]}.txt"
    try:
        save_once(text, path)
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
