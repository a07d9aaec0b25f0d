"""Makes the pictures of the README: the real command in a real pseudo-terminal, a scripted model.

    uv run python docs/pictures.py

Each picture is what the screen showed at that moment, as SVG; they differ from run to run only in
times and session ids.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.text import Text

from emulators.openai_server import Call, ModelServer, Step, calls
from process import workdir
from terminal import ASK, Terminal, terminal

HERE = Path(__file__).parent
ROWS, COLUMNS = 30, 96
COLOURS = {"brown": "yellow", "brightbrown": "bright_yellow"}
"""pyte's names of two colours, as Rich calls them."""

TRAIN = '''"""Fine-tune a classifier."""
LEARNING_RATE = 5e-3
EPOCHS = 3

for epoch in range(EPOCHS):
    print(f"epoch {epoch + 1}  loss {1.9 / (epoch + 1):.3f}", flush=True)
'''
ITEMS = ("Look at the data", "Lower the learning rate", "Train, and compare")


def plan(*states: str) -> Call:
    todos = [
        {"id": str(number), "content": content, "status": state}
        for number, (content, state) in enumerate(zip(ITEMS, states, strict=True), start=1)
    ]
    return Call("plan_tool", {"todos": todos})


SCRIPT = [
    calls(plan("completed", "in_progress", "pending"), Call("read", {"path": "train.py"})),
    calls(Call("edit", {"path": "train.py", "old_str": "LEARNING_RATE = 5e-3",
                        "new_str": "LEARNING_RATE = 2e-5"})),
    calls(Call("bash", {"command": "python3 train.py && sleep 12",
                        "description": "Train with the new learning rate"})),
    calls(plan("completed", "completed", "completed")),
    Step(content="The loss falls from **1.900** to **0.633** in three epochs:\n\n"
         "| epoch | loss |\n|---|---|\n| 1 | 1.900 |\n| 2 | 0.950 |\n| 3 | 0.633 |\n\n"
         "The learning rate in `train.py` was 250 times too high."),
]  # fmt: skip


def picture(seen: Terminal, name: str, title: str) -> None:
    """Save what is visible now as `docs/<name>.svg`."""
    console = Console(width=COLUMNS, record=True, force_terminal=True, file=io.StringIO())
    for row in range(last_row(seen) + 1):
        console.print(line(seen, row), no_wrap=True, crop=True)
    # Without the fonts that Rich would have a browser fetch from elsewhere.
    form = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title=title, code_format=form, unique_id=name)
    (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")
    print(f"docs/{name}.svg")


def open_null() -> object:
    return Path("/dev/null").open("w")


def last_row(seen: Terminal) -> int:
    return max(n for n, row in enumerate(seen.screen.display) if row.strip())


def line(seen: Terminal, row: int) -> Text:
    text = Text()
    for column in range(COLUMNS):
        cell = seen.screen.buffer[row][column]
        text.append(cell.data, Style(color=colour(cell.fg), bold=cell.bold, reverse=cell.reverse))
    return text


def colour(name: str) -> str | None:
    """Pyte's name of a colour as Rich's; hexadecimal ones as they are."""
    if name == "default":
        return None
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    return COLOURS.get(name, re.sub(r"^bright(?=[a-z])", "bright_", name))


def main() -> None:
    with tempfile.TemporaryDirectory() as root, ModelServer(SCRIPT) as server:
        (workdir(Path(root)) / "train.py").write_text(TRAIN)
        with terminal(Path(root), server, rows=ROWS, columns=COLUMNS) as seen:
            seen.enter("The loss of train.py explodes. Find out why and mend it.")
            seen.until(lambda: ASK in seen.shown())
            picture(seen, "approval", "ml-intern: a change waits for approval")
            seen.enter("y")
            seen.until(lambda: "python3 train.py && sleep" in seen.shown() and ASK in seen.shown())
            seen.enter("y")
            seen.see("epoch 3")
            seen.enter("Also tell me why it exploded.")
            seen.see("queued:")
            picture(seen, "working", "ml-intern: a command runs, a message is queued")
            seen.see("250 times")
            seen.rest()
            seen.enter("/context")
            seen.see("tool results")
            picture(seen, "answer", "ml-intern: the answer, and what fills the window")
            seen.leave()


if __name__ == "__main__":
    main()
