"""`recall`: find again what was said and done before the context was compacted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from pydantic import Field

from ml_intern.tools.errors import ToolError
from ml_intern.tools.history import History, Passage
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec

LIMIT = 10
"""Messages shown of those that are found."""
PAGE = 16_000
"""Characters shown at once of a message that is read."""
_EXCERPT = 300
_NEIGHBOURS = 2
_LISTED = 50
_WORDS = 20
_EDGES = ".,;:?!\"'()[]{}`"
_NOTHING = (
    "Nothing of this conversation is archived: only what is in your context already can be read."
)


class RecallArgs(ToolArgs):
    """What `recall` is called with."""

    query: str = Field(
        default="",
        max_length=1000,
        description='Words to find, in any case; "quotes" make a phrase. Empty: what there is.',
    )
    around: int | None = Field(
        default=None,
        description="Number of a message to read whole, with its neighbours; instead of a query.",
    )
    offset: int = Field(
        default=0, ge=0, description="With `around`: the character of the message to start at."
    )


async def recall(args: RecallArgs, ctx: ToolContext) -> ToolResult:
    """Search the conversation, show one message of it, or say what there is."""
    history = await ctx.history()
    if history is None:
        return ToolResult(text=_NOTHING)
    if args.around:  # Models that mean none also send 0.
        return ToolResult(text=await _read(history, args.around, args.offset))
    if words := words_of(args.query):
        return ToolResult(text=await _search(history, words))
    return ToolResult(text=_overview(history, await history.requests()))


def words_of(query: str) -> list[str]:
    """What to look for: phrases as they are, words without the punctuation around them."""
    parts = re.findall(r'"([^"]+)"|(\S+)', query)
    found = [" ".join(phrase.split()) or word.strip(_EDGES) or word for phrase, word in parts]
    return list(dict.fromkeys(found))[:_WORDS]


async def _search(history: History, words: Sequence[str]) -> str:
    best = await history.search(words, LIMIT + 1)
    if not best:
        return (
            f"None of the {history.total:,} messages has {_listed(words, 'or')}. Try other words, "
            "or parts of words."
        )
    # With all of the words; where none has all, those with the most.
    hits = [hit for hit in best if hit.matched == len(words)] or best
    lines = await asyncio.to_thread(lambda: [_hit(hit, words) for hit in hits[:LIMIT]])
    more = "More messages match: add words to see others. " if len(hits) > LIMIT else ""
    foot = f"[{more}recall(around={hits[0].number}) shows that message whole.]"
    return "\n\n".join([_head(hits, words), *lines, foot])


def _head(hits: Sequence[Passage], words: Sequence[str]) -> str:
    if hits[0].matched == len(words):
        return f"Messages with {_listed(words, 'and')}, the newest first:"
    return (
        f"No message has all of {_listed(words, 'and')}. Those with the most of them, "
        f"{hits[0].matched} of {len(words)} at best:"
    )


def _listed(words: Sequence[str], joint: str) -> str:
    return f" {joint} ".join(f'"{word}"' for word in words)


def _hit(passage: Passage, words: Sequence[str]) -> str:
    return f"{_label(passage)}: {excerpt(passage.text, words)}"


def _label(passage: Passage) -> str:
    return f"#{passage.number} {passage.who}{' (still in your context)' * passage.in_view}"


def excerpt(text: str, words: Sequence[str], room: int = _EXCERPT) -> str:
    """The part of `text` that has the most of the words, on one line; its start if none."""
    found = (re.search(re.escape(word), text, re.IGNORECASE) for word in words)
    starts = sorted(max(0, match.start() - room // 4) for match in found if match)
    best = max(starts, key=lambda at: _present(text[at : at + room], words), default=0)
    part = " ".join(text[best : best + room].split())
    return f"{'…' if best else ''}{part}{'…' if best + room < len(text) else ''}"


def _present(part: str, words: Sequence[str]) -> int:
    folded = part.casefold()
    return sum(word.casefold() in folded for word in words)


async def _read(history: History, number: int, offset: int) -> str:
    passages = await history.read(number - _NEIGHBOURS, number + _NEIGHBOURS)
    chosen = next((passage for passage in passages if passage.number == number), None)
    if chosen is None:
        raise ToolError(
            f"There is no message {number}; they have the numbers 1 to {history.total}. "
            "A query finds the right one."
        )
    if offset and offset >= len(chosen.text):
        raise ToolError(
            f"Message {number} has {len(chosen.text):,} characters; give a smaller offset."
        )
    return "\n\n".join(_whole(p, offset) if p is chosen else _hit(p, ()) for p in passages)


def _whole(passage: Passage, offset: int) -> str:
    text, end = passage.text, offset + PAGE
    start = f", from character {offset:,}" if offset else ""
    rest = (
        f"\n[{len(text) - end:,} characters more; read on with "
        f"recall(around={passage.number}, offset={end}).]"
        if end < len(text)
        else ""
    )
    shown = text[offset:end] or "(empty)"
    return f"--- {_label(passage)}, whole{start}:\n{shown}{rest}\n---"


def _overview(history: History, requests: Sequence[Passage]) -> str:
    shown = requests[-_LISTED:]
    older = len(requests) - len(shown)
    lines = [f"#{request.number} {_first_line(request.text)}" for request in shown]
    return "\n".join([
        f"{history.total:,} messages; {history.archived:,} of them are no longer in your context, "
        "or not whole. What the user wrote:",
        *([f"({older:,} earlier ones)"] if older else []),
        *lines,
        "[recall(query=...) searches all messages; recall(around=1) shows one.]",
    ])  # fmt: skip


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0].rstrip()
    return line if len(line) <= _EXCERPT // 2 else f"{line[: _EXCERPT // 2]}…"


RECALL = ToolSpec(
    name="recall",
    description=(
        "Search this whole conversation, your calls and their results included, also what is no "
        "longer in your context because it was compacted to a summary. Use it before you do work "
        "again or guess what was said. Finds the messages that have all of the words."
    ),
    args=RecallArgs,
    handler=recall,
    effect="pure",
    risk="read",
)
