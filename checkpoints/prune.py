"""Deletes checkpoints without breaking what the others are rebuilt from.

Most checkpoints do not hold the messages: those are the nearest snapshot among the ancestors, plus
what was written since (a `DeltaChannel`). Where a checkpoint loses its parent, it is given a
snapshot of its own first, and becomes the end of that walk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from ml_intern.checkpoints.settled import settled
from ml_intern.graph.state import messages_reducer

REDUCERS: Mapping[str, Callable[[Any, Sequence[Any]], Any]] = {"messages": messages_reducer}
"""The graph's delta channels: a saver sees their names and writes, but not how they are folded."""

Parents = Mapping[str, str | None]
"""The checkpoints of one namespace: each one's parent, by id."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A checkpoint that stays while its parent goes."""

    parent: str | None
    """The nearest ancestor that stays."""
    saved: CheckpointTuple
    snapshots: Mapping[str, _DeltaSnapshot]
    """By channel: what it can no longer be rebuilt from."""

    @property
    def id(self) -> str:
        """The checkpoint's."""
        return self.saved.checkpoint["id"]

    @property
    def metadata(self) -> CheckpointMetadata:
        """Counts anew from the snapshots."""
        metadata = self.saved.metadata.copy()
        for name in self.snapshots:
            metadata.get("counters_since_delta_snapshot", {}).pop(name, None)
        return metadata


_PARENTS = (
    "SELECT checkpoint_ns, checkpoint_id, parent_checkpoint_id FROM checkpoints WHERE thread_id = "
)


class PruningSaver(BaseCheckpointSaver[str]):
    """What the savers of both databases share; `rows`, `_of_runs`, `_remove` are theirs."""

    mark = "?"
    """What stands for a value in a query."""

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keep only the newest checkpoint of each thread ("keep_latest"), or none ("delete")."""
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(f"unknown strategy: {strategy!r}")
        for thread_id in thread_ids:
            if strategy == "delete":
                await self.adelete_thread(thread_id)
                continue
            for ns, parents in (await self._namespaces(thread_id)).items():
                await self._drop(thread_id, ns, parents, set(parents) - {max(parents)})

    async def aprune_before(self, thread_id: str, oldest: str) -> None:
        """Delete a thread's checkpoints that are older than `oldest`, which it must have."""
        namespaces = await self._namespaces(thread_id)
        if any(oldest in parents for parents in namespaces.values()):
            for ns, parents in namespaces.items():
                await self._drop(thread_id, ns, parents, older(parents, oldest))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that these runs made; later ones stay readable."""
        for (thread_id, ns), doomed in (await self._of_runs(run_ids)).items():
            parents = (await self._namespaces(thread_id))[ns]
            await self._drop(thread_id, ns, parents, doomed)

    async def _drop(self, thread: str, ns: str, parents: Parents, doomed: Collection[str]) -> None:
        if doomed:
            orphans = adopted(parents, doomed).items()
            cuts = [await self._cut(thread, ns, id_, parent) for id_, parent in orphans]
            await settled(self._remove(thread, ns, doomed, cuts))

    async def _cut(self, thread: str, ns: str, id_: str, parent: str | None) -> Cut:
        where = {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": id_}
        config: RunnableConfig = {"configurable": where}
        saved = await self.aget_tuple(config)
        if saved is None:
            raise LookupError(f"checkpoint {id_} of thread {thread} went away")
        histories = await self.aget_delta_channel_history(config=config, channels=absent(saved))
        snapshots = {name: folded(name, history) for name, history in histories.items()}
        return Cut(parent, saved, snapshots)

    async def _namespaces(self, thread_id: str) -> Mapping[str, Parents]:
        """A thread's checkpoints."""
        found: dict[str, dict[str, str | None]] = defaultdict(dict)
        for ns, id_, parent in await self.rows(f"{_PARENTS}{self.mark}", (thread_id,)):
            found[ns][id_] = parent
        return found

    async def rows(self, query: str, values: Sequence[Any]) -> list[Any]:
        """The rows of a query."""
        raise NotImplementedError

    async def _of_runs(self, run_ids: Sequence[str]) -> Mapping[tuple[str, str], Collection[str]]:
        """The checkpoints that runs made, by thread and namespace."""
        raise NotImplementedError

    async def _remove(
        self, thread: str, ns: str, doomed: Collection[str], cuts: Sequence[Cut]
    ) -> None:
        """Rewrite the cuts and delete the doomed, in one transaction."""
        raise NotImplementedError


def older(parents: Parents, oldest: str) -> set[str]:
    """Those before `oldest`, but never a namespace's newest, which is its state."""
    return {id_ for id_ in parents if id_ < oldest} - {max(parents)}


def adopted(parents: Parents, doomed: Collection[str]) -> dict[str, str | None]:
    """Those that stay while their parent goes, with their nearest ancestor that stays."""
    kept = (id_ for id_ in parents if id_ not in doomed)
    return {id_: _ancestor(parents, doomed, id_) for id_ in kept if parents[id_] in doomed}


def _ancestor(parents: Parents, doomed: Collection[str], id_: str) -> str | None:
    left = {*doomed}  # Each is passed once: a chain that was made a loop ends.
    found = parents[id_]
    while found in left:
        left.discard(found)
        found = parents.get(found)
    return None if found in doomed else found


def absent(saved: CheckpointTuple) -> list[str]:
    """The delta channels a checkpoint does not hold, though they have been written.

    Raises:
        NotImplementedError: there is one that we do not know how to fold.
    """
    values, versions = saved.checkpoint["channel_values"], saved.checkpoint["channel_versions"]
    names = {*REDUCERS} | {*saved.metadata.get("counters_since_delta_snapshot", {})}
    found = sorted(name for name in names if name in versions and name not in values)
    if strange := [name for name in found if name not in REDUCERS]:
        raise NotImplementedError(f"delta channels of another graph: {', '.join(strange)}")
    return found


def folded(name: str, history: DeltaChannelHistory) -> _DeltaSnapshot:
    """A channel's value, put together as LangGraph does it."""
    empty = DeltaChannel(REDUCERS[name], list)
    channel = empty.from_checkpoint(history.get("seed", _DeltaSnapshot([])))
    channel.replay_writes(history["writes"])
    return _DeltaSnapshot(channel.get())
