"""Eight `sleep 1` calls in one message. Goal: all results in under 1.6 s.

Figures: see `benchmarks/figures.md`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from emulators.openai_server import Call, calls, text
from harness import agent
from ml_intern.configs.environment import prepared_environment
from ml_intern.graph import events as ev


async def run(root: Path) -> float:
    sleeps = [Call("bash", {"command": f"sleep 1 # {number}"}) for number in range(8)]
    async with agent([text("hi"), calls(*sleeps), text("ok")], root) as a:
        await a.say("warm up")
        await a.say("go")
        started = [e.time for e in a.of(ev.ToolStateChange) if e.state == "running"]
        ended = [e.time for e in a.of(ev.ToolOutput)]
    span = datetime.fromisoformat(max(ended)) - datetime.fromisoformat(min(started))
    return span.total_seconds()


def main() -> None:
    prepared_environment()
    with tempfile.TemporaryDirectory() as folder:
        print(f"eight sleeps of 1 s: {asyncio.run(run(Path(folder))):.2f} s (goal: under 1.6)")


if __name__ == "__main__":
    main()
