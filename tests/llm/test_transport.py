"""What comes out of the transport is the same JSON, and nothing in it trips litellm up."""

from __future__ import annotations

import gzip
import json
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from emulators.loopback import Exchange, Listener
from emulators.openai_server import Call, calls, fault, text
from harness import agent
from ml_intern.configs.settings import Settings
from ml_intern.graph import events as ev
from ml_intern.llm.ask import Asking, ask
from ml_intern.llm.endpoint import Endpoint
from ml_intern.llm.errors import ErrorAnswerError, ModelError, WebPageError
from ml_intern.llm.factory import make_model
from ml_intern.llm.transport import ExactClient, ExactStream, exact, reported

HOSTILE = "a [DONE] b \u0085 c \u2028 d \u2029 e 🤗 data: [DONE]\n\ndata: x \\[DONE]"


class Pieces(httpx.AsyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


async def through(pieces: list[bytes]) -> bytes:
    stream = ExactStream(httpx.Response(200, stream=Pieces(pieces)))
    return b"".join([piece async for piece in stream])


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.just(HOSTILE)),
    cuts=st.lists(st.integers(0, 400)),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
async def test_any_split_of_any_text_is_the_same_json(
    texts: list[str], cuts: list[int], end: bytes
) -> None:
    lines = [b"data: " + json.dumps(t, ensure_ascii=False).encode() for t in texts]
    body = (end * 2).join([*lines, b"data: [DONE]", b""])
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    out = await through([body[a:b] for a, b in pairwise(edges)])
    # As litellm reads it.
    *events, mark = [line for line in out.decode().splitlines() if line]
    assert [json.loads(event.removeprefix("data: ")) for event in events] == texts
    assert mark == "data: [DONE]"
    assert not any("[DONE]" in event for event in events)


@given(st.binary())
def test_what_is_not_json_passes(lines: bytes) -> None:
    assert len(exact(lines)) >= len(lines)


@pytest.mark.parametrize(
    "mark", [b"data: [DONE]", b"data:[DONE]", b"data: [DONE] \r\n", b"data: {}\n\ndata: [DONE]\n\n"]
)
def test_the_end_mark_itself_is_left_alone(mark: bytes) -> None:
    assert exact(mark) == mark


def test_a_control_character_does_not_end_a_line() -> None:
    """JSON forbids them raw, yet some servers send them: half an event would be dropped."""
    said = "".join(map(chr, range(0x20))).replace("\n", "").replace("\r", "")
    [line] = exact(f'data: "{said}"'.encode()).decode().splitlines()
    assert json.loads(line.removeprefix("data: "), strict=False) == said


async def test_a_byte_order_mark_does_not_hide_the_first_event() -> None:
    mark = b"\xef\xbb\xbf"
    for cut in range(5):
        whole = mark + b'data: "a"\n\ndata: "\xef\xbb\xbfb"\n\n'
        assert await through([whole[:cut], whole[cut:]]) == whole.removeprefix(mark)


async def test_a_long_line_in_small_pieces_takes_linear_time() -> None:
    async def seconds(pieces: int) -> float:
        began = time.process_time()
        out = await through([b'data: "', *[b"x" * 10] * pieces, b'"\n'])
        assert len(out) == 10 * pieces + 9
        return time.process_time() - began

    await seconds(1000)
    assert await seconds(200_000) < 40 * max(await seconds(20_000), 0.005)


class Answers(Exchange):
    """Answers every POST with the same stream, and remembers what it was asked for."""

    def __init__(self, body: bytes, headers: dict[str, str], asked: list[str], *args: Any) -> None:
        self.body, self.extra, self.asked = body, headers, asked
        super().__init__(*args)

    def do_POST(self) -> None:
        self.read_body()
        self.asked.append(self.path)
        kind = self.extra.get("content-type", "text/event-stream")
        self.send_whole(200, kind, self.body, self.extra)


