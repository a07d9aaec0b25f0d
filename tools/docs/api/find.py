"""`find_hf_api`: endpoints of the Hub's HTTP API."""

from __future__ import annotations

import asyncio
import difflib
from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from ml_intern.tools.docs.api.endpoints import WEIGHTS, Endpoint, endpoints
from ml_intern.tools.docs.api.render import brief, full
from ml_intern.tools.docs.api.schema import Schemas
from ml_intern.tools.docs.fts import ranked
from ml_intern.tools.docs.reading import LIFETIME
from ml_intern.tools.errors import ToolError
from ml_intern.tools.output import visible
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec
from ml_intern.tools.web.client import Request
from ml_intern.tools.web.origins import origin_of

_FULL = 3
_ROOM = 16_000
"""Characters of descriptions after which the rest is on one line each."""
_BRIEF = 8
"""Endpoints that match less well, on one line each."""
_OF_TAG = 60
_MOST_TAGS = 100


class FindArgs(ToolArgs):
    """What `find_hf_api` is called with."""

    query: str | None = Field(
        default="",
        max_length=500,
        description='What it should do, or an endpoint as in "POST /api/repos/create".',
    )
    tag: str | None = Field(
        default="", max_length=100, description="Only endpoints with this tag; alone: lists them."
    )
    limit: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description=f"Endpoints to describe ({_FULL}), or of a tag to list ({_OF_TAG}).",
    )
    offset: int = Field(default=0, ge=0, description="Endpoints of a tag's list to skip.")


async def find(args: FindArgs, ctx: ToolContext) -> ToolResult:
    """Look for endpoints, or say what there is."""
    settings = ctx.services.settings
    url = settings.hf_openapi_url
    document = await ctx.services.web.json(
        Request(url=url, origins=[origin_of(url)], lifetime=LIFETIME, seconds=45)
    )
    text = await asyncio.to_thread(answered, args, document, url, settings.hf_endpoint)
    return ToolResult(text=visible(text))


def answered(args: FindArgs, document: object, url: str, base: str) -> str:
    """What the document says about what is asked. Blocks.

    Raises:
        ToolError: it is not the description of an API, or has no such tag.
    """
    every = endpoints(document)
    if not every or not isinstance(document, dict):
        raise ToolError(f"{url} does not describe any endpoint: it may have moved.")
    query, tag = (args.query or "").strip(), (args.tag or "").strip()
    chosen = _tagged(every, tag) if tag else every
    if not query:
        return _of_tag(args, tag, chosen) if tag else _tags(every)
    exact = _named(chosen, query)
    order = [*exact, *(one for one in _found(chosen, query) if one not in exact)]
    if not order:
        place = f" with the tag {tag!r}" if tag else ""
        return f"No endpoint{place} has any word of {query!r}.\n\n{_tags(every)}"
    schemas, details = Schemas(document), list[str]()
    for endpoint in order[: args.limit or len(exact) or _FULL]:
        if sum(map(len, details)) >= _ROOM:
            break
        details.append(full(schemas, endpoint, base))
    return "\n\n".join([*details, *_others(order[len(details) :])])


def _found(chosen: Sequence[Endpoint], query: str) -> list[Endpoint]:
    """Those that match, best first."""
    return [chosen[at] for at in ranked([one.columns for one in chosen], WEIGHTS, query)]


def _named(chosen: Sequence[Endpoint], query: str) -> list[Endpoint]:
    """Those that the query is a name of."""
    wanted = " ".join(query.split()).lower()
    return [
        one for one in chosen if wanted in {one.line.lower(), one.path.lower(), one.name.lower()}
    ]


def _others(rest: Sequence[Endpoint]) -> list[str]:
    if not rest:
        return []
    left = len(rest) - _BRIEF
    more = f"\n({left:,} more match less well: add words, or give a tag.)" if left > 0 else ""
    lines = "\n".join(brief(endpoint) for endpoint in rest[:_BRIEF])
    return [
        f"Also matching:\n{lines}{more}",
        f'[Details of one: find_hf_api(query="{rest[0].line}", limit=1).]',
    ]


def _tagged(every: Sequence[Endpoint], tag: str) -> list[Endpoint]:
    names = {name.lower(): name for one in every for name in one.tags}
    name = names.get(tag.lower())
    if name is None:
        close = difflib.get_close_matches(tag.lower(), list(names), n=5, cutoff=0.5)
        near = f" Near it: {', '.join(names[one] for one in close)}." if close else ""
        some = [*names.values()][:_MOST_TAGS]
        rest = f" and {len(names) - len(some):,} more" if len(names) > len(some) else ""
        raise ToolError(f"No endpoint has the tag {tag!r}.{near} All: {', '.join(some)}{rest}.")
    return [one for one in every if name in one.tags]


def _of_tag(args: FindArgs, tag: str, chosen: Sequence[Endpoint]) -> str:
    limit = args.limit or _OF_TAG
    shown = chosen[args.offset : args.offset + limit]
    if not shown:
        raise ToolError(f"The tag {tag!r} has {len(chosen):,} endpoints; give a smaller offset.")
    left = len(chosen) - args.offset - len(shown)
    head = f"{len(chosen):,} endpoints of the Hub's API have the tag {tag!r}:"
    again = f'find_hf_api(tag="{tag}", offset={args.offset + limit})'
    more = f"{left:,} more: {again}. " if left > 0 else ""
    foot = f'[{more}Details of one: find_hf_api(query="{shown[0].line}", limit=1).]'
    return "\n".join([head, *map(brief, shown), foot])


def _tags(every: Sequence[Endpoint]) -> str:
    count = Counter(tag for one in every for tag in one.tags)
    lines = [f"- {tag}: {number:,}" for tag, number in sorted(count.items())]
    left = len(lines) - _MOST_TAGS
    return "\n".join([
        f"The Hub's API has {len(every):,} endpoints; by tag:",
        *lines[:_MOST_TAGS],
        *([f"(and {left:,} tags more)"] if left > 0 else []),
        "[find_hf_api(query=…) searches them; find_hf_api(tag=…) lists those of a tag.]",
    ])  # fmt: skip


FIND_API = ToolSpec(
    name="find_hf_api",
    description=(
        "Find endpoints of the Hugging Face Hub's HTTP API: parameters, body, response, and a curl "
        "line. Use it for what hf_repo_files and the other tools do not offer. With neither query "
        "nor tag, it lists the tags."
    ),
    args=FindArgs,
    handler=find,
    effect="pure",
    risk="read",
    timeout=60,
)
