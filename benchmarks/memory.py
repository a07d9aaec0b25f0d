"""Peak memory of the process that holds a conversation of 170,000 tokens, after each of its turns.

The scripted server runs in a process of its own, so that all that is counted is ours: the graph,
its checkpoints, LiteLLM.

Figures: see `benchmarks/figures.md`.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from harness import MODEL, surroundings
from ml_intern.configs.environment import prepared_environment
from ml_intern.graph import events as ev
from ml_intern.graph.context import RunOptions
from ml_intern.llm.tokens import count_messages
from ml_intern.sessions import operations as op
from ml_intern.sessions.opening import open_sessions

SERVER = Path(__file__).parents[1] / "tests/emulators/openai_server.py"
TOKENS = 170_000
MESSAGE = "the loss falls and the learning rate follows its schedule " * 850


def peak() -> float:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def converse(url: str, root: Path) -> None:
    around = surroundings(url, root, context_window=400_000)
    async with open_sessions(around) as sessions:
        session = await sessions.start(replace(RunOptions(permission_mode="yolo"), model=MODEL))
        size, first, messages = 0, 0.0, []
        while size < TOKENS:
            async for event in session.handle(op.UserInput(MESSAGE)):
                assert not isinstance(event, ev.Error), event
            messages = (await session.state()).get("messages", [])
            size, first = count_messages(messages), first or peak()
        print(f"after the first turn: {first:.0f} MB")
        print(f"{len(messages)} messages, {size:,} tokens: {peak():.0f} MB, {peak() / first:.2f}x")


def main() -> None:
    prepared_environment()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.json"
        script.write_text(json.dumps([{"text": "Understood. " * 20}]))
        command = [
            sys.executable,
            str(SERVER),
            str(script),
            "--port",
            "0",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            asyncio.run(converse(server.stdout.readline().strip(), Path(folder)))
            server.terminate()


if __name__ == "__main__":
    main()
