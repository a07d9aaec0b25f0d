"""300 iterations of one turn, 2 KB a message.

Goals: database under 12 MB; the last tenth's time per iteration at most 1.3 times the first's.

Two ways: `instant`, where the model is an object that answers at once, so that the time is ours
alone (graph, checkpoints, tool); and `http`, through the real LiteLLM to the scripted server, whose
reading and checking of the whole history is in the figure and grows with it.

Figures: see `benchmarks/figures.md`.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from emulators.openai_server import Call, Step, calls, text
from harness import Agent, agent
from ml_intern.configs.environment import prepared_environment
from ml_intern.graph import events as ev
from ml_intern.llm.factory import Model

ITERATIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 300
FILLER = "The quick brown fox jumps over the lazy dog. " * 45


class Instant(BaseChatModel):
    """Calls `read` until the iterations are over."""

    @property
    def _llm_type(self) -> str:
        return "instant"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("unused"))])

    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        done = sum(isinstance(message, AIMessage) for message in messages)
        step = f"{done} {FILLER}" if done < ITERATIONS else "Done."
        calls = [] if done == ITERATIONS else [
            tool_call_chunk(
                name="read", args=f'{{"path": "note{done % 7}.txt"}}', id=f"c{done}", index=0
            )
        ]  # fmt: skip
        usage: Any = {
            "input_tokens": 900 * done,
            "output_tokens": 450,
            "total_tokens": 900 * done + 450,
        }
        chunk = AIMessageChunk(content=step, tool_call_chunks=calls, usage_metadata=usage)
        yield ChatGenerationChunk(message=chunk)


def script() -> Iterator[Step]:
    for number in range(ITERATIONS):
        yield calls(Call("read", {"path": f"note{number % 7}.txt"}), content=f"{number} {FILLER}")
    yield text("Done.")


async def instant_model(_: str | None) -> Model:
    chat = Instant()
    return Model(name="instant", where="here", chat=chat, plain=chat, window=10**8)


async def timed(a: Agent) -> list[float]:
    """Seconds from one model reply to the next."""
    for number in range(7):
        (a.cwd / f"note{number}.txt").write_text(f"{number} {FILLER}")
    stamps = []
    async for event in a.say_live("go"):
        if isinstance(event, ev.Usage):
            stamps.append(time.perf_counter())
    return [after - before for before, after in pairwise(stamps)]


async def run(root: Path, way: str) -> list[float]:
    limits: dict[str, Any] = {"max_iterations": -1, "context_window": 10**8}
    if way == "instant":
        async with agent([], root, model=instant_model, **limits) as a:
            return await timed(a)
    async with agent(script(), root, **limits) as a:
        return await timed(a)


def report(way: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        times = asyncio.run(run(Path(folder), way))
        size = sum(path.stat().st_size for path in Path(folder, "home").glob("sessions.sqlite*"))
    tenth = max(1, len(times) // 10)
    first, last = statistics.median(times[1 : tenth + 1]), statistics.median(times[-tenth:])
    print(f"{way}: {len(times)} iterations in {sum(times):.1f} s; database {size / 1e6:.1f} MB")
    print(f"  first tenth {first * 1000:.1f} ms, last tenth {last * 1000:.1f} ms each")
    print(f"  last/first {last / first:.2f}")


def main() -> None:
    prepared_environment()
    for way in ("instant", "http"):
        report(way)


if __name__ == "__main__":
    main()
