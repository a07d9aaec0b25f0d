"""The one way to services without a client library: limits, retries, copies, and tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from emulators.site import Reply, Site
from ml_intern.tools.web import exchange
from ml_intern.tools.web.client import Request, Web
from ml_intern.tools.web.errors import StrayError, WebError
from ml_intern.tools.web.origins import origin_of

SECRET = {"Authorization": "Bearer hf_secret", "x-api-key": "s2_secret"}


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.on("GET /page", "text")
        site.on("GET /json", {"a": 1})
        site.on("POST /echo", lambda ask: ask.json)
        yield site


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(tmp_path / "cache")


async def refusal(web: Web, request: Request) -> str:
    with pytest.raises(WebError) as caught:
        await web.page(request)
    return str(caught.value)


async def test_text_and_json(site: Site, web: Web) -> None:
    page = await web.page(Request(url=f"{site.url}/page"))
    assert (page.text, page.url) == ("text", f"{site.url}/page")
    assert await web.json(Request(url=f"{site.url}/json")) == {"a": 1}
    assert await web.json(Request(url=f"{site.url}/echo", body=[1, "ä"])) == [1, "ä"]
    with pytest.raises(WebError, match="is not JSON") as caught:
        await web.json(Request(url=f"{site.url}/page"))
    assert f"{site.url}/page" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text/plain; charset=latin-1", "é"),
        ("text/plain; charset=foo", "\ufffd"),
        ("text/plain; charset=hex", "\ufffd"),
        ("text/plain; charset=idna", "\ufffd"),
    ],
)
async def test_a_charset_that_is_none_is_no_obstacle(
    site: Site, web: Web, kind: str, text: str
) -> None:
    site.on("GET /é", Reply(body=b"\xe9", headers={"Content-Type": kind}))
    assert (await web.page(Request(url=f"{site.url}/é"))).text == text


async def test_parameters_join_those_of_the_address(site: Site, web: Web) -> None:
    await web.page(Request(url=f"{site.url}/page", params={"q": "a b&c"}))
    await web.page(Request(url=f"{site.url}/page?x=1"))
    assert [ask.query for ask in site.ledger] == [{"q": "a b&c"}, {"x": "1"}]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_passes_is_asked_again(site: Site, web: Web, status: int) -> None:
    site.fail("/page", Reply(status=status, headers={"Retry-After": "0"}))
    assert (await web.page(Request(url=f"{site.url}/page"))).text == "text"
    assert len(site.ledger) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_what_does_not_pass_is_not(site: Site, web: Web, status: int) -> None:
    site.fail("/page", Reply(status=status, body={"error": "because"}))
    said = await refusal(web, Request(url=f"{site.url}/page"))
    assert f"answered {status} to /page" in said
    assert "because" in said
    assert len(site.ledger) == 1


async def test_a_defect_that_the_service_names_is_not_asked_for_again(site: Site, web: Web) -> None:
    site.fail("/page", Reply(status=500, headers={"X-Error-Code": "NotReady"}, body={"error": "x"}))
    with pytest.raises(WebError) as caught:
        await web.page(Request(url=f"{site.url}/page"))
    assert (caught.value.status, caught.value.code) == (500, "NotReady")
    assert len(site.ledger) == 1


async def test_those_who_ask_first_and_at_once_share_one_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []

    def slow() -> None:
        time.sleep(0.05)
        made.append(1)

    monkeypatch.setattr(exchange, "_made", cache(slow))
    await asyncio.gather(*[asyncio.to_thread(exchange._client) for _ in range(8)])
    assert made == [1]


async def test_a_long_wait_is_told_at_once(site: Site, web: Web) -> None:
    site.fail("/page", Reply(status=429, headers={"Retry-After": "60"}))
    began = time.monotonic()
    said = await refusal(web, Request(url=f"{site.url}/page"))
    assert "asked too often (429). Try again in 60 s." in said
    assert time.monotonic() - began < 5


async def test_a_service_that_is_slow_or_away_is_named(site: Site, web: Web) -> None:
    site.fail("/page", Reply(delay=30))
    said = await refusal(web, Request(url=f"{site.url}/page", seconds=0.3))
    assert said == "127.0.0.1 did not answer in time."
    assert "could not be reached" in await refusal(
        web, Request(url="http://127.0.0.1:9/", attempts=1)
    )
    assert "no address" in await refusal(web, Request(url="http://[::1", attempts=1))


async def test_an_answer_that_breaks_off_is_asked_for_again(site: Site, web: Web) -> None:
    site.fail("/page", Reply(body="x" * 100, cut=True))
    assert (await web.page(Request(url=f"{site.url}/page"))).text == "text"


async def test_an_answer_without_end_is_not_read(site: Site, web: Web) -> None:
    site.on("GET /big", "x" * 3_000_000)
    said = await refusal(web, Request(url=f"{site.url}/big", most=2_000_000))
    assert "larger than 2 MB" in said


async def test_a_copy_is_used_while_it_is_fresh(site: Site, web: Web) -> None:
    request = Request(url=f"{site.url}/page", lifetime=60)
    assert (await web.page(request)).age == 0
    assert (await web.page(request)).age > 0
    assert len(site.ledger) == 1
    await web.page(replace(request, credentials={"x-api-key": "other"}))
    assert len(site.ledger) == 2


async def test_a_copy_survives_and_is_given_when_the_service_is_down(
    site: Site, tmp_path: Path
) -> None:
    request = Request(url=f"{site.url}/page", lifetime=0.01)
    await Web(tmp_path / "cache").page(request)
    await asyncio.sleep(0.02)
    site.fail("/page", Reply(status=500), times=3)
    page = await Web(tmp_path / "cache").page(request)
    assert page.text == "text"
    assert page.age >= 0.02
    site.fail("/page", Reply(status=404))
    await refusal(Web(tmp_path / "cache"), request)
    assert (tmp_path / "cache" / "web.sqlite").stat().st_mode & 0o777 == 0o600


async def test_nothing_secret_is_written_down(site: Site, web: Web, tmp_path: Path) -> None:
    await web.page(Request(url=f"{site.url}/page", lifetime=60, credentials=SECRET))
    assert b"secret" not in (tmp_path / "cache" / "web.sqlite").read_bytes()


async def test_a_damaged_copy_is_no_obstacle(site: Site, web: Web, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "web.sqlite").write_bytes(b"nonsense" * 1000)
    request = Request(url=f"{site.url}/page", lifetime=60)
    assert [(await web.page(request)).text for _ in range(2)] == ["text", "text"]


async def test_asked_by_many_at_once_the_service_is_asked_once(site: Site, web: Web) -> None:
    site.fail("/page", Reply(body="slow", delay=0.3))
    request = Request(url=f"{site.url}/page")
    first = asyncio.create_task(web.page(request))
    rest = [asyncio.create_task(web.page(request)) for _ in range(5)]
    await asyncio.sleep(0.1)
    first.cancel()
    assert [page.text for page in await asyncio.gather(*rest)] == ["slow"] * 5
    assert len(site.ledger) == 1


async def test_a_token_does_not_follow_a_redirect_to_another_host(site: Site, web: Web) -> None:
    with Site() as foreign:
        foreign.on("GET /stolen", "text")
        site.on("GET /away", Reply(status=302, headers={"Location": f"{foreign.url}/stolen"}))
        site.on("GET /here", Reply(status=302, headers={"Location": "/page"}))
        await web.page(Request(url=f"{site.url}/away", credentials=SECRET))
        await web.page(Request(url=f"{site.url}/here", credentials=SECRET))
    [stolen] = foreign.ledger
    assert "secret" not in str(stolen.headers)
    assert [ask.token for ask in site.ledger] == ["hf_secret"] * 3


async def test_a_redirect_beyond_the_hosts_allowed_is_not_followed(site: Site, web: Web) -> None:
    with Site() as foreign:
        site.on("GET /away", Reply(status=302, headers={"Location": f"{foreign.url}/x"}))
        with pytest.raises(StrayError, match=r"redirects to .*, which is not asked"):
            await web.page(Request(url=f"{site.url}/away", origins=[origin_of(site.url)]))
    assert foreign.ledger == []


async def test_redirects_in_a_circle_end(site: Site, web: Web) -> None:
    site.on("GET /circle", Reply(status=302, headers={"Location": "/circle"}))
    assert "redirects without end" in await refusal(web, Request(url=f"{site.url}/circle"))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://huggingface.co/docs", "https://huggingface.co:443"),
        ("http://a:8080/x", "http://a:8080"),
        ("https://huggingface.co@evil.example/x", "https://evil.example:443"),
        ("HTTPS://HuggingFace.co/docs", "https://huggingface.co:443"),
        ("file:///etc/passwd", ""),
        ("https://a:port/", ""),
        ("nonsense", ""),
    ],
)
def test_an_origin_is_what_a_browser_takes_it_for(url: str, origin: str) -> None:
    assert origin_of(url) == origin


async def test_a_service_that_repeats_a_credential_is_not_quoted_with_it(
    site: Site, web: Web
) -> None:
    said = "invalid: hf_secret, Bearer hf_secret, s2_secret"
    site.on("GET /no", Reply(status=401, body=said))
    told = await refusal(web, Request(url=f"{site.url}/no", credentials=SECRET))
    assert "hf_secret" not in told
    assert "s2_secret" not in told
    assert "invalid: [credential]" in told
