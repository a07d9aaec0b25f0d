"""What the model may write, and what it is told about what it may not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from ml_intern.tools.papers.arguments import PapersArgs
from ml_intern.tools.papers.tool import PAPERS

Ask = Callable[..., Awaitable[str]]


def given(**args: Any) -> PapersArgs:
    return PapersArgs.model_validate({"operation": "search", **args})


def test_empty_and_null_mean_not_given() -> None:
    names = [name for name in PapersArgs.model_fields if name != "operation"]
    for nothing in ("", "  ", None):
        assert given(**dict.fromkeys(names, nothing)) == given()


@pytest.mark.parametrize(
    "ids", ["2305.18290,cs/9901001", "2305.18290 , cs/9901001", ["2305.18290", "cs/9901001"],
            '["2305.18290", "cs/9901001"]', ["2305.18290", "", "cs/9901001"]],
)  # fmt: skip
def test_ids_are_a_list_or_a_text_of_several(ids: Any) -> None:
    args = given(positive_ids=ids)
    assert args.positive_ids == ("2305.18290", "cs/9901001")


@pytest.mark.parametrize("date", ["2024-01-31", "2024-01", "2024"])
def test_a_bound_may_be_a_day_a_month_or_a_year(date: str) -> None:
    assert given(date_from=date, date_to="2024").date_from == date


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"date_from": "2024-02-30"}, "must be a date"),
        ({"date_to": "01.02.2024"}, "must be a date"),
        ({"date": "2024-01"}, "must be a day"),
        ({"date": "2024-13-01"}, "must be a day"),
        ({"date_from": "2024-05", "date_to": "2023"}, "date_from must not be after date_to"),
        ({"limit": 51}, "less than or equal to 50"),
        ({"limit": 0}, "greater than or equal to 1"),
        ({"offset": -1}, "greater than or equal to 0"),
        ({"direction": "up"}, "'citations', 'references' or 'both'"),
        ({"positive_ids": [1]}, "valid string"),
        ({"nonsense": 1}, "not permitted"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(args: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        given(**args)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("search", "search needs query"),
        ("snippet_search", "snippet_search needs query"),
        ("paper_details", "paper_details needs arxiv_id, such as"),
        ("read_paper", "read_paper needs arxiv_id"),
        ("citation_graph", "citation_graph needs arxiv_id"),
        ("find_models", "find_models needs arxiv_id"),
        ("find_all_resources", "find_all_resources needs arxiv_id"),
        ("recommend", "recommend needs arxiv_id or positive_ids"),
    ],
)
async def test_an_operation_without_its_argument_names_it(
    refusal: Ask, operation: str, said: str
) -> None:
    assert said in await refusal(operation)


def test_the_schema_is_small_and_lists_the_operations() -> None:
    parameters = PAPERS.schema()["function"]["parameters"]
    assert parameters["required"] == ["operation"]
    assert len(parameters["properties"]["operation"]["enum"]) == 11
    assert len(str(PAPERS.schema())) < 4_000
