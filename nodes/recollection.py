"""The conversation from its first message on: what is archived and what is in view."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from ml_intern.checkpoints.archive import Archive, Place
from ml_intern.checkpoints.wording import plain, searched
from ml_intern.nodes.policies.archived import archived_batches, ordered
from ml_intern.nodes.policies.marks import is_users, mark_of
from ml_intern.tools.history import History, Passage


async def recollect(archive: Archive | None) -> History | None:
    """The conversation as it stands now; None if nothing of it is archived."""
    if archive is None:
        return None
    live = await archive.current()
    batches = archived_batches(live)
    places = await archive.places(batches)
    return Recollection(archive, batches, places, live) if places else None


class Recollection:
    """A `tools.history.History`. What is archived later keeps its number."""

    def __init__(
        self,
        archive: Archive,
        batches: Sequence[str],
        places: Sequence[tuple[str, Place]],
        live: Sequence[AnyMessage],
    ) -> None:
        order = ordered([id_ for id_, _ in places], live)
        self._archive = archive
        self._batches = batches
        self._ids = [*order.before, *order.after]
        self._numbers = {id_: number for number, id_ in enumerate(self._ids, 1)}
        # The first time it was archived, a message was whole.
        self._places = dict(reversed(places))
        self._live = {m.id or "": m for m in live if (m.id or "") in self._numbers}
        self.archived = len(self._places)
        self.total = len(self._ids)

    async def search(self, words: Sequence[str], limit: int) -> Sequence[Passage]:
        """Those with the most of the words, those not in view and the newest first."""
        found = await self._archive.search(self._batches, words)
        matched = {id_: found[place] for id_, place in self._places.items() if place in found}
        matched |= await asyncio.to_thread(self._in_view, words)
        best = sorted(matched, key=lambda id_: self._rank(id_, matched[id_]))[:limit]
        messages = await self._whole(best)
        return [self._passage(id_, messages[id_], matched[id_]) for id_ in best if id_ in messages]

    async def read(self, first: int, last: int) -> Sequence[Passage]:
        """Those of these numbers, as many as there are."""
        wanted = self._ids[max(0, first - 1) : max(0, last)]
        messages = await self._whole(wanted)
        return [self._passage(id_, messages[id_]) for id_ in wanted if id_ in messages]

    async def requests(self) -> Sequence[Passage]:
        """Those that the user wrote, oldest first."""
        stored = await self._archive.asked(self._batches)
        messages = {**self._live, **_by_id(self._places, stored)}
        return [
            self._passage(id_, messages[id_])
            for id_ in self._ids
            if id_ in messages and is_users(messages[id_])
        ]

    def _rank(self, id_: str, matched: int) -> tuple[int, bool, int]:
        return -matched, id_ not in self._places, -self._numbers[id_]

    def _in_view(self, words: Sequence[str]) -> dict[str, int]:
        """How many of the words the messages have that are not archived; without those of none."""
        folded = [word.casefold() for word in words]
        texts = {id_: searched(m) for id_, m in self._live.items() if id_ not in self._places}
        scores = {id_: sum(word in text for word in folded) for id_, text in texts.items()}
        return {id_: score for id_, score in scores.items() if score}

    async def _whole(self, ids: Iterable[str]) -> dict[str, AnyMessage]:
        wanted = {id_: self._places[id_] for id_ in ids if id_ in self._places}
        stored = await self._archive.read(list(wanted.values()))
        return {**self._live, **_by_id(wanted, stored)}

    def _passage(self, id_: str, message: AnyMessage, matched: int = 0) -> Passage:
        return Passage(
            number=self._numbers[id_],
            who=_who(message),
            text=plain(message),
            in_view=id_ not in self._places,
            matched=matched,
        )


def _by_id(
    places: Mapping[str, Place], messages: Mapping[Place, AnyMessage]
) -> dict[str, AnyMessage]:
    return {id_: messages[place] for id_, place in places.items() if place in messages}


def _who(message: AnyMessage) -> str:
    if isinstance(message, ToolMessage):
        failed = ", failed" if message.status == "error" else ""
        return f"result of {message.name or 'a call'}{failed}"
    if isinstance(message, AIMessage):
        return "you"
    return "user" if is_users(message) else f"note ({mark_of(message) or message.type})"
