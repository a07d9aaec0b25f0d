"""Which rows a report looks at: three pages across the split, or what can be had instead."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ml_intern.tools.dataset.feature import Feature
from ml_intern.tools.dataset.sample import Sample, answered
from ml_intern.tools.dataset.splits import Split
from ml_intern.tools.dataset.viewer import Viewer
from ml_intern.tools.web.errors import WebError

PAGE = 100
"""Rows the viewer gives at once."""
_WITH_MEDIA = 10
"""Rows asked for where the viewer has to unpack pictures or sounds for each."""


async def sampled(
    viewer: Viewer, split: Split, features: Mapping[str, Feature]
) -> Sample | WebError:
    """Up to 300 rows of the split from the viewer, or its refusal."""
    page = _WITH_MEDIA if any(kind.media for kind in features.values()) else PAGE
    try:
        first = await _page(viewer, split, 0, page)
    except WebError as error:
        return await _preview(viewer, split, error)
    rest = offsets(first.total or split.rows, page)[1:] if page == PAGE else []
    tasks = [_page_if_any(viewer, split, offset, page) for offset in rest]
    return joined([first, *[p for p in await asyncio.gather(*tasks) if p]])


def offsets(total: int | None, page: int) -> list[int]:
    """Where the pages begin: at the start, in the middle and at the end."""
    if total is None:
        return [0, page, 2 * page]
    if total <= 3 * page:
        return list(range(0, max(1, total), page))
    return [0, total // 2 // page * page, total - page]


async def _page(viewer: Viewer, split: Split, offset: int, length: int) -> Sample:
    answer = await viewer.ask(
        "rows", config=split.config, split=split.name, offset=str(offset), length=str(length)
    )
    return answered(answer)


async def _page_if_any(viewer: Viewer, split: Split, offset: int, length: int) -> Sample | None:
    """A page beyond the first: the sample says which it has."""
    try:
        return await _page(viewer, split, offset, length)
    except WebError:
        return None


async def _preview(viewer: Viewer, split: Split, refusal: WebError) -> Sample | WebError:
    """The first rows are there for some datasets that have no others."""
    answer = await viewer.tried("first-rows", config=split.config, split=split.name)
    if isinstance(answer, WebError):
        return refusal
    preview = answered(answer)
    if not preview.rows:
        return refusal
    return replace(preview, source=f"the viewer's preview, the first {preview.size:,} rows")


def joined(pages: Sequence[Sample]) -> Sample:
    """One sample of several pages."""
    rows = {row.number if row.number is not None else (at, n): row
            for at, page in enumerate(pages) for n, row in enumerate(page.rows)}  # fmt: skip
    first = pages[0]
    ranges = [span for page in pages if (span := _span(page))]
    source = f"rows {', '.join(ranges)}" if ranges else "no rows"
    return replace(first, rows=list(rows.values()), source=source)


def _span(page: Sample) -> str:
    numbers = [row.number for row in page.rows if row.number is not None]
    return f"{numbers[0]:,}-{numbers[-1]:,}" if numbers else ""
