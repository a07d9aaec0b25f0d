"""How long until something happens.

1. `--version` and `--help` against `python -c "import typer, rich"`, byte code cached, medians.
   Goal: under 3 times.
2. A headless command's way to its first model request, phase by phase.

Figures: see `benchmarks/figures.md`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from emulators.openai_server import ModelServer, text
from process import COMMAND, environment, workdir

RUNS = 9

PHASES = """
import sys, time
marks = [("python", time.perf_counter())]
def mark(name): marks.append((name, time.perf_counter()))
import ml_intern.cli.app; mark("command line")
import ml_intern.cli.headless; mark("langgraph and our modules")
from ml_intern.configs.environment import prepared_environment; prepared_environment()
import litellm; mark("litellm")
import langchain_litellm; mark("langchain_litellm")
for (_, before), (name, after) in zip(marks, marks[1:]):
    print(f"  import {name:<28} {after - before:6.2f} s")
"""


def seconds(command: list[str], env: dict[str, str], cwd: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=env, cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - started


def median(command: list[str], env: dict[str, str], cwd: Path) -> float:
    seconds(command, env, cwd)  # writes the byte code
    return statistics.median(seconds(command, env, cwd) for _ in range(RUNS))


def quick_commands(env: dict[str, str], cwd: Path) -> None:
    base = median([sys.executable, "-c", "import typer, rich"], env, cwd)
    print(f"import typer, rich      {base * 1000:6.0f} ms   1.00")
    for flag in ("--version", "--help"):
        took = median([COMMAND, flag], env, cwd)
        print(f"ml-intern {flag:<12}  {took * 1000:6.0f} ms   {took / base:.2f}  (goal: under 3)")


def first_request(root: Path) -> None:
    with ModelServer([text("ok")] * 3) as server:
        env = environment(root, server) | {"PYTHONWARNINGS": "ignore"}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(2):
            seconds([COMMAND, "go"], env, workdir(root))
        started = time.time()
        seconds([COMMAND, "go"], env, workdir(root))
        total = time.time() - started
        before = server.requests[-1].at - started
    print(f"command to first request {before:.2f} s of {total:.2f} s in all; its imports, alone:")
    subprocess.run([sys.executable, "-c", PHASES], env=env, check=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        quick_commands(env, root)
        first_request(root)


if __name__ == "__main__":
    main()
