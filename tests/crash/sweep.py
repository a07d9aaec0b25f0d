"""Kill the agent at every instant that matters, and count what does not survive it.

    uv run python tests/crash/sweep.py --all              # every point; some minutes
    uv run python tests/crash/sweep.py --every 10         # every effect edge, every 10th other
    uv run python tests/crash/sweep.py --only 'opaque:d'  # the points that match

Nemeses: `kill` (then `-c`), `say` (then another message), `twin` (a second process beside a stopped
one), `race` (killed, then two go on at once).
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crash.ground import Ground, Point
from crash.history import results
from crash.judge import failures
from crash.stage import Setting
from crash.strike import NEMESES, Story
from crash.zygote import Zygote

SWEPT = (0, 1)
"""The turns whose processes are struck."""


@dataclass
class Report:
    """What a sweep found."""

    nemesis: str
    planned: int = 0
    fired: int = 0
    seconds: float = 0
    unknown: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, str, list[str]]] = field(default_factory=list)
    """Point, invariant, what."""

    @property
    def broken(self) -> dict[str, int]:
        """Points by invariant."""
        return dict(Counter(invariant for _, invariant, _ in self.failures))

    def note(self, point: str, story: Story) -> None:
        """Judge one story."""
        self.fired += story.fired
        self.unknown.update(result.tool for result in results(story) if result.unknown)
        self.failures += [(point, name, what) for name, what in failures(story).items()]

    def __str__(self) -> str:
        unknown = ", ".join(f"{n} {tool}" for tool, n in sorted(self.unknown.items())) or "none"
        lines = [f"  {point}: {name}: {'; '.join(what)}" for point, name, what in self.failures]
        bad = len({point for point, _, _ in self.failures})
        head = f"{self.nemesis}: points {self.planned}, fired {self.fired}, {self.seconds:.0f} s"
        found = f"  points with a failure: {bad}; by invariant: {self.broken or 'none'}"
        return "\n".join([head, *lines, found, f"  outcomes unknown: {unknown}"])


class Sweep:
    """Plays points on several grounds at once."""

    def __init__(self, setting: Setting, jobs: int = 2) -> None:
        self._stack = ExitStack()
        folder = tempfile.TemporaryDirectory(prefix="crash-")
        self._root = Path(self._stack.enter_context(folder))
        self._setting = setting
        self._jobs = jobs
        self._local = threading.local()
        self._lock = threading.Lock()
        self._grounds = 0

    def __enter__(self) -> Self:
        self._pool = self._stack.enter_context(ThreadPoolExecutor(self._jobs))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def count(self) -> list[Point]:
        """Every point there is."""
        counted = self._pool.map(lambda turn: self._ground().count(turn), SWEPT)
        return [point for points in counted for point in points]

    def strike(self, nemesis: str, points: Iterable[Point]) -> Report:
        """Strike at each point."""
        chosen, began = list(points), time.monotonic()
        report = Report(nemesis, planned=len(chosen))

        def one(point: Point) -> None:
            story = self._ground().play(nemesis, point)
            with self._lock:
                report.note(str(point), story)

        list(self._pool.map(one, chosen))
        report.seconds = time.monotonic() - began
        return report

    def _ground(self) -> Ground:
        """This thread's own."""
        if not hasattr(self._local, "ground"):
            with self._lock:
                self._grounds += 1
                folder = self._root / str(self._grounds)
                folder.mkdir()
                zygote = self._stack.enter_context(Zygote())
                self._local.ground = Ground(folder, zygote, self._setting)
                self._stack.callback(self._local.ground.close)
        ground: Ground = self._local.ground
        return ground


def effects(points: Sequence[Point], of: str = ":") -> list[Point]:
    """The edges of effects: of all, of a tool (`opaque:`), or of one (`opaque:e`)."""
    return [point for point in points if of in point.edge.kind]


def stratified(points: Sequence[Point], every: int) -> list[Point]:
    """Every edge of an effect, and every so manieth of all the others."""
    others = [point for point in points if ":" not in point.edge.kind]
    return effects(points) + others[::every]


def main() -> int:
    """The sweep as a command; 1 if anything was found."""
    options = _arguments()
    setting = Setting(mutant=options.mutant, clock=options.clock, database=options.database)
    with Sweep(setting, options.jobs) as sweep:
        points = sweep.count()
        chosen = stratified(points, 1 if options.all else options.every)
        chosen = [point for point in chosen if re.search(options.only, str(point))]
        _say(f"{len(points)} points, {len(chosen)} chosen")
        found = 0
        for nemesis in options.nemesis or NEMESES:
            mine = chosen if nemesis in ("kill", "say") else effects(chosen)
            report = sweep.strike(nemesis, mine)
            _say(report)
            found += len(report.failures)
    return 1 if found else 0


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", action="store_true", help="every point")
    parser.add_argument("--every", type=int, default=10, help="otherwise, every so manieth")
    parser.add_argument("--only", default="", help="a regular expression: points that match")
    parser.add_argument("--nemesis", action="append", choices=sorted(NEMESES), help="only these")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--clock", type=int, default=3600, help="seconds each clock is behind")
    parser.add_argument("--mutant", default="", help="a defect from mutants.py, to see it seen")
    parser.add_argument("--database", default="", help="URL of a PostgreSQL server, else SQLite")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
