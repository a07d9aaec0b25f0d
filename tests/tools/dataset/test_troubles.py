"""Each reason why a dataset cannot be shown has its own words and remedy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from emulators.site import Reply
from emulators.viewer import BUSY, Dataset, DatasetHub, Viewer, refusal
from emulators.viewer_datasets import CHAT
from ml_intern.tools.dataset.inspection import INSPECT_DATASET
from ml_intern.tools.dataset.trouble import Why, explained, why
from ml_intern.tools.errors import ToolError
from ml_intern.tools.services import Services
from ml_intern.tools.spec import ToolResult
from ml_intern.tools.web.errors import WebError

Call = Callable[..., Awaitable[ToolResult]]
TOKEN = "hf_reader"
OTHERS = frozenset({"hf_somebody"})
VIEWS = pytest.mark.parametrize("view", ["report", "rows"])


async def refused(call: Call, dataset: str, **args: Any) -> str:
    with pytest.raises(ToolError) as caught:
        await call(INSPECT_DATASET, dataset=dataset, **args)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


@VIEWS
async def test_a_missing_dataset_is_no_empty_success(call: Call, view: str) -> None:
    """W7: what does not exist is an error that says so."""
    said = await refused(call, "acme/nothing", view=view)
    assert "acme/nothing does not exist on the Hub, or is private" in said


@VIEWS
async def test_a_private_dataset_of_others_is_told(
    call: Call, datasets: dict[str, Dataset], view: str
) -> None:
    datasets["acme/private"] = replace(CHAT, readers=OTHERS)
    said = await refused(call, "acme/private", view=view)
    assert "or is private and the token has no access to it" in said


@VIEWS
async def test_a_gated_dataset_is_told_from_a_missing_one(
    call: Call, datasets: dict[str, Dataset], view: str
) -> None:
    datasets["acme/gated"] = replace(CHAT, readers=OTHERS, gated="manual")
    said = await refused(call, "acme/gated", view=view)
    assert "is gated: its owner grants access" in said
    assert "there is no token now" not in said


@pytest.mark.parametrize("gated", [False, "auto"])
async def test_without_a_token_the_remedy_is_one(
    call: Call, services: Services, datasets: dict[str, Dataset], gated: bool | str, viewer: Viewer
) -> None:
    assert isinstance(services.keys, dict)
    services.keys.clear()
    datasets["acme/closed"] = replace(CHAT, readers=OTHERS, gated=gated)
    said = await refused(call, "acme/closed")
    assert "set HF_TOKEN: there is no token now" in said
    await call(INSPECT_DATASET, dataset="acme/chat")
    assert {ask.token for ask in viewer.ledger} == {""}


async def test_with_access_private_and_gated_datasets_are_shown(
    call: Call, datasets: dict[str, Dataset]
) -> None:
    datasets["acme/mine"] = replace(CHAT, readers=frozenset({TOKEN}))
    text = (await call(INSPECT_DATASET, dataset="acme/mine")).text
    assert "\nprivate, not gated, license" in text
    datasets["acme/gated"] = replace(CHAT, readers=frozenset({TOKEN}), gated="auto")
    text = (await call(INSPECT_DATASET, dataset="acme/gated")).text
    assert "\npublic, gated (auto), and the token has access, license" in text


async def test_a_renamed_dataset_is_followed(
    call: Call, datasets: dict[str, Dataset], viewer: Viewer
) -> None:
    datasets["old/name"] = Dataset(renamed="acme/chat")
    text = (await call(INSPECT_DATASET, dataset="old/name")).text
    assert text.startswith("# Dataset acme/chat,")
    assert "Note: old/name is now called acme/chat." in text
    assert {ask.query["dataset"] for ask in viewer.ledger} == {"acme/chat"}
    said = await refused(call, "old/name", view="rows")
    assert said == "old/name is now called acme/chat: ask for that."


TROUBLES = [
    (500, "ResponseNotReady", BUSY, "still computing this dataset; try again in 5 to 10 minutes"),
    (501, "DatasetWithScriptNotSupportedError", "It runs code.", "does not run dataset scripts"),
    (404, "DisabledViewerError", "The viewer is disabled.", "is disabled for this dataset"),
    (501, "NotSupportedPrivateRepositoryError", "PRO only.", "PRO and Enterprise accounts only"),
    (501, "DatasetWithTooManyConfigsError", "Too many.", "too big for the viewer"),
    (501, "NoSupportedFeaturesError", "None.", "does not support this dataset (None)"),
    (500, "ConfigNamesError", "Cannot get names.", "could not read the dataset"),
    (404, "ResponseNotFound", "Not found.", "knows nothing of it"),
    (503, "", "<html>", "does not answer now; try again in a while"),
]


@pytest.mark.parametrize(("status", "code", "message", "words"), TROUBLES)
@VIEWS
async def test_a_viewer_without_the_dataset_says_why(
    call: Call, datasets: dict[str, Dataset],
    status: int, code: str, message: str, words: str, view: str,
) -> None:  # fmt: skip
    datasets["acme/odd"] = Dataset(trouble=refusal(status, code, message))
    said = await refused(call, "acme/odd", view=view)
    assert words in said
    assert "has no files that can be read in part (.parquet, .jsonl" in said


async def test_a_viewer_that_is_away_is_named(
    call: Call, services: Services, hub: DatasetHub
) -> None:
    settings = services.settings.model_copy(update={"dataset_viewer_url": "http://127.0.0.1:9"})
    object.__setattr__(services, "settings", settings)
    said = await refused(call, "acme/chat")
    assert "does not answer now; try again in a while (127.0.0.1 could not be reached" in said
    assert said.count("could not be reached") == 1


async def test_a_hub_that_refuses_the_token_is_told(call: Call, hub: DatasetHub) -> None:
    hub.fail("/api/datasets", Reply(status=401, body={"error": "Invalid username or password."}))
    assert "the token does not allow it" in await refused(call, "acme/chat")


@pytest.mark.parametrize(
    ("status", "code", "message", "reason"),
    [
        (500, "", f'x: {{"error": "{BUSY}"}}', "not_ready"),
        (500, "", "x: nothing", "down"),
        (502, "UnexpectedError", "x", "down"),
        (401, "", "x", "access"),
        (403, "", "x", "access"),
        (404, "", "x", "unknown"),
        (422, "", "x", "bad"),
        (501, "", "x", "unsupported"),
        (None, "", "a could not be reached", "down"),
        (418, "", "x", "down"),
        (501, "TooBigContentError", "x", "big"),
    ],
)
def test_what_a_refusal_means(status: int | None, code: str, message: str, reason: Why) -> None:
    assert why(WebError(message, status, code)) == reason


def test_the_viewers_words_are_quoted_even_if_they_are_cut() -> None:
    error = WebError('h answered 500 to /x: {"error":"a \\"b\\" c: and then it', 500, "InfoError")
    assert explained(error).endswith('broken (a "b" c: and then it)')
