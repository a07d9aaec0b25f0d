"""`explore_hf_docs`: the pages of a library's documentation, and a search in them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby

from pydantic import Field

from ml_intern.tools.docs.addresses import Sites, sites
from ml_intern.tools.docs.contents import Contents, Entry, NoLibraryError, contents_of
from ml_intern.tools.docs.fts import expression
from ml_intern.tools.docs.libraries import named
from ml_intern.tools.docs.reading import of_old
from ml_intern.tools.docs.search import OF_ONE, Found, Search
from ml_intern.tools.docs.store import Hit
from ml_intern.tools.errors import ToolError
from ml_intern.tools.output import visible
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec
from ml_intern.tools.web.errors import WebError

_LISTED = 80
_SHOWN = 8
_TITLES = 8
_AT_ONCE = 4


class ExploreArgs(ToolArgs):
    """What `explore_hf_docs` is called with."""

    library: str = Field(
        min_length=1,
        max_length=100,
        description='Slug, as in "transformers", "hub", "gradio"; also with a version '
        '("trl/v0.26.2"); "courses" and "optimum" are all of theirs.',
    )
    query: str | None = Field(
        default="", max_length=1000, description="Words to search for. Empty: the list of pages."
    )
    limit: int | None = Field(
        default=None,
        ge=1,
        le=200,
        description=f"Passages ({_SHOWN}) or pages ({_LISTED}) to show.",
    )
    offset: int = Field(default=0, ge=0, description="Pages of the list to skip.")
    deep: bool = Field(
        default=False,
        description="Search as many pages of a large library as can be had, not just likely ones.",
    )


async def explore(args: ExploreArgs, ctx: ToolContext) -> ToolResult:
    """List the pages, or search them."""
    where, web = sites(ctx.services.settings), ctx.services.web
    query = (args.query or "").strip()
    if query and not expression(query):
        raise ToolError(f"The query {query[:100]!r} has no word to search for.")
    contents, lost = await _contents(args.library, where, ctx)
    if not query:
        text = listed(args, where, contents)
    else:
        search = Search(web, where, contents, query)
        found = await search.run(ctx.services.cache, args.limit or _SHOWN, args.deep)
        text = searched(args, query, where, found)
    return ToolResult(text=visible("\n".join([text, *lost])))


async def _contents(
    library: str, where: Sites, ctx: ToolContext
) -> tuple[list[Contents], list[str]]:
    """The pages of each library that is meant, and what to say of those that failed."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> Contents | ToolError:
        async with gate:
            try:
                return await contents_of(ctx.services.web, where, name)
            except ToolError as error:
                return error

    names = named(library)
    found = await asyncio.gather(*map(one, names))
    errors = [one for one in found if isinstance(one, ToolError)]
    if len(errors) == len(found):
        # That a service does not answer says more than that something is not there.
        raise next((error for error in errors if isinstance(error, WebError)), errors[0])
    pairs = list(zip(names, found, strict=True))
    absent = [name for name, one in pairs if isinstance(one, NoLibraryError)]
    lost = [f"[{name} is left out: {one}]" for name, one in pairs if isinstance(one, WebError)]
    lost += [f"[Not found: {', '.join(absent)}.]"] * bool(absent)
    return [one for one in found if isinstance(one, Contents)], lost


def listed(args: ExploreArgs, where: Sites, contents: Sequence[Contents]) -> str:
    """Some of the pages, by section."""
    entries = [(one.library, entry) for one in contents for entry in one.entries]
    first, last = args.offset, args.offset + (args.limit or _LISTED)
    shown = entries[first:last]
    if not shown:
        raise ToolError(f"{args.library} has {len(entries):,} pages; give a smaller offset.")
    several = [one.library for one in contents] != [args.library]
    range_ = "" if len(shown) == len(entries) else f", {first + 1:,} to {first + len(shown):,}"
    pages = "1 page" if len(entries) == 1 else f"{len(entries):,} pages"
    lines = [f"Documentation of {args.library}: {pages}{range_}."]
    for (library, section), group in groupby(shown, lambda one: (one[0], one[1].section)):
        name = " / ".join(filter(None, (library if several else "", section)))
        lines += ["", *([f"{name}:"] if name else [])]
        lines += [f"- {entry.title}: {where.shown(entry.url)}" for _, entry in group]
    lines += ["", _how_on(args, where, shown[0][1], len(entries) - last)]
    return "\n".join(lines)


def _how_on(args: ExploreArgs, where: Sites, entry: Entry, left: int) -> str:
    offset = args.offset + (args.limit or _LISTED)
    limit = f", limit={args.limit}" if args.limit else ""
    more = (
        f'{left:,} more: explore_hf_docs(library="{args.library}", offset={offset}{limit}). '
        if left > 0
        else ""
    )
    return (
        f'[{more}Read a page with fetch_hf_docs(url="{where.shown(entry.url)}"); '
        f'search them with explore_hf_docs(library="{args.library}", query="…").]'
    )


def searched(args: ExploreArgs, query: str, where: Sites, found: Found) -> str:
    """What was found, and how much was searched."""
    head = f"Documentation of {args.library}, best passages for {query!r}:"
    if not found.hits:
        head = f"No passage of the documentation of {args.library} that was searched has {query!r}."
    parts = [head, *(_hit(number, hit) for number, hit in enumerate(found.hits, 1))]
    if found.titles:
        names = [f"- {one.title}: {where.shown(one.url)}" for one in found.titles[:_TITLES]]
        parts.append("\n".join(["Not searched, but of a title or address that fits:", *names]))
    return "\n\n".join([*parts, _foot(args, found)])


def _hit(number: int, hit: Hit) -> str:
    place = f'section="{hit.anchor}"' if hit.anchor else f"offset={hit.start}"
    title = " > ".join(filter(None, (hit.title, hit.heading)))
    return f"{number}. {title}\n{hit.url}, {place}\n{hit.excerpt}"


def _foot(args: ExploreArgs, found: Found) -> str:
    said = []
    if found.hits:
        hit = found.hits[0]
        place = f', section="{hit.anchor}"' if hit.anchor else f", offset={hit.start}"
        said.append(f'Read a passage in full with fetch_hf_docs(url="{hit.url}"{place}).')
    if found.more:
        said.append("More passages match: raise `limit`, or add words.")
    if found.crowded:
        said.append(f"Of a page, at most {OF_ONE} passages are shown.")
    said.append(_extent(args, found))
    if old := of_old(found.age):
        said.append(old)
    if found.troubles:
        said.append(f"Not all pages could be read: {found.troubles[0].rstrip('.')}.")
    return f"[{' '.join(said)}]"


def _extent(args: ExploreArgs, found: Found) -> str:
    if found.searched >= found.pages:
        one = "The only page was" if found.pages == 1 else f"All {found.pages:,} pages were"
        return f"{one} searched."
    part = f"{found.searched:,} of {found.pages:,} pages were searched, the rest by title only"
    if args.deep:
        return f"{part}; the same call again searches more."
    return f"{part}; deep=true searches as many as it can."


EXPLORE_DOCS = ToolSpec(
    name="explore_hf_docs",
    description=(
        "Find out what the current documentation says of any Hugging Face library, of the Hub, the "
        "courses, or Gradio. With a query: the passages that match best, to be read in full with "
        "fetch_hf_docs. Without: the list of pages. Do this before you write code against a "
        "library: what you remember of its API may be out of date."
    ),
    args=ExploreArgs,
    handler=explore,
    effect="pure",
    risk="read",
    timeout=120,
)
