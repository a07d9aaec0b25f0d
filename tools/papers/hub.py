"""What the Hub knows of papers, and what on it names them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ml_intern.tools.hub.client import Hub
from ml_intern.tools.hub.errors import HubError
from ml_intern.tools.papers.untrusted import Row, row_of, rows_of

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Kind = Literal["models", "datasets", "collections"]
Sort = Literal["downloads", "likes", "trending"]
_BROKEN = (KeyError, TypeError, AttributeError, ValueError)
"""What the library raises for an answer of another form than it expects."""


class Found(NamedTuple):
    """Entries of a list, at most as many as were asked for."""

    items: list[Any]
    more: bool
    """Whether there are others."""


async def search(hub: Hub, query: str, most: int) -> list[Row]:
    """Papers about something, the most relevant first."""
    params = {"q": query, "limit": most}
    return await _papers(hub, "papers", "/api/papers/search", params)


async def daily(hub: Hub, date: str, most: int) -> list[Row]:
    """The papers of a day, or those that are trending now."""
    params = {"date": date, "limit": most} if date else {"sort": "trending", "limit": most}
    what = f"the papers of {date}" if date else "the trending papers"
    return await _papers(hub, what, "/api/daily_papers", params)


async def details(hub: Hub, paper: str) -> Row:
    """All that the Hub's page of a paper says."""
    row = row_of(await hub.read(f"the paper {paper}", lambda a: _answer(a, f"/api/papers/{paper}")))
    if not row:
        raise _unreadable(f"the paper {paper}")
    return row


async def _papers(hub: Hub, what: str, path: str, params: Mapping[str, Any]) -> list[Row]:
    found = await hub.read(what, lambda api: _answer(api, path, params))
    if not isinstance(found, list):
        raise _unreadable(what)
    return rows_of(found)


def _answer(api: HfApi, path: str, params: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
    """JSON, asked for as the library does.

    Its own `PaperInfo` loses what stands below `paper`, such as the repository of the code, and
    one field that it does not expect costs the whole list.
    """
    library = importlib.import_module("huggingface_hub.utils")
    headers = library.build_hf_headers(token=api.token, library_name=api.library_name)
    session = library.get_session()
    reply = session.get(f"{api.endpoint}{path}", params=dict(params or {}), headers=headers)
    library.hf_raise_for_status(reply)
    try:
        return reply.json()
    except ValueError:
        raise _unreadable(path) from None


async def naming(hub: Hub, kind: Kind, paper: str, sort: Sort, most: int) -> Found:
    """Models, datasets or collections that name a paper."""
    what = f"the {kind} of arXiv:{paper}"
    return await hub.read(what, lambda api: _drained(_listing(api, kind, paper, sort, most), most))


def _listing(api: HfApi, kind: Kind, paper: str, sort: Sort, most: int) -> Iterable[Any]:
    order: Literal["downloads", "likes", "trending_score"] = (
        "trending_score" if sort == "trending" else sort
    )
    if kind == "collections":
        return api.list_collections(item=f"papers/{paper}", sort="upvotes", limit=most + 1)
    listing: Iterable[Any] = (api.list_models if kind == "models" else api.list_datasets)(
        filter=f"arxiv:{paper}", sort=order, limit=most + 1
    )
    return listing


def _drained(listing: Iterable[Any], most: int) -> Found:
    items: list[Any] = []
    try:
        for item in islice(listing, most + 1):
            items.append(item)
    except _BROKEN as error:
        # The library's own errors are of these types, too.
        if type(error).__module__.startswith("huggingface_hub"):
            raise
        if not items:
            raise _unreadable("the list") from None
        return Found(items[:most], more=True)
    return Found(items[:most], more=len(items) > most)


def _unreadable(what: str) -> HubError:
    return HubError(f"The Hub's answer about {what} has a form that cannot be read.", "other")