class Forwards(Exchange):
    """An HTTP proxy."""

    def __init__(self, asked: list[str], *args: Any) -> None:
        self.asked = asked
        super().__init__(*args)

    def do_POST(self) -> None:
        self.asked.append(self.path)
        url = httpx.URL(self.path)
        there = HTTPConnection("127.0.0.1", url.port or 80)
        there.request("POST", url.path, self.read_body(), {"Content-Type": "application/json"})
        answer = there.getresponse()
        body = answer.read()
        there.close()
        self.send_whole(answer.status, answer.getheader("Content-Type") or "", body, {})


@contextmanager
def served(handler: Any, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    listener = Listener(handler, 0)
    if tls:
        listener.socket = tls.wrap_socket(listener.socket, server_side=True)
    listener.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listener.port}"
    finally:
        listener.stop()


async def streamed(client: httpx.AsyncClient, url: str) -> bytes:
    response = await client.send(client.build_request("POST", url), stream=True)
    try:
        return b"".join([data async for data in response.aiter_bytes()])
    finally:
        await response.aclose()


LINE = f'data: "{HOSTILE[:20]}"\n'.encode()


@pytest.mark.parametrize("packed", [False, True])
async def test_a_compressed_stream_is_exact_too(packed: bool) -> None:
    body, headers = (gzip.compress(LINE), {"content-encoding": "gzip"}) if packed else (LINE, {})
    with served(partial(Answers, body, headers, [])) as url:
        async with ExactClient() as client:
            assert await streamed(client, url) == exact(LINE) != LINE


async def test_other_answers_are_left_alone() -> None:
    with served(partial(Answers, LINE, {"content-type": "application/json"}, [])) as url:
        async with ExactClient() as client:
            assert await streamed(client, url) == LINE
            assert (await client.post(url)).content == LINE


async def test_a_web_page_is_not_a_models_answer() -> None:
    with served(partial(Answers, LINE, {"content-type": "text/html"}, [])) as url:
        async with ExactClient() as client:
            with pytest.raises(WebPageError):
                await streamed(client, url)
            with pytest.raises(WebPageError):
                await client.post(url)


ERROR = b'{"error": {"type": "overloaded_error"}}'
MENTIONED = json.dumps({"choices": [{"delta": {"content": '{"error": {"a": 1}}'}}]}).encode()


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (b"data: " + ERROR, {"type": "overloaded_error"}),
        (b"data:" + ERROR + b"\r\n", {"type": "overloaded_error"}),
        (ERROR, {"type": "overloaded_error"}),
        (b'data: {"error": null, "choices": []}', None),
        (b'data: {"error": {}}', None),
        (b'data: {"error": "x"}', None),
        (b'data: {"choices": [{"error": {"a": 1}}]}', None),
        (b"data: " + MENTIONED, None),
        (b'data: {"error"', None),
        (b'data: ["error"]', None),
        (b"event: error", None),
        (b"data: [DONE]", None),
    ],
)
def test_an_event_that_reports_an_error_is_known(event: bytes, error: Any) -> None:
    assert reported(event) == error


@pytest.mark.parametrize("end", [b"\n\n", b""])
async def test_what_came_before_an_error_is_delivered(end: bytes) -> None:
    stream = ExactStream(
        httpx.Response(200, stream=Pieces([b'data: "a"\n\ndata: "b"\n\ndata: ' + ERROR + end]))
    )
    came: list[bytes] = []

    async def collect() -> None:
        async for piece in stream:
            came.append(piece)

    with pytest.raises(ErrorAnswerError) as caught:
        await collect()
    assert b"".join(came).split() == [b"data:", b'"a"', b"data:", b'"b"']
    assert caught.value.body == {"type": "overloaded_error"}


