"""What following 10,000 unrelated small files costs a turn.

Goal: under 150 ms in all (begin and end) with nothing or one file changed; the very first begin a
few seconds at most.

Figures: see `benchmarks/figures.md`.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ml_intern.checkpoints.workspace import Workspace

FILES = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
IGNORED = "".join(f"ignored{number}/\n*.skip{number}\n" for number in range(20))


def fill(root: Path) -> int:
    """Text that compresses like code, in folders of 50."""
    words = [f"name_{number}" for number in range(2000)]
    chance = random.Random(1)
    root.mkdir()
    (root / ".gitignore").write_text(IGNORED)
    for number in range(FILES):
        folder = root / f"package{number // 50}"
        folder.mkdir(exist_ok=True)
        text = " = ".join(chance.choices(words, k=chance.randrange(20, 400)))
        (folder / f"module_{number}.py").write_text(text)
    return sum(path.stat().st_size for path in root.rglob("*.py"))


def milliseconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def turns(
    workspace: Workspace, first: int, change: Callable[[int], object], count: int = 9
) -> None:
    begins, ends = [], []
    for turn in range(first, first + count):
        begins.append(milliseconds(lambda: workspace.begin(turn)))  # noqa: B023 - called at once
        change(turn)
        ends.append(milliseconds(lambda: workspace.end(turn)))  # noqa: B023
    begin, end = statistics.median(begins), statistics.median(ends)
    print(f"  begin {begin:5.0f} ms, end {end:5.0f} ms, together {begin + end:5.0f} ms")


def many(root: Path, turn: int) -> None:
    for number in range(0, min(FILES, 1000)):
        (root / f"package{number // 50}" / f"module_{number}.py").write_text(f"{turn} {number}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, root = Path(folder, "store"), Path(folder, "project")
        size = fill(root)
        os.sync()
        time.sleep(2.5)  # files changed just now are not trusted
        workspace = Workspace(store, root, "a", home=Path(folder, "home"))
        print(f"{FILES} files, {size / 1e6:.1f} MB")
        print(f"  first begin, cold {milliseconds(lambda: workspace.begin(1)):.0f} ms")
        print(f"  store {workspace.size() / 1e6:.1f} MB")
        workspace.end(1)
        print("nothing changed, warm:")
        turns(workspace, 100, lambda _: None)
        print("one file changed a turn, warm:")
        changed = root / "package7" / "module_350.py"
        turns(workspace, 200, lambda turn: changed.write_text(f"turn {turn}"))
        print("1,000 files changed in a turn:")
        turns(workspace, 300, lambda turn: many(root, turn), count=1)
        print(f"  undo {milliseconds(lambda: workspace.undo([300])):.0f} ms")
        workspace.close()
        workspace = Workspace(store, root, "b", home=Path(folder, "home"))
        print(f"new process: begin {milliseconds(lambda: workspace.begin(1)):.0f} ms")
        workspace.end(1)
        print(f"store after all {workspace.size() / 1e6:.1f} MB")
        workspace.close()


if __name__ == "__main__":
    main()
