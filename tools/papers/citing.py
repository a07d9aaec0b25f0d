"""`citation_graph`: what cites a paper, what it cites, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_intern.tools.errors import ToolError
from ml_intern.tools.papers.arguments import PapersArgs
from ml_intern.tools.papers.listing import call, facts, names
from ml_intern.tools.papers.paper import Paper, scholar_paper
from ml_intern.tools.papers.scholar import Direction, Scholar
from ml_intern.tools.papers.untrusted import Row, excerpt, row_of, rows_of, texts_of
from ml_intern.tools.services import Services
from ml_intern.tools.web.errors import WebError

_BLOCK = 200
"""Entries that are fetched, and ranked, together; each takes some 2 kB."""
_REACH = 10_000 - _BLOCK
"""Entries that can be had: the end of a block has to be below 10,000."""
_CONTEXTS = 2
_CONTEXT = 220
"""Characters of a sentence in which a paper is cited."""
_INNER: dict[Direction, str] = {"citations": "citingPaper", "references": "citedPaper"}
_HEADS: dict[Direction, str] = {"citations": "Cited by", "references": "References"}


@dataclass(frozen=True, slots=True)
class Citation:
    """A paper at the other end of a citation."""

    paper: Paper
    influential: bool
    intents: Sequence[str]
    contexts: Sequence[str]


async def graph(args: PapersArgs, services: Services) -> str:
    """One or both directions; one that fails is named where the other does not."""
    paper, scholar = args.paper.paper, Scholar(services)
    wanted: list[Direction] = ["citations", "references"]
    if args.direction != "both":
        wanted = [args.direction]
    if args.offset >= _REACH:
        raise ToolError(
            f"Semantic Scholar gives only the first {_REACH:,} entries; give a smaller offset."
        )
    parts: list[str] = []
    errors: list[WebError] = []
    for way in wanted:  # One after the other: a key allows one request a second.
        try:
            found = await scholar.graph(paper, way, _start(args.offset), _BLOCK)
            parts.append(_listed(args, way, found))
        except WebError as error:
            errors.append(error)
            parts.append(f"{_HEADS[way]}: not known. {error}")
            if error.status == 404:
                break
    if len(errors) == len(parts):
        hint = call("read_paper", arxiv_id=paper, section="References")
        raise WebError(f"{errors[0]} {hint} gives what it cites.", errors[0].status)
    return "\n\n".join(parts)


def citation(row: Row, way: Direction) -> Citation:
    """A row of the answer."""
    return Citation(
        scholar_paper(row_of(row.get(_INNER[way]))),
        row.get("isInfluential") is True,
        texts_of(row.get("intents")),
        texts_of(row.get("contexts")),
    )


def _start(offset: int) -> int:
    """Where the block with that entry begins."""
    return offset - offset % _BLOCK


def _listed(args: PapersArgs, way: Direction, found: Row) -> str:
    rows = rows_of(found.get("data"))[:_BLOCK]
    paper, start = args.paper.paper, _start(args.offset)
    ranked = sorted((citation(row, way) for row in rows), key=_rank)
    shown = ranked[args.offset - start :][: args.limit]
    last, end, more = args.offset + len(shown), start + len(ranked), found.get("next") is not None
    # A block may have fewer entries than places; the next begins where it always does.
    following = last if last < end else start + _BLOCK
    foot = _foot(args, way, following) if last < end or more else ""
    if not shown:
        there = "no more" if args.offset else "none known"
        there = f"nothing from entry {args.offset + 1:,} to {following:,}" if more else there
        return f"{_HEADS[way]} (arXiv:{paper}): {there} at Semantic Scholar.{foot}"
    block = f"entries {start + 1:,} to {end:,}" if start or more else f"all {end:,} entries"
    head = (
        f"{_HEADS[way]} (arXiv:{paper}), {args.offset + 1:,} to {last:,} of {block}, "
        "the influential and most cited of them first"
    )
    return f"{head}:\n\n" + "\n".join(map(_line, shown)) + foot


def _foot(args: PapersArgs, way: Direction, offset: int) -> str:
    if offset >= _REACH:
        return f"\n[Semantic Scholar gives no more than the first {_REACH:,}.]"
    paper, limit = args.paper.paper, args.limit
    left = call("citation_graph", arxiv_id=paper, direction=way, limit=limit, offset=offset)
    return f"\n[more: {left}]"


def _rank(found: Citation) -> tuple[bool, int]:
    return (not found.influential, -(found.paper.citations or 0))


def _line(found: Citation) -> str:
    marks = ", ".join([*(["influential"] if found.influential else []), *found.intents])
    head = f"- {found.paper.title or '(no title)'}{f' [{marks}]' if marks else ''}"
    said = [f'"{excerpt(context, _CONTEXT)}"' for context in found.contexts[:_CONTEXTS]]
    about = " | ".join(part for part in (facts(found.paper), names(found.paper.authors, 2)) if part)
    return "\n  ".join([head, about, *said])
