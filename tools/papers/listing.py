"""Papers as lines for the model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ml_intern.tools.papers.paper import Paper
from ml_intern.tools.papers.untrusted import excerpt

SUMMARY = 280
"""Characters of a paper's summary in a list."""
_NAMED = 4


def entries(papers: Iterable[Paper], first: int = 1) -> str:
    """A numbered list."""
    return "\n".join(f"{number}. {entry(paper)}" for number, paper in enumerate(papers, first))


def entry(paper: Paper, room: int = SUMMARY) -> str:
    """A paper in a list: title, facts, and what it is about."""
    about = excerpt(paper.summary or paper.abstract, room)
    lines = [paper.title or "(no title)", facts(paper), _made(paper), about]
    return "\n   ".join(line for line in lines if line)


def facts(paper: Paper) -> str:
    """What identifies and ranks it, on one line."""
    parts = [
        f"arXiv:{paper.arxiv}" if paper.arxiv else paper.other or "no id",
        paper.date,
        cited(paper),
        _counted(paper.upvotes, "upvote"),
        paper.venue,
    ]
    return " | ".join(part for part in parts if part)


def cited(paper: Paper) -> str:
    """How often, and how often by what builds on it."""
    if paper.citations is None:
        return ""
    of_these = f" ({paper.influential:,} influential)" if paper.influential else ""
    return _counted(paper.citations, "citation") + of_these


def names(authors: Sequence[str], most: int = _NAMED) -> str:
    """The first authors, and how many there are."""
    more = f" and {len(authors) - most:,} more" if len(authors) > most else ""
    return ", ".join(authors[:most]) + more


def code(paper: Paper) -> str:
    """Where its code is."""
    if not paper.code:
        return ""
    stars = f" ({_counted(paper.stars, 'star')})" if paper.stars is not None else ""
    return f"Code: {paper.code}{stars}"


def _made(paper: Paper) -> str:
    return " | ".join(part for part in (names(paper.authors), code(paper)) if part)


def _counted(number: int | None, thing: str) -> str:
    return "" if number is None else f"{number:,} {thing}{'s' * (number != 1)}"


def call(operation: str, **arguments: object) -> str:
    """The call to make next, as the model writes it."""
    said = {"operation": operation, **arguments}
    return f"hf_papers({', '.join(f'{name}={_quoted(value)}' for name, value in said.items())})"


def _quoted(value: object) -> str:
    if not isinstance(value, str):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
