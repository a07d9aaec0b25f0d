"""The model server itself, seen by a plain HTTP client."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators.openai_server import FAULTS, Call, Cut, ModelServer, Step, calls, fault, text

QUESTION = {"role": "user", "content": "Go"}
BASIC: dict[str, Any] = {"model": "m", "messages": [QUESTION]}
STREAM = BASIC | {"stream": True, "stream_options": {"include_usage": True}}


def post(server: ModelServer, body: dict[str, Any], **headers: str) -> httpx.Response:
    url = f"{server.base_url}/chat/completions"
    return httpx.post(url, json=body, headers=headers, trust_env=False)


def chunks(response: httpx.Response) -> list[Any]:
    events = response.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    return [json.loads(event.removeprefix("data: ")) for event in events[:-2]]


def test_answers_in_one_object() -> None:
    with ModelServer(
        [calls(Call("bash", {"command": "ls"}), Call("read"), usage=(7, 3, 2))]
    ) as server:
        answer = post(server, BASIC).json()
    message = answer["choices"][0]["message"]
    assert [call["id"] for call in message["tool_calls"]] == ["call_1", "call_2"]
    assert message["tool_calls"][0]["function"] == {
        "name": "bash",
        "arguments": '{"command": "ls"}',
    }
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert answer["usage"]["total_tokens"] == 10
    assert answer["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}


def test_streams_as_openai_does() -> None:
    with ModelServer([text("Größe ✓ 🚀", usage=(7, 3))]) as server:
        first, *middle, finish, usage = chunks(post(server, STREAM))
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in middle) == "Größe ✓ 🚀"
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 10)
    assert all(chunk["usage"] is None for chunk in (first, *middle, finish))


def test_sends_no_usage_unasked() -> None:
    with ModelServer([text("Hi")]) as server:
        assert all("usage" not in chunk for chunk in chunks(post(server, BASIC | {"stream": True})))


def test_fragments_of_parallel_calls_take_turns() -> None:
    with ModelServer([calls(Call("a", {"x": "1234"}), Call("b", {"x": "5678"}))]) as server:
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks(post(server, STREAM))[:-1]]
    fragments = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert [fragment["index"] for fragment in fragments[:4]] == [0, 1, 0, 1]
    assert [fragment["id"] for fragment in fragments if "id" in fragment] == ["call_1", "call_2"]


def test_splits_characters_over_writes() -> None:
    """Every byte sequence that arrives in one HTTP chunk is broken UTF-8."""
    with ModelServer([text("🚀")]) as server, raw_post(server, STREAM) as connection:
        received = connection.makefile("rb").read()
    rocket = "🚀".encode()
    assert rocket[:1] + b"\r\n" in received
    assert rocket not in received


def raw_post(server: ModelServer, body: dict[str, Any]) -> socket.socket:
    raw = json.dumps(body).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    connection = socket.create_connection(("127.0.0.1", httpx.URL(server.base_url).port or 0))
    connection.sendall(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
    return connection


def test_keeps_a_ledger() -> None:
    with ModelServer([text("One"), text("Two")], api_key="k") as server:
        for _ in range(2):
            post(server, BASIC, authorization="Bearer k")
        first, second = server.requests
    assert first.body == BASIC
    assert (first.path, first.headers["authorization"]) == ("/v1/chat/completions", "Bearer k")
    assert first.at <= second.at
    assert server.requests[0].outcome == "sent"


def test_steps_may_be_computed() -> None:
    def script() -> Iterator[Any]:
        yield text("One")
        while True:
            yield lambda body: text(body["messages"][-1]["content"])

    with ModelServer(script) as server:
        said = [post(server, BASIC).json()["choices"][0]["message"]["content"] for _ in range(3)]
    assert said == ["One", "Go", "Go"]


def test_lists_models() -> None:
    with ModelServer([], models=[{"id": "m"}]) as server:
        listing = httpx.get(f"{server.base_url}/models", trust_env=False).json()
    assert listing == {"object": "list", "data": [{"id": "m"}]}


@pytest.mark.parametrize(
    ("script", "body", "complaint"),
    [
        ([text("One"), text("Two")], BASIC, "1 steps of the script were not used"),
        ([], BASIC, "the script is over"),
        ([text("One")], BASIC | {"messages": []}, "messages is not a non-empty list"),
        ([text("One", expect=lambda body: body["model"] == "other")], BASIC, "expected by"),
        ([text("One", expect=lambda body: body["none"])], BASIC, "KeyError('none')"),
    ],
)
def test_complains_at_the_end(script: list[Step], body: dict[str, Any], complaint: str) -> None:
    with pytest.raises(AssertionError) as caught, ModelServer(script) as server:
        post(server, body)
    assert complaint in str(caught.value)


def test_a_wrong_key_is_401() -> None:
    with pytest.raises(AssertionError, match="API key"), ModelServer([], api_key="k") as server:
        assert post(server, BASIC).status_code == 401


def test_adds_to_an_error_that_is_under_way() -> None:
    with pytest.raises(KeyError) as caught, ModelServer([text("One")]):
        raise KeyError("the test's own")
    assert "were not used" in caught.value.__notes__[0]


@pytest.mark.parametrize("name", [name for name, step in FAULTS.items() if step.instead])
def test_refuses(name: str) -> None:
    with ModelServer([fault(name, retry_after="0.1")]) as server:
        response = post(server, BASIC)
    plain = FAULTS[name].instead
    assert plain is not None
    assert (response.status_code, response.content) == (plain.status, plain.body)
    assert response.headers["Retry-After"] == "0.1"


@pytest.mark.parametrize("how", ["refuse", "close", "reset"])
@pytest.mark.parametrize("body", [BASIC, STREAM], ids=["whole", "stream"])
def test_breaks_off(how: Any, body: dict[str, Any]) -> None:
    server = ModelServer([text("Hello", cut=Cut(how))])
    with server, pytest.raises(httpx.TransportError):
        post(server, body)
    assert server.requests[0].outcome == "cut"


@pytest.mark.parametrize(("after", "said"), [(0, ""), (1, ""), (2, "Hell"), (None, "Hello")])
def test_ends_early_as_if_complete(after: int | None, said: str) -> None:
    with ModelServer([text("Hello", cut=Cut("eof", after))]) as server:
        received = post(server, STREAM).text
    deltas = [json.loads(line[6:])["choices"][0] for line in received.split("\n\n") if line]
    assert "".join(choice["delta"]["content"] for choice in deltas) == said
    assert all(choice["finish_reason"] is None for choice in deltas)


def test_a_stall_ends_when_the_client_leaves() -> None:
    with ModelServer([fault("stall"), text("Late", delay=60)]) as server:
        for _ in range(2):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(
                    f"{server.base_url}/chat/completions", json=STREAM, timeout=0.1, trust_env=False
                )
        wait_until(lambda: [request.outcome for request in server.requests] == ["left", "left"])


def test_a_stall_ends_with_the_server() -> None:
    started = time.monotonic()
    with ModelServer([fault("stall_at_once")]) as server, raw_post(server, STREAM):
        wait_until(lambda: server.answered == 1)
    assert time.monotonic() - started < 5


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_serves_child_processes_and_many_at_once() -> None:
    options = f"json={BASIC!r}, trust_env=False"
    program = f"import httpx, sys; print(httpx.post(sys.argv[1], {options}).status_code)"
    with ModelServer([text("Hi")] * 4) as server:
        command = [sys.executable, "-c", program, f"{server.base_url}/chat/completions"]
        children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        assert [child.communicate()[0].strip() for child in children] == ["200"] * 4


def test_plays_by_hand(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('[{"fault": "429", "retry_after": "3"}, {"calls": [{"name": "ls"}]}]')
    command = [sys.executable, str(Path(__file__).with_name("openai_server.py")), str(script)]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip() + "/chat/completions"
        statuses = [httpx.post(url, json=BASIC, trust_env=False).status_code for _ in range(3)]
        child.terminate()
    assert statuses == [429, 200, 429]
