"""The interactive command in a real pseudo-terminal, its screen read by a terminal emulator."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pyte

from emulators.openai_server import ModelServer
from process import COMMAND, environment, wait_for, workdir

ASK = "your answer:"
"""What stands before the input while a question takes answers."""

CTRL_C, CTRL_D, ESC, ENTER, SHIFT_TAB, ALT_ENTER = "\x03", "\x04", "\x1b", "\r", "\x1b[Z", "\x1b\r"
_SECONDS = 30


class Terminal:
    """A child on a pseudo-terminal, and what a person sees of it."""

    def __init__(self, child: Any, rows: int, columns: int) -> None:
        self.child = child
        self.screen = pyte.HistoryScreen(columns, rows, history=5000, ratio=0.5)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""

    def lines(self) -> list[str]:
        """All rows, those that scrolled away first."""
        columns = range(self.screen.columns)
        gone = ["".join(row[x].data for x in columns) for row in self.screen.history.top]
        return [row.rstrip() for row in [*gone, *self.screen.display]]

    def text(self) -> str:
        return "\n".join(self.lines()).rstrip()

    def shown(self) -> str:
        """What is visible now."""
        return "\n".join(row.rstrip() for row in self.screen.display).rstrip()

    def send(self, keys: str) -> None:
        self.child.send(keys)

    def enter(self, line: str) -> None:
        self.child.send(line + ENTER)

    def answer(self, line: str) -> None:
        """Answer the question that is open, or is about to be."""
        self.until(lambda: ASK in self.shown())
        self.enter(line)
        self.until(lambda: ASK not in self.shown())

    def pump(self, seconds: float = 0.05) -> None:
        """Take in what arrives within `seconds`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                data = self.child.read_nonblocking(65536, timeout=min(left, 0.05))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                return
            self.raw += data
            self._stream.feed(data)

    def until(self, true: Callable[[], bool], seconds: float = _SECONDS) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"it never came:\n{self.text()}"
            self.pump()

    def see(self, what: str, seconds: float = _SECONDS) -> None:
        """Wait until `what` is among the rows."""
        self.until(lambda: what in self.text(), seconds)

    def find(self, pattern: str, seconds: float = _SECONDS) -> None:
        """Wait until the regular expression matches somewhere in the rows."""
        self.until(lambda: re.search(pattern, self.text()) is not None, seconds)

    def rest(self) -> None:
        """Wait until nothing is under way."""
        self.until(lambda: "Esc stops" not in self.shown())

    def resize(self, rows: int, columns: int) -> None:
        self.child.setwinsize(rows, columns)
        self.screen.resize(rows, columns)

    def ended(self) -> int:
        """Wait for the end of the process; its exit code, negative for a signal."""
        end = time.monotonic() + _SECONDS
        while self.child.isalive():
            assert time.monotonic() < end, f"it did not end:\n{self.text()}"
            self.pump()
        self.pump()
        status = self.child.exitstatus
        return int(-self.child.signalstatus if status is None else status)

    def leave(self) -> None:
        self.enter("/quit")
        self.see("Bye")
        assert self.ended() == 0


def messages(server: ModelServer, request: int = -1) -> list[tuple[str, str]]:
    """Role and text of what a request held, the system prompt left out."""
    sent = server.requests[request].body["messages"]
    return [(one["role"], str(one.get("content"))) for one in sent if one["role"] != "system"]


def queue(seen: Terminal, root: Path, line: str) -> None:
    """Say `line` while a command runs that has written `started`."""
    seen.enter("begin")
    wait_for(workdir(root) / "started")
    seen.enter(line)
    seen.see(f"queued: {line}")


@contextmanager
def spawned(
    root: Path, server: ModelServer | None, *words: str, rows: int = 40, columns: int = 100,
    **variables: str,
) -> Iterator[Terminal]:  # fmt: skip
    env = {
        **environment(root, server),
        "TERM": "xterm-256color",
        "PYTHONWARNINGS": "ignore",
        **variables,
    }
    child = pexpect.spawn(
        COMMAND, list(words), cwd=str(workdir(root)), env=env, dimensions=(rows, columns)
    )
    child.delaybeforesend = None
    try:
        yield Terminal(child, rows, columns)
    finally:
        child.close(force=True)


@contextmanager
def terminal(
    root: Path, server: ModelServer, *words: str, rows: int = 40, columns: int = 100,
    **variables: str,
) -> Iterator[Terminal]:  # fmt: skip
    """A conversation that is ready for a line."""
    with spawned(root, server, *words, rows=rows, columns=columns, **variables) as seen:
        seen.see("/help")
        yield seen
