"""The whole conversation, as `recall` is given it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A message of the conversation."""

    number: int
    who: str
    """"user", "you", "result of bash" and the like."""
    text: str
    """Its text and its calls, whole."""
    in_view: bool
    """Whether it is still in the model's context, whole."""
    matched: int = 0
    """How many of the words that were searched for it has."""


class History(Protocol):
    """A conversation's messages, numbered from 1 in their order."""

    @property
    def archived(self) -> int:
        """How many of them are no longer in the model's context, or not whole."""
        ...

    @property
    def total(self) -> int:
        """How many there are."""
        ...

    async def search(self, words: Sequence[str], limit: int) -> Sequence[Passage]:
        """Those with the most of the words, at most `limit`.

        Among equals those that are not in view come first, then the newest.
        """
        ...

    async def read(self, first: int, last: int) -> Sequence[Passage]:
        """Those of these numbers, as many as there are."""
        ...

    async def requests(self) -> Sequence[Passage]:
        """Those that the user wrote, oldest first."""
        ...


async def nothing_archived() -> History | None:
    """Where no archive is."""
    return None
