"""The victim: the real command with four tools more, its edges watched. Run as the zygote.

Everything that is not the product's stands here and in `tools.py`, `probes.py` and `mutants.py`.
"""

from __future__ import annotations

import gc
import io
import json
import os
import random
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from crash.edges import Edge, Edges, Fault

LIFETIME = 60
"""Seconds after which a victim is ended by its own alarm, whoever forgot it."""


WARM = (
    "ml_intern.cli.app", "ml_intern.cli.headless", "ml_intern.cli.report", "ml_intern.llm.chat",
    "crash.tools", "crash.probes", "crash.mutants",
)  # fmt: skip


def main() -> None:
    """Import everything, then fork a victim for every `start` until stdin ends."""
    _warm()
    for line in sys.stdin:
        question = json.loads(line)
        answer = _answer(*question.popitem())
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _warm() -> None:
    from ml_intern.configs.environment import prepare

    prepare(os.environ)
    for name in WARM:
        import_module(name)
    from ml_intern.llm.tokens import count_text

    count_text("Loads the encoding.")
    assert threading.active_count() == 1, "a thread would not survive the fork"
    gc.freeze()


def _answer(verb: str, what: Any) -> dict[str, Any]:
    if verb == "start":
        return _start(what)
    looking = os.WSTOPPED | os.WNOWAIT if verb == "look" else 0
    return _status(what, os.WEXITED | looking)


def _start(order: dict[str, Any]) -> dict[str, Any]:
    pid = os.fork()
    if pid == 0:
        _become(order)
    return {"pid": pid}


def _status(pid: int, options: int) -> dict[str, Any]:
    """How a child ended or, with WSTOPPED, stands still. `look` leaves it to be waited for."""
    found = os.waitid(os.P_PID, pid, options)
    assert found is not None
    match found.si_code:
        case os.CLD_EXITED:
            return {"code": found.si_status}
        case os.CLD_STOPPED:
            return {"stopped": True}
        case _:
            return {"signal": found.si_status}


def _become(order: dict[str, Any]) -> NoReturn:
    """The rest of the child's life: the command, as the console script runs it."""
    signal.alarm(LIFETIME)
    random.seed()
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    folder = Path(order["folder"])
    edges = Edges(folder / f"{order['name']}.trace", _fault(order["fault"]))
    _redirect(folder / order["name"], edges)
    _install(order, edges)
    from ml_intern.cli.app import main as command

    code: Any = 70
    try:
        command(order["argv"])
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(code or 0))


def _fault(values: dict[str, Any] | None) -> Fault | None:
    return Fault(Edge(*values["edge"]), values["how"]) if values else None


def _install(order: dict[str, Any], edges: Edges) -> None:
    from crash import mutants, probes, tools

    world = Path(order["folder"])
    tools.install(world, edges)
    probes.install(edges)
    probes.shift_clock(order["clock"])
    mutant = mutants.MUTANTS.get(order["mutant"])
    if mutant and (mutant.lasting or order["fault"]):
        mutant.install()


class Told(io.TextIOWrapper):
    """A stdout on which every line is an edge once it was written."""

    edges: Edges
    last = ""

    def write(self, text: str) -> int:
        self.last = text[:80]
        return super().write(text)

    def flush(self) -> None:
        super().flush()
        if self.last:
            detail, self.last = self.last, ""
            self.edges.reach("event", detail)


def _redirect(base: Path, edges: Edges) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, ending in ((1, ".out"), (2, ".err")):
        file = os.open(base.with_suffix(ending), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = Told(io.FileIO(1, "w", closefd=False), encoding="utf-8")
    sys.stdout.edges = edges
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", line_buffering=True)


if __name__ == "__main__":
    main()
