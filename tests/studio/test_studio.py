"""LangGraph's own server loads `langgraph.json`, draws the graph and runs it with an approval."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_client

from emulators.openai_server import Call, ModelServer, calls, text
from process import MODEL

ROOT = Path(__file__).parents[2]
NODES = {"compaction", "llm", "doom_check", "approval", "tool_execute"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def studio(root: Path, model: ModelServer) -> Iterator[str]:
    """`langgraph dev` as README says, offline and without a key; its log on failure."""
    port, log = free_port(), root / "studio.log"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "ML_INTERN_HOME": str(root / "home"),
        "ML_INTERN_MODEL_NAME": MODEL,
        "OPENAI_BASE_URL": model.base_url,
        "OPENAI_API_KEY": "sk-test",
        "LANGSMITH_TRACING": "false",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    }
    command = [str(Path(sys.executable).parent / "langgraph"), "dev", "--no-browser"]
    command += ["--no-reload", "--port", str(port)]
    with log.open("wb") as sink:
        server = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=sink, stderr=sink, start_new_session=True
        )
    try:
        yield f"http://127.0.0.1:{port}"
    except BaseException as error:
        error.add_note(log.read_text(errors="replace")[-4000:])
        raise
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


@asynccontextmanager
async def answering(url: str) -> AsyncIterator[Any]:
    """The client, once the server answers."""
    for _ in range(240):
        try:
            async with httpx.AsyncClient() as probe:
                if (await probe.get(f"{url}/ok")).is_success:
                    break
        except httpx.TransportError:
            await asyncio.sleep(0.25)
    else:
        raise AssertionError("langgraph dev did not come up")
    async with get_client(url=url) as client:
        yield client


async def test_an_approval_is_asked_and_answered_through_the_server(tmp_path: Path) -> None:
    script = [calls(Call("bash", {"command": "echo from-studio"})), text("Done in Studio.")]
    with ModelServer(script) as model, studio(tmp_path, model) as url:
        async with answering(url) as client:
            await converse(client)


async def converse(client: Any) -> None:
    assistant = (await client.assistants.search())[0]["assistant_id"]

    drawn = await client.assistants.get_graph(assistant)
    assert {node["id"] for node in drawn["nodes"]} - {"__start__", "__end__"} == NODES
    schemas = await client.assistants.get_schemas(assistant)
    assert set(schemas["input_schema"]["properties"]) == {"messages", "compact"}
    assert "permission_mode" in schemas["context_schema"]["properties"]

    thread = (await client.threads.create())["thread_id"]
    question = {"messages": [{"role": "user", "content": "hi"}]}
    modes = ["custom", "updates"]
    parts = [
        (part.event, part.data)
        async for part in client.runs.stream(
            thread, assistant, input=question, stream_mode=modes, durability="sync"
        )
    ]
    assert not [data for event, data in parts if event == "error"]
    assert "tool_call" in [data["type"] for event, data in parts if event == "custom"]
    state = await client.threads.get_state(thread)
    assert state["next"] == ["approval"]
    asked = state["tasks"][0]["interrupts"][0]["value"]
    assert asked["action_requests"][0]["args"] == {"command": "echo from-studio"}

    # What agent-chat-ui sends: no interrupt id.
    answer = {"resume": {"decisions": [{"type": "approve"}]}}
    result = await client.runs.wait(thread, assistant, command=answer)
    assert [m["type"] for m in result["messages"]] == ["human", "ai", "tool", "ai"]
    assert result["messages"][2]["content"] == "from-studio"
    assert result["messages"][3]["content"] == "Done in Studio."
