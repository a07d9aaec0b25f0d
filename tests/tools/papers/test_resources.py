"""Models, datasets and collections on the Hub that name a paper."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emulators.papers import COLLECTIONS, MODELS, OTHER, PAPER
from emulators.site import Reply, Site

Ask = Callable[..., Awaitable[str]]
Golden = Callable[[str, str], None]


async def test_models_are_listed_in_the_order_asked_for(
    ask: Ask, hub: Site, golden: Golden
) -> None:
    golden("hub/papers_models.txt", await ask("find_models", arxiv_id=PAPER, limit=3))
    assert hub.ledger[-1].query == {"filter": f"arxiv:{PAPER}", "sort": "downloads", "limit": "4"}
    await ask("find_models", arxiv_id=PAPER, sort="trending")
    assert hub.ledger[-1].query["sort"] == "trendingScore"
    assert "[more" not in await ask("find_models", arxiv_id=PAPER, limit=14)


async def test_datasets_are_listed_with_what_they_are(ask: Ask, hub: Site, golden: Golden) -> None:
    golden("hub/papers_datasets.txt", await ask("find_datasets", arxiv_id=PAPER, sort="likes"))
    assert hub.ledger[-1].query["sort"] == "likes"


async def test_collections_are_those_with_the_paper(ask: Ask, hub: Site, golden: Golden) -> None:
    """W7: a filter that the Hub does not know gave any collections."""
    golden("hub/papers_collections.txt", await ask("find_collections", arxiv_id=PAPER))
    assert hub.ledger[-1].query == {"item": f"papers/{PAPER}", "sort": "upvotes", "limit": "11"}


async def test_all_resources_are_found_at_once(ask: Ask, hub: Site, golden: Golden) -> None:
    golden("hub/papers_all_resources.txt", await ask("find_all_resources", arxiv_id=PAPER, limit=2))
    assert sorted(hub.lines) == ["GET /api/collections", "GET /api/datasets", "GET /api/models"]


async def test_a_part_that_fails_is_named(ask: Ask, refusal: Ask, hub: Site) -> None:
    hub.fail("datasets", Reply(status=403, body={"error": "no"}))
    said = await ask("find_all_resources", arxiv_id=PAPER)
    assert f"Datasets: not known. The Hub refused the datasets of arXiv:{PAPER}" in said
    assert "noether-lab/margin-0" in said
    for kind in ("models", "datasets", "collections"):
        hub.fail(kind, Reply(status=403, body={"error": "no"}))
    assert "The Hub refused the models" in await refusal("find_all_resources", arxiv_id=PAPER)


async def test_none_is_said_to_be_none(ask: Ask) -> None:
    assert await ask("find_models", arxiv_id=OTHER) == (
        f"Models on the Hub that name arXiv:{OTHER}: none."
    )


async def test_what_comes_before_a_broken_entry_is_shown(ask: Ask, refusal: Ask, hub: Site) -> None:
    hub.fail("models", Reply(body=[MODELS[0], {"noid": 1}, MODELS[1]]))
    said = await ask("find_models", arxiv_id=PAPER)
    assert "noether-lab/margin-0" in said
    assert "[more: " in said
    hub.fail("models", Reply(body=[{"noid": 1}]))
    assert "has a form that cannot be read" in await refusal("find_models", arxiv_id=PAPER)


async def test_odd_fields_are_left_out(ask: Ask, hub: Site) -> None:
    odd: dict[str, Any] = {
        "id": "a/b",
        "downloads": "x",
        "likes": None,
        "description": 5,
        "pipeline_tag": [],
    }
    hub.fail("models", Reply(body=[odd]))
    hub.fail("datasets", Reply(body=[odd]))
    hub.fail("collections", Reply(body=[{**COLLECTIONS[1], "title": None, "owner": "x"}]))
    assert (await ask("find_models", arxiv_id=PAPER)).endswith("\n\n- a/b")
    assert (await ask("find_datasets", arxiv_id=PAPER)).endswith("\n\n- a/b")
    assert "- (no title) | by x | 0 upvotes" in await ask("find_collections", arxiv_id=PAPER)


@pytest.mark.parametrize("body", ["<html>", {"a": 1}, None, 5])
async def test_an_answer_of_another_form_is_said_to_be_one(
    refusal: Ask, hub: Site, body: object
) -> None:
    hub.fail("models", Reply(body=body))
    assert "has a form that cannot be read" in await refusal("find_models", arxiv_id=PAPER)


async def test_the_largest_list_does_not_promise_a_larger_one(ask: Ask, hub: Site) -> None:
    hub.fail("models", Reply(body=[{**MODELS[0], "id": f"a/{n}"} for n in range(51)]))
    said = await ask("find_models", arxiv_id=PAPER, limit=50)
    assert said.endswith("[there are more than these 50; the Hub's page of the paper has them all]")
