"""`hf_inspect_dataset`: look at a dataset of the Hub before training on it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ml_intern.tools.dataset.report import report
from ml_intern.tools.dataset.rows import Wanted, page
from ml_intern.tools.errors import ToolError
from ml_intern.tools.spec import ToolArgs, ToolContext, ToolResult, ToolSpec

View = Literal["report", "rows", "search", "filter"]
_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
_SITE = re.compile(r"^(https?://[^/]+/)?(datasets/)?")
_TERMS = {"search": "query", "filter": "where"}
Blank = BeforeValidator(lambda value: None if value == "" else value)
"""Models that mean none also send an empty text."""


class InspectDatasetArgs(ToolArgs):
    """What `hf_inspect_dataset` is called with."""

    dataset: str = Field(min_length=1, max_length=200, description="As in owner/name.")
    config: Annotated[str | None, Blank] = Field(
        default=None, max_length=300, description="Default: default, or the first."
    )
    split: Annotated[str | None, Blank] = Field(
        default=None, max_length=300, description="Default: train, or the first."
    )
    view: Annotated[View | None, Blank] = Field(
        default=None,
        description="Default: search with query, filter with where, rows with offset, else report.",
    )
    sample_rows: int = Field(default=3, ge=1, le=10, description="Rows shown in the report.")
    query: Annotated[str | None, Blank] = Field(
        default=None, max_length=1000, description="Words to find in the rows' texts."
    )
    where: Annotated[str | None, Blank] = Field(
        default=None,
        max_length=2000,
        description='Condition in SQL: "label" = 1 AND "source" <> \'web\'.',
    )
    offset: int = Field(default=0, ge=0, description="First row, of those found.")
    limit: int = Field(default=10, ge=1, le=100, description="Rows at once, outside the report.")


async def inspect_dataset(args: InspectDatasetArgs, ctx: ToolContext) -> ToolResult:
    """The report, or a page of rows."""
    dataset, view = name_of(args.dataset), view_of(args)
    if view == "report":
        text = await report(ctx.services, dataset, args.config, args.split, args.sample_rows)
        return ToolResult(text=text)
    terms = {"query": args.query or ""} if view == "search" else {}
    terms |= {"where": args.where or ""} if view == "filter" else {}
    wanted = Wanted(dataset, view, args.config, args.split, args.offset, args.limit, terms)
    return ToolResult(text=await page(ctx.services, wanted))


def name_of(text: str) -> str:
    """The dataset's name in what may be its address.

    Raises:
        ToolError: it can be none.
    """
    name = _SITE.sub("", text.strip(), count=1).strip("/")
    if not _NAME.fullmatch(name):
        raise ToolError(f"{text!r} is no name of a dataset; they look like owner/name.")
    return name


def view_of(args: InspectDatasetArgs) -> View:
    """The view that is asked for, or that the other arguments mean.

    Raises:
        ToolError: the arguments contradict each other; one of them is named.
    """
    view = args.view or _meant(args)
    for other, term in _TERMS.items():
        given = getattr(args, term) is not None
        if view == other and not given:
            raise ToolError(f'view="{view}" needs `{term}`.')
        if view != other and given:
            raise ToolError(f'`{term}` goes with view="{other}", not with view="{view}".')
    return view


def _meant(args: InspectDatasetArgs) -> View:
    if args.query is not None:
        return "search"
    if args.where is not None:
        return "filter"
    return "rows" if args.offset else "report"


INSPECT_DATASET = ToolSpec(
    name="hf_inspect_dataset",
    description=(
        "Look at a dataset of the Hugging Face Hub before you use it. The report gives its splits "
        "with row counts, columns, statistics, example rows, an audit of conversations, lengths "
        "and duplicates in a sample, and whether it fits SFT, DPO, KTO or GRPO, with the code "
        "that makes it fit. The other views page through rows, search them, or filter them."
    ),
    args=InspectDatasetArgs,
    handler=inspect_dataset,
    effect="pure",
    risk="read",
    timeout=120,
)
