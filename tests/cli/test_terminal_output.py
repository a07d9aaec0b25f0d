"""The real commands on a real pseudo-terminal, given what would act on it."""

from __future__ import annotations

import os
import pty
import re
import select
import sqlite3
from pathlib import Path

import pyte
import pytest

from emulators.openai_server import Call, ModelServer, calls, text
from process import start
from sequences import DANGEROUS, leaks

HOSTILE = "begin " + " ".join(s for s in DANGEROUS if "\ud83d" not in s) + " end"
_STYLE = re.compile(r"\x1b\[[\d;]*m")
"""What Rich writes itself; no style of it hides text."""


def shown(root: Path, *words: str, server: ModelServer | None = None) -> str:
    """All that the command sent to its terminal, and what is left of it without Rich's styles."""
    ours, theirs = pty.openpty()
    env = {"TERM": "xterm-256color", "PYTHONWARNINGS": "ignore", "COLUMNS": "200"}
    process = start(root, *words, server=server, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    sent = b"".join(iter(lambda: _read(ours), b""))
    process.wait(timeout=60)
    os.close(ours)
    return _STYLE.sub("", sent.decode()).replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16) if select.select([terminal], [], [], 60)[0] else b""
    except OSError:  # Linux says so when the other end is closed
        return b""


class Recorder(pyte.Screen):
    """An emulator that knows what would have happened to its title."""

    def set_title(self, param: str) -> None:
        super().set_title(param)
        raise AssertionError(f"the title was set: {param}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """With a session whose every part is hostile."""
    command = f"echo '{HOSTILE}'".replace("\0", "")
    with ModelServer([calls(Call("bash", {"command": command})), text(HOSTILE)]) as server:
        seen = shown(tmp_path, "go", server=server)
    assert " end" in seen
    assert not leaks(seen)
    return tmp_path


def test_no_command_passes_on_what_a_session_holds(root: Path) -> None:
    database = sqlite3.connect(root / "home/sessions.sqlite")
    ((found,),) = database.execute("SELECT id FROM sessions")
    with database:
        database.execute("UPDATE sessions SET title = ?, cwd = ?", (HOSTILE, f"/gone{HOSTILE}"))
    database.close()
    commands = (
        ("sessions",), ("sessions", "--json"), ("sessions", "export", found, "--full"),
        ("sessions", "export", found, "--format", "json"), ("undo", "-r", found), ("doctor",),
        ("-r", found, "go on"), (f"--{HOSTILE}".replace("\0", ""),),
        ("sessions", "rename", found, HOSTILE.replace("\0", "")[:199]),
    )  # fmt: skip
    for words in commands:
        seen = shown(root, *words)
        assert seen.strip(), words
        assert not leaks(seen), words
        pyte.Stream(Recorder(200, 50)).feed(seen)
