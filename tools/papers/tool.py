"""`hf_papers`: find papers and read them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ml_intern.tools.output import visible
from ml_intern.tools.papers.arguments import Operation, PapersArgs
from ml_intern.tools.papers.citing import graph
from ml_intern.tools.papers.details import details
from ml_intern.tools.papers.finding import search, trending
from ml_intern.tools.papers.reading import read_paper
from ml_intern.tools.papers.recommending import recommend
from ml_intern.tools.papers.resources import every_kind, one_kind
from ml_intern.tools.papers.snippets import snippets
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolContext, ToolResult, ToolSpec

_HANDLERS: Mapping[Operation, Callable[[PapersArgs, Services], Awaitable[str]]] = {
    "trending": trending,
    "search": search,
    "paper_details": details,
    "read_paper": read_paper,
    "citation_graph": graph,
    "snippet_search": snippets,
    "recommend": recommend,
    "find_datasets": one_kind,
    "find_models": one_kind,
    "find_collections": one_kind,
    "find_all_resources": every_kind,
}


async def papers(args: PapersArgs, ctx: ToolContext) -> ToolResult:
    """Do the operation."""
    return ToolResult(text=visible(await _HANDLERS[args.operation](args, ctx.services)))


PAPERS = ToolSpec(
    name="hf_papers",
    description=(
        "Find machine learning papers, read them, and find what uses them. `search` asks the Hub; "
        "with dates, categories, min_citations or sort_by it asks Semantic Scholar. `read_paper` "
        "gives abstract and contents of the full text, and with `section` its text, tables and "
        "formulas: methods and experiments hold the recipes. `citation_graph` gives what cites a "
        "paper and what it cites, `snippet_search` passages (of one paper, with arxiv_id), "
        "`recommend` similar papers; `find_*` the models, datasets and collections on the Hub that "
        "name a paper."
    ),
    args=PapersArgs,
    handler=papers,
    effect="pure",
    risk="read",
    timeout=120,
)
