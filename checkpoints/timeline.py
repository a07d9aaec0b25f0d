"""The turns of a session: where each began, so that undo, redo and fork can go there.

The history in the database only grows: to go back means to write the older values anew as the
newest checkpoint. What stands here decides which.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from ml_intern.checkpoints.database import Database, Row, Statement

_SPANS = 1_000_000
"""Records of changed files a turn may have: one for each step that runs calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """A turn that can be undone, or was."""

    number: int
    """Never given twice in a session."""
    before: str
    """Id of the checkpoint it began at; "" for an empty thread."""
    after: str
    """Id of the checkpoint an undone one had ended with."""
    title: str
    undone: bool
    spans: int

    @property
    def snapshots(self) -> list[int]:
        """The numbers its records of changed files go by, oldest first."""
        return [self.number * _SPANS + span for span in range(1, self.spans + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An undo or redo: stored before it begins, so that one cut off by a crash is completed."""

    kind: Literal["undo", "redo"]
    numbers: list[int]
    """The turns, oldest first."""
    snapshots: list[int]
    target: str
    """Id of the checkpoint whose values become the newest; "" for an empty thread."""
    head: str
    """Id of the checkpoint that was the newest."""


def plan_undo(turns: Sequence[TurnRecord], count: int, head: str) -> Move | None:
    """Take back the newest `count` turns, or as many as there are; None if there is none.

    One that begins at the head never had its message stored.
    """
    chosen = [turn for turn in turns if not turn.undone and turn.before != head][-count:]
    return _move("undo", chosen, chosen[0].before, head) if chosen else None


def plan_redo(turns: Sequence[TurnRecord], count: int, head: str) -> Move | None:
    """Bring back the `count` turns undone last; None if there is none."""
    chosen = [turn for turn in turns if turn.undone][:count]
    return _move("redo", chosen, chosen[-1].after, head) if chosen else None


def _move(
    kind: Literal["undo", "redo"], chosen: Sequence[TurnRecord], target: str, head: str
) -> Move:
    return Move(
        kind=kind,
        numbers=[turn.number for turn in chosen],
        snapshots=[number for turn in chosen for number in turn.snapshots],
        target=target,
        head=head,
    )


_UNBORN = "DELETE FROM turns WHERE session = ? AND before = ? AND undone = 0"
_BEGIN = (
    "INSERT INTO turns (session, number, before, title) VALUES (?, "
    "(SELECT coalesce(max(number), 0) + 1 FROM turns WHERE session = ?), ?, ?)"
)


_FORGET_UNDONE = "DELETE FROM turns WHERE session = ? AND undone = 1"


class Timeline:
    """The turns of one session; its one writer is whoever holds the session."""

    def __init__(self, database: Database, session_id: str) -> None:
        self._database = database
        self._session = session_id

    async def turns(self) -> list[TurnRecord]:
        """Every turn on record, oldest first: those that hold, then those undone."""
        query = (
            "SELECT number, before, after, title, undone, spans FROM turns "
            "WHERE session = ? ORDER BY number"
        )
        return [_record(row) for row in await self._database.fetch(query, self._session)]

    async def begin(self, before: str, title: str) -> list[int]:
        """A turn begins; the snapshots of undone ones, which can no longer be redone."""
        turns = await self.turns()
        # One that a crash kept from having its message left no checkpoint behind.
        unborn = any(turn.before == before and not turn.undone for turn in turns)
        await self._database.write(
            (_UNBORN, (self._session, before)),
            (_BEGIN, (self._session, self._session, before, title)),
            (_FORGET_UNDONE, (self._session,)),
            self._count(0 if unborn else 1),
        )
        return _undone(turns)

    async def span(self) -> int:
        """The newest turn is about to change files: the number of the record of that.

        0 if the turn is not on record: it began before there was one (schema 1).
        """
        turns = [turn for turn in await self.turns() if not turn.undone]
        if not turns:
            return 0
        turn = turns[-1]
        statement = "UPDATE turns SET spans = spans + 1 WHERE session = ? AND number = ?"
        await self._database.write((statement, (self._session, turn.number)))
        return turn.number * _SPANS + turn.spans + 1

    async def forget_undone(self) -> list[int]:
        """The session goes another way: what was undone cannot be redone. Their records."""
        turns = await self.turns()
        if any(turn.undone for turn in turns):
            await self._database.write((_FORGET_UNDONE, (self._session,)))
        return _undone(turns)

    async def forget_unborn(self, head: str) -> None:
        """Drop a turn that a crash kept from having its message: it begins at the head."""
        if any(t.before == head and not t.undone for t in await self.turns()):
            await self._database.write((_UNBORN, (self._session, head)), self._count(-1))

    async def pending(self) -> Move | None:
        """The move that was begun and not finished."""
        query = "SELECT move FROM sessions WHERE id = ?"
        rows = await self._database.fetch(query, self._session)
        return Move(**json.loads(rows[0][0])) if rows and rows[0][0] else None

    async def add(self, turns: int) -> None:
        """Count turns that are not on record."""
        await self._database.write(self._count(turns))

    async def abandon(self) -> None:
        """Forget the move that was begun."""
        await self._database.write(self._moving(""))

    async def intend(self, move: Move) -> None:
        """Note a move that is about to be made."""
        await self._database.write(self._moving(json.dumps(asdict(move))))

    async def finish(self, move: Move) -> None:
        """Note that it was made."""
        undone = move.kind == "undo"
        marks: list[Statement] = [
            (
                "UPDATE turns SET undone = ?, after = ? WHERE session = ? AND number = ?",
                (int(undone), after, self._session, number),
            )
            for number, after in zip(move.numbers, await self._ends(move), strict=True)
        ]
        count = len(move.numbers)
        await self._database.write(
            *marks, self._moving(""), self._count(-count if undone else count)
        )

    async def _ends(self, move: Move) -> list[str]:
        """Where each of the move's turns had ended: where the next one began."""
        begins = {turn.number: turn.before for turn in await self.turns()}
        return [*(begins.get(number, "") for number in move.numbers[1:]), move.head]

    def _count(self, more: int) -> Statement:
        return ("UPDATE sessions SET turns = turns + ? WHERE id = ?", (more, self._session))

    def _moving(self, text: str) -> Statement:
        return ("UPDATE sessions SET move = ? WHERE id = ?", (text, self._session))

    async def drop(self, keep: int, slack: int = 0) -> tuple[str, list[int]]:
        """Forget all but the newest `keep` turns; with `slack`, only if there are that many more.

        Undone ones do not count, and stay: redo goes through them one by one.

        Returns:
            The id of the oldest checkpoint still needed ("": all are), and the snapshots that
            belong to nothing now.
        """
        held = [turn for turn in await self.turns() if not turn.undone]
        dropped, kept = held[:-keep], held[-keep:]
        if len(dropped) <= slack or await self.pending():
            return "", []
        statement = "DELETE FROM turns WHERE session = ? AND number < ?"
        await self._database.write((statement, (self._session, kept[0].number)))
        return kept[0].before, [number for turn in dropped for number in turn.snapshots]

    async def adopt(self, turns: Sequence[TurnRecord], count: int) -> None:
        """Take over turns of another session, which had `count` of them in all."""
        statement = (
            "INSERT INTO turns (session, number, before, title, spans) VALUES (?, ?, ?, ?, ?)"
        )
        rows: list[Statement] = [
            (statement, (self._session, t.number, t.before, t.title, t.spans)) for t in turns
        ]
        await self._database.write(*rows, self._count(count))


def _undone(turns: Sequence[TurnRecord]) -> list[int]:
    """The snapshots of those that were undone."""
    return [number for turn in turns if turn.undone for number in turn.snapshots]


def _record(row: Row) -> TurnRecord:
    number, before, after, title, undone, spans = row
    return TurnRecord(
        number=number, before=before, after=after, title=title, undone=bool(undone), spans=spans
    )
