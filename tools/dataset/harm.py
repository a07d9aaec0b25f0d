"""What in the rows blocks training or spoils it, counted in the sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ml_intern.tools.dataset.conversation import Turn, broken
from ml_intern.tools.dataset.shape import Shape, Verdict
from ml_intern.tools.dataset.texts import TOKEN, duplicates, lengths

WINDOWS = (2_048, 8_192, 32_768)
"""Tokens of common limits on the length of an example."""
_ANSWERS_LAST = ("messages", "conversations", "conversation", "chosen", "rejected", "completion")


def harms(shape: Shape, verdicts: Sequence[Verdict]) -> list[str]:
    """One line for each harm to the columns that a method would train on."""
    used = dict.fromkeys(c for v in verdicts if v.fits != "no" for c in v.columns)
    found = [line for column in used for line in _column(shape, column)]
    pairs = next((v.columns[-2:] for v in verdicts if v.method == "DPO" and v.fits != "no"), ())
    return [*found, *_pairs(shape, pairs), *_rows(shape, list(used))]


def _column(shape: Shape, column: str) -> list[str]:
    values = shape.sample.values(column)
    chat = shape.chats.get(column)
    empty = _count(values, _is_empty)
    lines = _told(
        empty,
        len(values),
        f"`{column}` is missing or empty: leave such rows out, a trainer may stop at one",
    )
    if chat is None:
        return lines
    talks = [turns for turns in shape.sample.turns(column, chat) if turns]
    if column.lower() == "prompt":
        return [*lines, *_told(_count(talks, _ends_answered), len(talks),
                               f"`{column}` ends with the assistant's turn")]  # fmt: skip
    return [*lines, *_turns(column, talks)]


def _turns(column: str, talks: Sequence[Sequence[Turn]]) -> list[str]:
    """Harms to conversations, or to answers that are a list of one message."""
    empty = _count(talks, lambda turns: any(t.empty for t in turns))
    open_ended = _count(talks, lambda turns: not _ends_answered(turns))
    unanswered = open_ended if column.lower() in _ANSWERS_LAST else 0
    total = len(talks)
    return [
        *_told(_count(talks, broken), total, f"`{column}` has roles out of turn, which chat "
               "templates may refuse"),
        *_told(empty, total, f"`{column}` has a turn without content"),
        *_told(unanswered, total, f"`{column}` does not end with the assistant's turn"),
    ]  # fmt: skip


def _ends_answered(turns: Sequence[Turn]) -> bool:
    return turns[-1].role == "assistant"


def _pairs(shape: Shape, columns: Sequence[str]) -> list[str]:
    if len(columns) != 2:
        return []
    rows = [row for row in shape.sample.rows if not row.cut & set(columns)]
    pairs = [(row.cells.get(columns[0]), row.cells.get(columns[1])) for row in rows]
    same = sum(good == bad and not _is_empty(good) for good, bad in pairs)
    return _told(same, len(pairs), f"`{columns[0]}` and `{columns[1]}` are the same")


def _rows(shape: Shape, columns: Sequence[str]) -> list[str]:
    repeated, looked = duplicates(shape, columns)
    sizes = [size // TOKEN for size in lengths(shape, columns)]
    over = [_count(sizes, lambda size, window=window: size > window) for window in WINDOWS]
    told = " / ".join(f"{count:,}" for count in over)
    limits = " / ".join(f"{window:,}" for window in WINDOWS)
    long = f"{told} of {len(sizes):,}: longer than {limits} tokens (characters/4)"
    same = _told(repeated, looked, "the same text as an earlier row of the sample")
    return [*same, *([long] if over[0] else [])]


def _is_empty(value: object) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def _count(values: Sequence[object] | Sequence[Sequence[Turn]], test: Callable[..., bool]) -> int:
    return sum(test(value) for value in values)


def _told(count: int, total: int, what: str) -> list[str]:
    share = 100 * count / total if total else 0
    return [f"{count:,} of {total:,} ({share:.1f}%): {what}"] if count else []
