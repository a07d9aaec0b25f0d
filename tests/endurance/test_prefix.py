"""What was sent once is sent again byte for byte, so that a provider's cache finds it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from emulators.openai_server import Call, calls, fault, text
from harness import agent
from ml_intern.graph import events as ev
from ml_intern.sessions import operations as op

CALLS = 100


class Parts(NamedTuple):
    messages: bytes
    """Without the closing bracket."""
    tools: bytes


def parts(raw: bytes) -> Parts:
    """The bytes of a request's messages and tools."""
    return Parts(_value(raw, "messages")[:-1], _value(raw, "tools"))


def _value(raw: bytes, name: str) -> bytes:
    text = raw.decode()
    begin = text.index(f'"{name}":') + len(f'"{name}":')
    begin += len(text[begin:]) - len(text[begin:].lstrip())
    _, end = json.JSONDecoder().raw_decode(text, begin)
    return text[begin:end].encode()


def test_the_bytes_are_found() -> None:
    raw = b'{"model": "m", "messages": [{"a": "]"}, {}], "tools": [1]}'
    assert parts(raw) == (b'[{"a": "]"}, {}', b"[1]")


async def test_each_request_begins_with_the_one_before(tmp_path: Path) -> None:
    """Over calls, mistakes, hints, retries, turns, and a restart in the middle."""
    first = [
        *(
            calls(Call("bash", {"command": f"echo {n}; echo ünï {n} >> log"}))
            for n in range(CALLS // 2)
        ),
        calls(Call("bash", "{broken"), Call("no_such_tool", {"a": 1}), content="Hm."),
        fault("503", retry_after="0"),
        fault("length"),
        calls(Call("write", {"path": "a.py", "content": "x = '[DONE]'\u2028"}, id="")),
        text("First."),
    ]
    second = [
        *(
            calls(Call("read", {"path": "log", "offset": n + 1}, id="same"))
            for n in range(CALLS // 2)
        ),
        text("Second."),
    ]
    async with agent(first, tmp_path) as a:
        await a.say("Do the one thing.")
        assert a.of(ev.Compacted) == []
        raws = [request.raw for request in a.server.requests]
    async with agent(second, tmp_path, proceed=True) as a:
        await a.do(op.Resume())
        await a.say("And the other.")
        raws += [request.raw for request in a.server.requests]
    assert len(raws) == len(first) + len(second)
    requests = [parts(raw) for raw in raws]
    assert len({request.tools for request in requests}) == 1
    for before, after in pairwise(requests):
        assert after.messages.startswith(before.messages)
