"""`recommend`: papers like some, and unlike others."""

from __future__ import annotations

from ml_intern.tools.errors import ToolError
from ml_intern.tools.papers.arguments import MOST, PapersArgs
from ml_intern.tools.papers.identifier import arxiv_id
from ml_intern.tools.papers.listing import entries
from ml_intern.tools.papers.paper import scholar_paper
from ml_intern.tools.papers.scholar import Scholar
from ml_intern.tools.papers.untrusted import rows_of
from ml_intern.tools.services import Services
from ml_intern.tools.web.errors import WebError


async def recommend(args: PapersArgs, services: Services) -> str:
    """Recent papers for one; of all times for several."""
    given = [*([args.arxiv_id] if args.arxiv_id else []), *args.positive_ids]
    liked = list(dict.fromkeys(arxiv_id(name).paper for name in given))
    unliked = list(dict.fromkeys(arxiv_id(name).paper for name in args.negative_ids))
    if not liked:
        raise ToolError("recommend needs arxiv_id or positive_ids: what the papers are to be like.")
    try:
        found = await Scholar(services).like(liked, unliked, args.limit)
    except WebError as error:
        hint = "`search` and `trending` ask the Hub."
        raise WebError(f"{error} {hint}", error.status) from None
    rows = rows_of(found.get("recommendedPapers"))[: args.limit]
    names = ", ".join(f"arXiv:{paper}" for paper in liked)
    if not rows:
        return f"Semantic Scholar recommends nothing for {names}. `citation_graph` may show more."
    only = "Recent papers" if len(liked) == 1 and not unliked else "Papers"
    unlike = f", unlike {', '.join(f'arXiv:{paper}' for paper in unliked)}" if unliked else ""
    more = " A larger limit gives more." if len(rows) == args.limit < MOST else ""
    head = f"{only} like {names}{unlike}, as Semantic Scholar recommends them"
    return f"{head}:\n\n{entries(map(scholar_paper, rows))}\n[{len(rows)} papers.{more}]"
