"""What `hf_papers` is called with."""

from __future__ import annotations

import re
from datetime import date as day
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ml_intern.tools.errors import ToolError
from ml_intern.tools.papers.identifier import ArxivId, arxiv_id
from ml_intern.tools.spec import ToolArgs

Operation = Literal[
    "trending", "search", "paper_details", "read_paper", "citation_graph", "snippet_search",
    "recommend", "find_datasets", "find_models", "find_collections", "find_all_resources",
]  # fmt: skip
_FORM = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
MOST = 50
"""Results shown at once."""
_MOST_IDS = 100
"""What Semantic Scholar takes at once."""


def _date(text: str) -> str:
    if text and not (len(text) == 10 and _is_date(text)):
        raise PydanticCustomError("date", 'It must be a day such as "2026-01-31"')
    return text


def _bound(text: str) -> str:
    if text and not _is_date(text):
        raise PydanticCustomError("date", 'It must be a date such as "2026-01-31" or "2026"')
    return text


def _is_date(text: str) -> bool:
    if not _FORM.fullmatch(text):
        return False
    try:
        day.fromisoformat(text + "0001-01-01"[len(text) :])
    except ValueError:
        return False
    return True


def _several(value: object) -> object:
    if isinstance(value, str):
        value = re.split(r"[\s,;]+", value.strip("[] "))
    if isinstance(value, (list, tuple)):
        return [item.strip(" \"'") if isinstance(item, str) else item for item in value if item]
    return value


Ids = Annotated[tuple[str, ...], BeforeValidator(_several)]


class PapersArgs(ToolArgs):
    """What `hf_papers` is called with."""

    operation: Operation
    query: str = Field(default="", max_length=500, description="What to search for.")
    arxiv_id: str = Field(default="", max_length=200, description="Such as 2305.18290, or a URL.")
    section: str = Field(
        default="",
        max_length=300,
        description="read_paper: number or title, as in the contents it gives without.",
    )
    offset: int = Field(
        default=0, ge=0, description="Where to go on: a character of a section, or an entry."
    )
    direction: Literal["citations", "references", "both"] = Field(
        default="both", description="citation_graph."
    )
    date: Annotated[str, AfterValidator(_date)] = Field(
        default="", description="trending: the list of this day (YYYY-MM-DD)."
    )
    date_from: Annotated[str, AfterValidator(_bound)] = Field(
        default="", description="search, snippet_search: YYYY-MM-DD."
    )
    date_to: Annotated[str, AfterValidator(_bound)] = Field(
        default="", description="search, snippet_search: YYYY-MM-DD."
    )
    categories: str = Field(
        default="",
        max_length=200,
        description="search, snippet_search: fields of study, such as Computer Science.",
    )
    min_citations: int = Field(default=0, ge=0, description="search, snippet_search.")
    sort_by: Literal["", "relevance", "citationCount", "publicationDate"] = Field(
        default="", description="search."
    )
    positive_ids: Ids = Field(
        default=(), max_length=_MOST_IDS, description="recommend: arXiv ids of papers to be like."
    )
    negative_ids: Ids = Field(
        default=(), max_length=_MOST_IDS, description="recommend: of papers to be unlike."
    )
    sort: Literal["downloads", "likes", "trending"] = Field(
        default="downloads", description="find_datasets, find_models."
    )
    limit: int = Field(default=10, ge=1, le=MOST, description="Results shown.")

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, data: Any) -> Any:  # noqa: ANN401 - whatever the model sends
        """Models write "" or null for what they do not give."""
        if not isinstance(data, dict):
            return data
        given = {k: v.strip() if isinstance(v, str) else v for k, v in data.items()}
        return {k: v for k, v in given.items() if k == "operation" or (v is not None and v != "")}

    @model_validator(mode="after")
    def _in_order(self) -> PapersArgs:
        width = min(len(self.date_from), len(self.date_to))
        if self.date_from[:width] > self.date_to[:width]:
            raise PydanticCustomError("dates", "date_from must not be after date_to")
        return self

    @property
    def paper(self) -> ArxivId:
        """The paper that is meant.

        Raises:
            ToolError: none is given, or it is none of arXiv.
        """
        if not self.arxiv_id:
            raise ToolError(f'{self.operation} needs arxiv_id, such as "2305.18290".')
        return arxiv_id(self.arxiv_id)

    @property
    def words(self) -> str:
        """The query.

        Raises:
            ToolError: none is given.
        """
        if not self.query:
            raise ToolError(f"{self.operation} needs query: what to search for.")
        return self.query

    @property
    def filtered(self) -> bool:
        """Whether the Hub's own search, which filters nothing, will not do."""
        given = (self.date_from, self.date_to, self.categories, self.min_citations, self.sort_by)
        return any(given)
