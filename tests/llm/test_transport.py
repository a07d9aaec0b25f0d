"""What comes out of the transport is the same JSON, and nothing in it trips litellm up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.openai_server import Call, ModelServer, calls, fault, text
from harness import agent
from ml_intern.configs.environment import proxy_for
from ml_intern.graph import events as ev
from ml_intern.llm.transport import ExactStream, exact

HOSTILE = "a [DONE] b \u0085 c \u2028 d \u2029 e 🤗 data: [DONE]\n\ndata: x"


class Pieces(httpx.AsyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.just(HOSTILE)),
    cuts=st.lists(st.integers(0, 400)),
)
async def test_any_split_of_any_text_is_the_same_json(texts: list[str], cuts: list[int]) -> None:
    lines = [b"data: " + json.dumps(t, ensure_ascii=False).encode() for t in texts]
    body = b"\n\n".join([*lines, b"data: [DONE]", b""])
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    pieces = [body[a:b] for a, b in pairwise(edges)]
    out = b"".join([piece async for piece in ExactStream(Pieces(pieces))])
    *events, end = [line for line in out.split(b"\n") if line]
    assert [json.loads(event.removeprefix(b"data: ")) for event in events] == texts
    assert end == b"data: [DONE]"
    assert not any(b"[DONE]" in event for event in events)
    assert not {"\u0085", "\u2028", "\u2029"} & set(out.decode())


def test_the_end_mark_itself_is_left_alone() -> None:
    assert exact(b"data: [DONE]\r") == b"data: [DONE]\r"


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
        assert any("ended early" in e.message for e in a.of(ev.Notice))


async def test_a_lost_connection_is_not_tried_again_unseen(tmp_path: Path) -> None:
    async with agent([fault("refuse")], tmp_path, max_retries=0) as a:
        await a.say("go")
        assert len(a.server.requests) == 1
        assert a.of(ev.TurnComplete)[-1].status == "failed"


async def test_a_stalled_stream_is_noticed(tmp_path: Path) -> None:
    async with agent([fault("stall"), text("there")], tmp_path, request_timeout=1) as a:
        await a.say("go")
        assert a.of(ev.TurnComplete)[-1].final_response == "there"


async def test_an_endless_answer_is_stopped(tmp_path: Path) -> None:
    async with agent([text("word " * 50, repeat=10_000, piece=4000)], tmp_path) as a:
        await a.say("go")
        assert "does not end" in a.of(ev.Error)[-1].error
    assert len(a.server.requests) == 1


def test_a_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    assert proxy_for("https://router.huggingface.co/v1") == "http://proxy.example:3128"
    assert proxy_for("http://127.0.0.1:8000/v1") is None


async def test_requests_go_through_the_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server is no proxy: it objects to the absolute address that only a proxy is asked for.
    proxy = ModelServer(iter([text("unused")]))
    proxy.__enter__()
    monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
    async with agent([], tmp_path, openai_base_url="http://model.example/v1") as a:
        await a.say("go")
    with pytest.raises(AssertionError, match=r"POST http://model\.example/v1/chat/completions"):
        proxy.__exit__(None, None, None)
