"""`snippet_search`: passages of papers about something."""

from __future__ import annotations

from ml_intern.tools.papers.arguments import MOST, PapersArgs
from ml_intern.tools.papers.listing import call, names
from ml_intern.tools.papers.paper import snippet_paper
from ml_intern.tools.papers.scholar import Scholar
from ml_intern.tools.papers.untrusted import Row, excerpt, row_of, rows_of, text_of
from ml_intern.tools.services import Services
from ml_intern.tools.web.errors import WebError

_TOGETHER = 8_000
"""Characters that all passages may take; each has an equal share, within these bounds."""
_LEAST = 300
_LARGEST = 2_000


async def snippets(args: PapersArgs, services: Services) -> str:
    """Passages, the most relevant first; of one paper if it is given."""
    paper = args.paper.paper if args.arxiv_id else ""
    try:
        found = await Scholar(services).snippets(args, paper)
    except WebError as error:
        plain = call("search", query=args.query)
        hint = call("read_paper", arxiv_id=paper) if paper else plain
        raise WebError(f"{error} {hint} works without Semantic Scholar.", error.status) from None
    rows = rows_of(found.get("data"))[: args.limit]
    where = f"arXiv:{paper}" if paper else "papers"
    if not rows:
        return f'Semantic Scholar has no passage about "{args.query}" in {where}.'
    room = max(_LEAST, min(_LARGEST, _TOGETHER // len(rows)))
    lines = [f"{number}. {_passage(row, room)}" for number, row in enumerate(rows, 1)]
    head = f'Passages of {where} about "{args.query}", the most relevant first:'
    more = " A larger limit gives more." if len(rows) == args.limit < MOST else ""
    return "\n\n".join([head, *lines, f"[`read_paper` gives the whole section.{more}]"])


def _passage(row: Row, room: int) -> str:
    paper, passage = snippet_paper(row_of(row.get("paper"))), row_of(row.get("snippet"))
    kind = text_of(passage.get("snippetKind"), 20)
    section = text_of(passage.get("section"), 200)
    where = f'section "{section}"' if section else kind
    name = f"arXiv:{paper.arxiv}" if paper.arxiv else paper.other or "no id"
    facts = [name, names(paper.authors, 2), where]
    lines = [
        paper.title or "(no title)",
        " | ".join(fact for fact in facts if fact),
        excerpt(text_of(passage.get("text")), room) or "(no text)",
    ]
    return "\n   ".join(lines)
