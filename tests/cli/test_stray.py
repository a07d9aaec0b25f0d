"""What is printed to stderr while the pane is shown comes above it, in whole lines."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import redirect_stderr

from ml_intern.cli.logs import Lines
from ml_intern.cli.stray import Stray


async def test_lines_are_handed_on_whole_from_any_thread() -> None:
    lines: list[str] = []
    stray = Stray(lines.append)
    with redirect_stderr(stray):
        print("one, ", end="", file=stray)
        print("more\ntwo", file=stray)
        thread = threading.Thread(target=lambda: print("three", file=stray))
        thread.start()
        thread.join()
    await asyncio.sleep(0)
    assert lines == ["one, more", "two", "three"]


async def test_log_entries_go_there_too() -> None:
    lines: list[str] = []
    entry = logging.LogRecord("x", logging.ERROR, "x.py", 1, "lost %s", ("it",), None)
    with redirect_stderr(Stray(lines.append)):
        Lines().emit(entry)
    await asyncio.sleep(0)
    assert lines == ["ml-intern: lost it"]