@pytest.mark.parametrize("stream", [True, False])
async def test_an_error_with_status_200_is_one(stream: bool) -> None:
    with served(partial(Answers, ERROR, {"content-type": "application/json"}, [])) as url:
        async with ExactClient() as client:
            request = client.build_request("POST", url)
            with pytest.raises(ErrorAnswerError):
                await client.send(request, stream=stream)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_untrusted_certificate_is_told_once(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    seen: list[ev.Event] = []
    with served(partial(Answers, LINE, {}, []), tls) as url:
        endpoint = Endpoint(name="vllm/x", model="openai/x", api_base=url, api_key="k")
        model = make_model(endpoint, Settings(model_name="vllm/x", max_retries=2), [])
        with pytest.raises(ModelError, match=r"certificate of https://127\.0\.0\.1.*SSL_CERT_FILE"):
            await ask(model, [HumanMessage("Go")], seen.append, Asking(stream=stream))
        await model.close()
    assert seen == []


async def test_what_litellm_would_send_again_is_another_error() -> None:
    with served(partial(Answers, LINE, {}, [])) as gone:
        pass
    async with ExactClient() as client:
        with pytest.raises(httpx.ReadError) as caught:
            await streamed(client, gone)
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


@pytest.mark.parametrize(
    ("proxy", "excepted", "used"),
    [
        ("http://127.0.0.1:{port}", "", True),
        ("127.0.0.1:{port}", "localhost", True),
        ("http://127.0.0.1:{port}", "localhost,127.0.0.1", False),
        ("http://127.0.0.1:{port}", "*", False),
    ],
)
async def test_the_environments_proxy_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str, excepted: str, used: bool
) -> None:
    asked: list[str] = []
    with served(partial(Forwards, asked)) as url:
        monkeypatch.setenv("HTTP_PROXY", proxy.format(port=httpx.URL(url).port))
        monkeypatch.setenv("NO_PROXY", excepted)
        async with agent([text(HOSTILE)], tmp_path) as a:
            await a.say("go")
            assert a.of(ev.TurnComplete)[-1].final_response == HOSTILE
            assert asked == ([f"{a.server.base_url}/chat/completions"] if used else [])


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts, and its key."""
    pytest.importorskip("cryptography")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(signed.public_bytes(pem) + private)
    return path


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_is_trusted_if_the_user_says_so(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    from ml_intern.llm.chat import ExactHandler

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with served(partial(Answers, LINE, {}, []), tls) as url:
        handler = ExactHandler()
        try:
            if trusted:
                assert await streamed(handler.client, url) == exact(LINE)
            else:
                with pytest.raises(httpx.ReadError, match="CERTIFICATE_VERIFY_FAILED"):
                    await streamed(handler.client, url)
        finally:
            await handler.client.aclose()


async def test_hostile_text_arrives_as_sent(tmp_path: Path) -> None:
    command = f"cat <<'X'\n{HOSTILE}\nX"
    async with agent([calls(Call("bash", {"command": command})), text(HOSTILE)], tmp_path) as a:
        await a.say("go")
        assert a.of(ev.ToolCall)[0].arguments == {"command": command}
        assert a.of(ev.TurnComplete)[-1].final_response == HOSTILE


@pytest.mark.parametrize("name", ["eof", "eof_at_once", "eof_in_arguments", "eof_before_finish"])
async def test_an_answer_that_ends_early_is_asked_for_again(tmp_path: Path, name: str) -> None:
    """Trap 7: litellm makes a finished answer, and half a call, of it."""
    async with agent([fault(name), text("whole")], tmp_path) as a:
        await a.say("go")
        assert a.of(ev.ToolCall) == []
        assert a.of(ev.TurnComplete)[-1].final_response == "whole"
        assert any("ended early" in e.reason for e in a.of(ev.Retry))


async def test_a_lost_connection_is_not_tried_again_unseen(tmp_path: Path) -> None:
    async with agent([fault("refuse")], tmp_path, max_retries=0) as a:
        await a.say("go")
        assert len(a.server.requests) == 1
        assert a.of(ev.TurnComplete)[-1].status == "failed"


async def test_an_endless_answer_is_stopped(tmp_path: Path) -> None:
    async with agent([text("word " * 50, repeat=10_000, piece=4000)], tmp_path) as a:
        await a.say("go")
        assert "does not end" in a.of(ev.Error)[-1].error
    assert len(a.server.requests) == 1
