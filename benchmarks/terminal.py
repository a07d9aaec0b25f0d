"""How a conversation feels: measured on a real pseudo-terminal, the screen read by an emulator.

- Enter to the first byte of the first request, and of a later one
- a chunk of text leaving the server to its being on the screen
- Esc and Ctrl-C to a prompt that takes a message again, in every phase; goal: p99 under 0.5 s

Figures: see `benchmarks/figures.md`. The scripted server and the emulator share the cores with it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from emulators.openai_server import Call, Cut, ModelServer, Step, calls, fault
from process import workdir
from terminal import CTRL_C, ESC, Terminal, terminal

TURNS = int(sys.argv[1]) if len(sys.argv) > 1 else 40
STEPS_AHEAD = Call("bash", {"command": "echo $$ > started; sleep 300"})


def stamped(step: Step, stamps: list[float]) -> Step:
    """The step, noting when its request was there."""

    def note(_: object) -> None:
        stamps.append(time.monotonic())

    return Step(**{**{name: getattr(step, name) for name in step.__slots__}, "expect": note})


def seconds_until(seen: Terminal, what: str) -> float:
    seen.see(what)
    return time.monotonic()


def report(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    middle = statistics.median(ordered)
    print(f"{what}: median {middle * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, n = {len(ordered)}")


def answers() -> None:
    """Enter to request, and chunk to screen."""
    stamps: list[float] = []
    script = [stamped(Step(content=f"answer-{n} done."), stamps) for n in range(TURNS)]
    to_request, to_screen = [], []
    with tempfile.TemporaryDirectory() as root, ModelServer(script) as server:
        with terminal(Path(root), server) as seen:
            for turn in range(TURNS):
                pressed = time.monotonic()
                seen.enter(f"question {turn}")
                there = seconds_until(seen, f"answer-{turn} done.")
                to_request.append(stamps[turn] - pressed)
                to_screen.append(there - stamps[turn])
                seen.rest()
            seen.leave()
    print(f"Enter to the first request of all (imports litellm): {to_request[0]:.2f} s")
    report("Enter to the request, later turns", to_request[1:])
    report("request read and answered, to the text on the screen", to_screen[1:])


PHASES = {
    "waiting for the first byte": Step(content="late", delay=2),
    "in the middle of a stream": Step(content="I am thinking about it", cut=Cut("stall", after=4)),
    "while a command runs": calls(STEPS_AHEAD),
    "waiting before a retry": fault("503", retry_after="60"),
}
SIGNS = ("thinking", "I am thi", "▸ bash", "trying again in")


def stops() -> Iterator[float]:
    """A key to a prompt that works, in every phase."""
    rounds = max(1, TURNS // len(PHASES))
    with tempfile.TemporaryDirectory() as root:
        script = [step for _ in range(rounds) for step in PHASES.values()]
        with ModelServer([Step(content="Ready."), *script]) as server:
            words = ("--permission-mode", "yolo")
            with terminal(Path(root), server, *words) as seen:
                seen.enter("get ready")  # litellm is imported before the first request
                seen.see("Ready.")
                for number in range(len(script)):
                    yield stop(seen, Path(root), number)
                seen.leave()


def stop(seen: Terminal, root: Path, number: int) -> float:
    (workdir(root) / "started").unlink(missing_ok=True)
    seen.enter(f"turn {number}")
    seen.until(lambda: SIGNS[number % len(SIGNS)] in seen.shown())
    seen.pump(0.3)
    seen.send(CTRL_C if number % 8 < len(SIGNS) else ESC)
    pressed = time.monotonic()
    seen.rest()
    took = time.monotonic() - pressed
    seen.pump(2.0)  # a second Ctrl-C within 1.5 s would leave; the server is still busy
    return took


if __name__ == "__main__":
    answers()
    report("Esc or Ctrl-C to the prompt, all phases", list(stops()))
