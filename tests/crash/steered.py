"""Someone types while the agent works: the session's processes, forked from this one.

`begin` runs a turn and sends three messages in it, the first two at calls, the last one at the
answer; each is noted in a file once `steer` returned. `go on` opens the session again as the REPL
does, and asks what was said.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

SAID = ("first", "second", "third")
CALLS = [f"echo started; until [ -e gate{n} ]; do sleep 0.02; done" for n in (1, 2)]
"""Each runs until its message was sent; also in the shell that a killed process leaves behind."""


def main() -> None:
    """Import everything, then fork a process for every line of stdin, and say how it ended."""
    from ml_intern.configs.environment import prepare

    prepare(os.environ)
    import crash.probes
    import harness
    import ml_intern.llm.chat
    from ml_intern.llm.tokens import count_text

    assert crash.probes
    assert harness
    assert ml_intern.llm.chat
    count_text("Loads the encoding.")
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become(**json.loads(line))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


def _become(*, what: str, root: str, url: str, database: str, fault: list[Any] | None) -> None:
    """The rest of a child's life."""
    from crash import probes
    from crash.edges import Edge, Edges, Fault

    signal.alarm(60)
    random.seed()
    code = 1
    try:
        folder = Path(root)
        edges = Edges(folder / f"{what}.trace", Fault(Edge(*fault)) if fault else None)
        probes.install(edges)
        asyncio.run((_begin if what == "begin" else _go_on)(folder, url, database))
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


async def _begin(root: Path, url: str, database: str) -> None:
    from harness import MODEL, surroundings
    from ml_intern.graph import events as ev
    from ml_intern.graph.context import RunOptions
    from ml_intern.sessions import operations as op
    from ml_intern.sessions.opening import open_sessions

    left = list(SAID)
    around = surroundings(url, root, **_setting(database))
    async with open_sessions(around) as sessions:
        session = await sessions.start(RunOptions(permission_mode="yolo", model=MODEL))
        async for event in session.handle(op.UserInput("go")):
            at_call = isinstance(event, ev.ToolLog) and "started" in event.log
            if left and (at_call or isinstance(event, ev.TurnComplete)):
                await session.steer(left[0])
                with (root / "noted").open("a") as file:
                    file.write(f"{left.pop(0)}\n")
                (around.cwd / f"gate{len(SAID) - len(left)}").touch()


async def _go_on(root: Path, url: str, database: str) -> None:
    from harness import MODEL, surroundings
    from ml_intern.graph.context import RunOptions
    from ml_intern.sessions import operations as op
    from ml_intern.sessions.opening import open_sessions

    around = surroundings(url, root, **_setting(database))
    for number in (1, 2):
        (around.cwd / f"gate{number}").touch()
    async with open_sessions(around) as sessions:
        options = RunOptions(permission_mode="yolo", model=MODEL)
        session = await sessions.open(await sessions.last_here(), options, {})
        operations: list[op.Operation] = [op.Resume()] if await session.unfinished() else []
        for operation in [*operations, op.UserInput("What was said?")]:
            async for _ in session.handle(operation):
                pass


def _setting(database: str) -> dict[str, Any]:
    return {"database_url": database} if database else {}


if __name__ == "__main__":
    main()
