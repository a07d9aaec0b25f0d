"""The key goes only to the server that was named, and is not shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage

from emulators.json_server import JsonServer
from emulators.loopback import Exchange, Listener
from emulators.openai_server import ModelServer, Plain, Step, text
from harness import agent
from ml_intern.configs.errors import ConfigError, Exit
from ml_intern.configs.settings import Settings
from ml_intern.graph import events as ev
from ml_intern.llm.ask import Asking, ask
from ml_intern.llm.chat import ExactHandler
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.errors import ModelError, MovedError
from ml_intern.llm.factory import make_model
from ml_intern.llm.guard import MOST_HOPS, MOST_SAID, bounded, onward
from ml_intern.llm.transport import ExactClient
from ml_intern.tools.registry import by_name

TOOLS = [spec.schema() for spec in by_name().values()]
KEY = "sk-0123456789abcdef"


class Redirects(Exchange):
    """Sends everybody on, and remembers what was sent."""

    def __init__(self, status: int, to: str, asked: list[bytes], *args: Any) -> None:
        self.status, self.to, self.asked = status, to, asked
        super().__init__(*args)

    def do_POST(self) -> None:
        self.asked.append(self.read_body())
        if self.path == "/there":
            self.send_whole(200, "application/json", b'{"arrived": true}', {})
        else:
            self.send_whole(self.status, "text/plain", b"", {"Location": self.to})


@contextmanager
def redirecting(status: int, to: str) -> Iterator[tuple[str, list[bytes]]]:
    asked: list[bytes] = []
    listener = Listener(partial(Redirects, status, to, asked), 0)
    listener.start()
    try:
        yield f"http://127.0.0.1:{listener.port}", asked
    finally:
        listener.stop()


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
async def test_a_redirect_takes_neither_key_nor_conversation_elsewhere(provider: str) -> None:
    class Elsewhere(JsonServer):
        def answer(self, line: str, body: Any) -> tuple[int, Any]:
            return 200, {}

    with Elsewhere() as other, redirecting(307, other.root + "/x?key=1") as (url, _):
        endpoint = Endpoint(name=f"{provider}/m", model=f"{provider}/m", api_base=url, api_key=KEY)
        model = make_model(endpoint, Settings(model_name="m", max_retries=2), [])
        with pytest.raises(ModelError) as caught:
            await ask(model, [HumanMessage("secret plans")], print, Asking())
        await model.close()
        assert other.ledger == []
    assert caught.value.exit is Exit.USAGE
    assert f"redirects to {other.root}/x," in str(caught.value)


async def test_a_redirect_on_the_same_server_is_followed() -> None:
    with redirecting(308, "/there") as (url, asked):
        async with ExactClient() as client:
            assert (await client.post(f"{url}/here", json=[1])).json() == {"arrived": True}
    assert asked == [b"[1]", b"[1]"]


async def test_what_would_arrive_without_its_body_is_not_followed() -> None:
    with redirecting(302, "/there") as (url, asked):
        async with ExactClient() as client:
            with pytest.raises(MovedError):
                await client.post(f"{url}/here", json=[1])
    assert asked == [b"[1]"]


async def test_redirects_in_a_circle_end() -> None:
    with redirecting(307, "/here") as (url, asked):
        async with ExactClient() as client:
            with pytest.raises(httpx.TooManyRedirects):
                await client.post(f"{url}/here", json=[1])
    assert len(asked) == MOST_HOPS


@pytest.mark.parametrize(
    ("before", "after", "followed"),
    [
        ("http://a/v1", "https://a/v1", True),
        ("http://a:80/v1", "https://a:443/v1", True),
        ("https://a/v1", "https://a:443/v2", True),
        ("https://a/v1", "http://a/v1", False),
        ("https://a/v1", "https://b/v1", False),
        ("https://a/v1", "https://a:8443/v1", False),
        ("http://a:8000/v1", "https://a/v1", False),
        ("https://a/v1", "https://a.evil.com/v1", False),
        ("https://a/v1", "https://a@evil.com/v1", False),
    ],
)
def test_which_server_is_the_same(before: str, after: str, followed: bool) -> None:
    response = httpx.Response(307, request=httpx.Request("POST", before))
    response.next_request = httpx.Request("POST", after)
    if followed:
        assert onward(response) is response.next_request
    else:
        with pytest.raises(MovedError) as caught:
            onward(response)
        assert "@" not in caught.value.to


@pytest.mark.parametrize("stream", [True, False])
async def test_a_key_that_is_repeated_is_not_shown(stream: bool) -> None:
    said = json.dumps({"error": {"message": f"Bad header: Bearer {KEY}"}}).encode()
    with ModelServer([Step(instead=Plain(403, said))]) as server:
        endpoint = Endpoint(
            name="openai/m", model="openai/m", api_base=server.base_url, api_key=KEY
        )
        model = make_model(endpoint, Settings(model_name="m", max_retries=0), TOOLS)
        with pytest.raises(ModelError, match="Bad header: Bearer \\(the key\\)") as caught:
            await ask(model, [HumanMessage("go")], print, Asking(stream=stream))
        await model.close()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("consumed", [True, False])
async def test_of_an_endless_error_the_beginning_is_read(consumed: bool) -> None:
    request = httpx.Request("POST", "http://a", headers={"x-api-key": KEY})
    body = KEY.encode() + b"x" * 3 * MOST_SAID
    response = httpx.Response(500, content=body, request=request)
    if not consumed:
        response = httpx.Response(500, stream=httpx.ByteStream(body), request=request)
    short = await bounded(response)
    assert short.content.startswith(b"(the key)xxx")
    assert len(short.content) <= MOST_SAID


async def test_an_error_of_megabytes_costs_no_seconds(tmp_path: Path) -> None:
    """litellm searched 5 MB for 13 s, in the event loop."""
    page = Step(instead=Plain(502, b"<html>" + b"x" * 5_000_000, "text/html"))
    async with agent([page, text("Done.")], tmp_path) as a:
        events = await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "Done."
        (retry,) = [event for event in events if isinstance(event, ev.Retry)]
        assert len(retry.reason) < 400


async def test_an_answer_that_does_not_stream_says_how_to_ask(tmp_path: Path) -> None:
    """It was taken for three empty answers, each of them paid for."""
    message = {"role": "assistant", "content": "Whole."}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    whole = json.dumps({"id": "x", "object": "chat.completion", "choices": choices}).encode()
    async with agent([Step(instead=Plain(200, whole))], tmp_path) as a:
        await a.say("go")
        assert "--no-stream" in a.of(ev.Error)[-1].error


async def test_a_wrong_address_with_a_web_page_is_no_missing_model(tmp_path: Path) -> None:
    page = Step(instead=Plain(404, b"<html><h1>Not found</h1>", "text/html; charset=utf-8"))
    async with agent([page], tmp_path) as a:
        await a.say("go")
        assert "answers with a web page" in a.of(ev.Error)[-1].error


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ALL_PROXY", "socks9://127.0.0.1:9"), ("NO_PROXY", "[::1],localhost")],
)
def test_a_proxy_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=variable):
        ExactHandler()
