"""The one way to the Hub: words for its refusals, attempts, deadlines, and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulators.site import Ask, Reply, Site
from ml_intern.tools.errors import ToolTimeout
from ml_intern.tools.hub.client import Hub
from ml_intern.tools.hub.errors import HubError, Kind

TOKEN = "hf_secret"
MODEL = {"id": "me/m", "tags": [], "private": False, "downloads": 1, "likes": 0, "siblings": []}


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.on("GET /api/models/me/m", MODEL)
        yield site


@pytest.fixture
def hub(site: Site) -> Hub:
    return Hub(f"{site.url}/", lambda: TOKEN)


async def refusal(hub: Hub) -> HubError:
    with pytest.raises(HubError) as caught:
        await hub.read("the model me/m", lambda api: api.model_info("me/m"))
    return caught.value


async def test_the_library_asks_the_hub_that_is_set_with_the_token(site: Site, hub: Hub) -> None:
    info = await hub.read("the model me/m", lambda api: api.model_info("me/m"))
    assert info.id == "me/m"
    [ask] = [ask for ask in site.ledger if ask.path.startswith("/api/models")]
    assert ask.token == TOKEN


async def test_without_a_token_none_is_sent_not_even_a_saved_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_found")
    hub = Hub(site.url, lambda: None)
    await hub.read("the model", lambda api: api.model_info("me/m"))
    site.fail("models", Reply(status=403, body={"error": "no"}))
    assert "set HF_TOKEN: there is no token now" in str(await refusal(hub))
    assert {ask.token for ask in site.ledger} == {""}


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (404, "RepoNotFound", "missing", "does not exist on the Hub, or is private"),
        (401, "", "denied", "the token does not allow it"),
        (403, "GatedRepo", "gated", "its owner grants access"),
        (404, "RevisionNotFound", "revision", "no such revision"),
        (404, "EntryNotFound", "entry", "no such file"),
        (403, "", "denied", "the token does not allow it"),
        (402, "", "payment", "asks for payment"),
        (400, "", "bad", "did not accept this"),
        (409, "", "conflict", "found a conflict"),
        (418, "", "other", "could not do it"),
    ],
)
async def test_each_refusal_has_its_words(
    site: Site, hub: Hub, status: int, code: str, kind: Kind, words: str
) -> None:
    body = {"error": f"because of {TOKEN}"}
    site.fail("models", Reply(status=status, headers={"X-Error-Code": code}, body=body))
    error = await refusal(hub)
    assert (error.kind, error.status) == (kind, status)
    assert words in str(error)
    assert TOKEN not in str(error)
    assert len(site.ledger) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_passes_is_read_again_and_never_written_again(
    site: Site, hub: Hub, status: int
) -> None:
    site.fail("models", Reply(status=status, body={"error": "x"}))
    assert (await hub.read("it", lambda api: api.model_info("me/m"))).id == "me/m"
    asked = len(site.ledger)
    site.fail("models", Reply(status=status, body={"error": "x"}))
    with pytest.raises(HubError):
        await hub.write("it", lambda api: api.model_info("me/m"))
    assert len(site.ledger) == asked + 1


async def test_a_hub_that_is_away_or_slow_is_named(site: Site, hub: Hub) -> None:
    away = Hub("http://127.0.0.1:9", lambda: None)
    with pytest.raises(HubError, match="did not answer") as caught:
        await away.read("it", lambda api: api.model_info("me/m"))
    assert caught.value.kind == "down"
    site.fail("models", Reply(delay=20))
    with pytest.raises(ToolTimeout, match=r"more than 0\.3 s for it"):
        await hub.read("it", lambda api: api.model_info("me/m"), seconds=0.3)


async def test_a_name_that_can_be_none_is_said_to_be(hub: Hub) -> None:
    with pytest.raises(HubError, match="did not accept"):
        await hub.read("it", lambda api: api.model_info("a/b/c"))


async def test_a_defect_of_ours_is_not_put_on_the_hub(hub: Hub) -> None:
    def broken(_: object) -> object:
        return dict[str, object]()["x"]

    with pytest.raises(KeyError):
        await hub.read("it", broken)


async def test_a_token_does_not_follow_a_redirect_to_another_host(site: Site, hub: Hub) -> None:
    def away(_: Ask) -> Reply:
        return Reply(status=307, headers={"Location": f"{foreign.url}/api/models/me/m"})

    with Site() as foreign:
        foreign.on("GET /api/models/me/m", MODEL)
        site.on("GET /api/models/me/away", away)
        await hub.read("it", lambda api: api.model_info("me/away"))
    assert [ask.token for ask in foreign.ledger] == [""]


@pytest.mark.parametrize("answer", ["<html>", [], {"sha": 1}, {"id": "me/m", "createdAt": "x"}])
async def test_an_answer_that_the_library_cannot_read_is_said_to_be(
    site: Site, hub: Hub, answer: object
) -> None:
    site.fail("models", Reply(body=answer))
    error = await refusal(hub)
    assert "answered about the model me/m in a form that is not known" in str(error)
    assert error.kind == "other"


async def test_what_is_known_is_not_asked_again_until_it_is_old(site: Site, hub: Hub) -> None:
    for lifetime in (60, 60, 0):
        info = await hub.known("me/m", lambda api: api.model_info("me/m"), lifetime)
        assert info.id == "me/m"
    assert len([line for line in site.lines if "models" in line]) == 2


async def test_a_file_that_is_refused_is_not_said_to_be_missing(
    site: Site, hub: Hub, tmp_path: Path
) -> None:
    """The library hides the refusal behind an error of its own disk cache."""
    site.fail("resolve", Reply(status=403))
    with pytest.raises(HubError, match="the token does not allow it") as caught:
        await hub.read(
            "config.json",
            lambda api: api.hf_hub_download("me/m", "config.json", cache_dir=tmp_path),
        )
    assert caught.value.kind == "denied"
