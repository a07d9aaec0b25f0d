"""`find_datasets`, `find_models`, `find_collections`, `find_all_resources`: what names a paper."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ml_intern.tools.errors import ToolError
from ml_intern.tools.papers import hub
from ml_intern.tools.papers.arguments import MOST, PapersArgs
from ml_intern.tools.papers.listing import call
from ml_intern.tools.papers.untrusted import date_of, excerpt, number_of, row_of, text_of
from ml_intern.tools.services import Services

_ABOUT = 200
"""Characters of a description."""
_ORDER = {"downloads": "the most downloaded", "likes": "the most liked", "trending": "trending"}


async def one_kind(args: PapersArgs, services: Services) -> str:
    """Models, datasets or collections."""
    kind: hub.Kind = "models"
    if args.operation != "find_models":
        kind = "datasets" if args.operation == "find_datasets" else "collections"
    return await _kind(args, services, kind)


async def every_kind(args: PapersArgs, services: Services) -> str:
    """All three; one that fails is named where another does not."""
    kinds: tuple[hub.Kind, ...] = ("models", "datasets", "collections")
    found = await asyncio.gather(
        *(_kind(args, services, kind) for kind in kinds), return_exceptions=True
    )
    parts: list[str] = []
    for kind, part in zip(kinds, found, strict=True):
        if isinstance(part, ToolError):
            parts.append(f"{kind.capitalize()}: not known. {part}")
        elif isinstance(part, BaseException):
            raise part
        else:
            parts.append(part)
    if all(isinstance(part, ToolError) for part in found):
        raise ToolError(str(found[0]))
    return "\n\n".join(parts)


async def _kind(args: PapersArgs, services: Services, kind: hub.Kind) -> str:
    paper = args.paper.paper
    found = await hub.naming(services.hub, kind, paper, args.sort, args.limit)
    if not found.items:
        return f"{kind.capitalize()} on the Hub that name arXiv:{paper}: none."
    order = "the most upvoted" if kind == "collections" else _ORDER[args.sort]
    head = f"{kind.capitalize()} on the Hub that name arXiv:{paper}, {order} first"
    foot = f"\n[{_more(args, kind)}]" if found.more else ""
    return f"{head}:\n\n" + "\n".join(_WORDS[kind](item) for item in found.items) + foot


def _more(args: PapersArgs, kind: hub.Kind) -> str:
    if args.limit >= MOST:
        return f"there are more than these {MOST}; the Hub's page of the paper has them all"
    sort = {} if kind == "collections" else {"sort": args.sort}
    paper, more = args.paper.paper, min(MOST, args.limit * 3)
    return f"more: {call(f'find_{kind}', arxiv_id=paper, **sort, limit=more)}"


def _model(item: Any) -> str:  # noqa: ANN401 - the library's
    task, library = text_of(item.pipeline_tag, 60), text_of(item.library_name, 60)
    return _joined(f"- {text_of(item.id, 200)}", task, library, *_popularity(item))


def _dataset(item: Any) -> str:  # noqa: ANN401 - the library's
    about = excerpt(text_of(item.description), _ABOUT)
    head = _joined(f"- {text_of(item.id, 200)}", *_popularity(item))
    return f"{head}\n  {about}" if about else head


def _popularity(item: Any) -> list[str]:  # noqa: ANN401 - the library's
    counts = ((item.downloads, "downloads"), (item.likes, "likes"))
    shown = [f"{n:,} {name}" for value, name in counts if (n := number_of(value)) is not None]
    return [*shown, *(["gated"] if item.gated else [])]


def _collection(item: Any) -> str:  # noqa: ANN401 - the library's
    upvotes = number_of(item.upvotes)
    owner = text_of(row_of(item.owner).get("name")) or text_of(item.owner)
    head = _joined(
        f"- {text_of(item.title, 200) or '(no title)'}",
        f"by {owner}" if owner else "",
        f"{upvotes:,} upvotes" if upvotes is not None else "",
        f"updated {day}" if (day := date_of(str(item.last_updated))) else "",
    )
    about = excerpt(text_of(item.description), _ABOUT)
    return "\n  ".join(line for line in (head, text_of(item.slug, 200), about) if line)


def _joined(*parts: str) -> str:
    return " | ".join(part for part in parts if part)


_WORDS: dict[hub.Kind, Callable[[Any], str]] = {
    "models": _model,
    "datasets": _dataset,
    "collections": _collection,
}
