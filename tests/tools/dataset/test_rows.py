"""Paging through rows, searching them and filtering them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emulators.site import Reply
from emulators.viewer import BUSY, Dataset, DatasetHub, Viewer, refusal
from emulators.viewer_datasets import STRING
from ml_intern.tools.dataset.inspection import INSPECT_DATASET
from ml_intern.tools.errors import ToolError
from ml_intern.tools.spec import ToolResult

Call = Callable[..., Awaitable[ToolResult]]
Golden = Callable[[str, str], None]


async def look(call: Call, dataset: str = "acme/chat", **args: Any) -> str:
    return (await call(INSPECT_DATASET, dataset=dataset, **args)).text


async def refused(call: Call, dataset: str = "acme/chat", **args: Any) -> str:
    with pytest.raises(ToolError) as caught:
        await look(call, dataset, **args)
    return str(caught.value)


async def test_a_page_of_rows(call: Call, golden: Golden) -> None:
    golden("hub/dataset_rows.txt", await look(call, view="rows", offset=15, limit=4))


async def test_a_search(call: Call, golden: Golden) -> None:
    golden("hub/dataset_search.txt", await look(call, query="Length.", limit=2))


async def test_a_filter(call: Call, golden: Golden) -> None:
    where = '"quality" = 1 AND "source" <> \'web\''
    golden("hub/dataset_filter.txt", await look(call, where=where, limit=2, offset=2))


async def test_every_row_is_met_once_by_going_on_as_told(call: Call) -> None:
    offset, met = 0, []
    while True:
        text = await look(call, view="rows", split="test", offset=offset, limit=8)
        met += [line for line in text.split("\n") if line.startswith("row ")]
        if "[No more rows.]" in text:
            break
        offset = int(text.rpartition("offset=")[2].split(",")[0])
    assert met == [f"row {n}:" for n in range(20)]


async def test_the_view_is_what_the_other_arguments_mean(call: Call, viewer: Viewer) -> None:
    await look(call, offset=3)
    await look(call, query="x")
    await look(call, where='"quality" = 0')
    paths = [ask.path for ask in viewer.ledger]
    assert paths == ["/splits", "/rows", "/search", "/filter"]
    assert viewer.ledger[2].query["query"] == "x"
    assert viewer.ledger[1].query == {"dataset": "acme/chat", "config": "default",
                                      "split": "train", "offset": "3", "length": "10"}  # fmt: skip


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"view": "search"}, "needs `query`"),
        ({"view": "search", "query": ""}, "needs `query`"),
        ({"view": "filter"}, "needs `where`"),
        ({"view": "rows", "query": "x"}, '`query` goes with view="search", not with view="rows"'),
        ({"where": "a", "query": "x"}, '`where` goes with view="filter"'),
        ({"view": "report", "where": "a"}, '`where` goes with view="filter"'),
    ],
)
async def test_arguments_that_contradict_each_other_are_named(
    call: Call, viewer: Viewer, args: dict[str, Any], words: str
) -> None:
    assert words in await refused(call, **args)
    assert viewer.ledger == []


async def test_rows_are_asked_for_anew_each_time(call: Call, viewer: Viewer) -> None:
    for _ in range(2):
        await look(call, offset=3)
    assert viewer.lines == ["GET /splits", "GET /rows", "GET /rows"]


async def test_nothing_found_and_beyond_the_end(call: Call) -> None:
    text = await look(call, query="xylophone")
    assert 'query="xylophone"\nNo rows from offset 0 on, of 0 matching rows.' in text
    assert "No rows from offset 900 on, of 430 rows." in await look(call, offset=900)


async def test_a_condition_that_is_none_is_answered_with_the_syntax(call: Call) -> None:
    said = await refused(call, where='"nothing" = 1')
    assert "A query parameter is invalid" in said
    assert "column names in double quotes, texts in single quotes" in said


@pytest.mark.parametrize("view", ["rows", "report"])
@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"config": "defualt"}, "no config 'defualt'; there are: default, long."),
        ({"split": "dev"}, "no split of the config 'default' 'dev'; there are: train, test."),
        ({"config": "long", "split": "test"}, "config 'long' 'test'; there are: train."),
    ],
)
async def test_a_wrong_name_is_answered_with_those_there_are(
    call: Call, view: str, names: dict[str, str], words: str
) -> None:
    assert words in await refused(call, view=view, **names)


async def test_wide_rows_end_the_page_early_and_are_cut_less_one_by_one(
    call: Call, datasets: dict[str, Dataset]
) -> None:
    datasets["acme/long"] = Dataset(
        features={f"c{n}": STRING for n in range(30)},
        splits={("default", "train"): [{f"c{n}": "x" * 9_000 for n in range(30)}] * 50},
    )
    text = await look(call, "acme/long", view="rows", limit=50)
    assert len(text) < 25_000
    shown = text.count("\nrow ")
    assert 0 < shown < 50
    assert f"{shown} of 50 rows, from offset 0." in text
    assert f"offset={shown}, limit=50)]" in text
    assert "limit=1: hf_inspect_dataset(" in text
    one = await look(call, "acme/long", view="rows", limit=1)
    assert one.count("x") > text.count("x") / shown
    assert "limit=1:" not in one


async def test_a_search_of_a_part_only_says_so(call: Call, viewer: Viewer) -> None:
    rows = [{"row_idx": 5, "row": {"id": "a"}, "truncated_cells": []}]
    body = {"features": [], "rows": rows, "num_rows_total": 1, "partial": True}
    viewer.fail("/search", Reply(body=body))
    assert "1 of 1 matching rows, from offset 0; of the first part of the split only." in (
        await look(call, query="a")
    )


async def test_a_search_while_the_viewer_is_not_ready_names_what_can_be_done(
    call: Call, viewer: Viewer
) -> None:
    viewer.fail("/search", refusal(500, "ResponseNotReady", BUSY))
    said = await refused(call, query="x")
    assert "still computing this dataset; try again in 5 to 10 minutes" in said
    assert 'load_dataset("acme/chat", split=..., streaming=True)' in said


async def test_a_busy_viewer_is_not_gone_around(
    call: Call, viewer: Viewer, hub: DatasetHub
) -> None:
    viewer.fail("/rows", Reply(status=429, headers={"Retry-After": "300"}))
    assert "asked too often; try again in a minute" in await refused(call, view="rows")
    assert hub.ledger == []
