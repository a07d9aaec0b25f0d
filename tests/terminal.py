"""The interactive command in a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect

from emulators.openai_server import ModelServer
from process import COMMAND, environment, workdir

ASK = "say what to do instead:"
"""The end of the question that an approval asks."""


@contextmanager
def terminal(root: Path, server: ModelServer, *words: str) -> Iterator[Any]:
    env = {**environment(root, server), "TERM": "xterm-256color", "PYTHONWARNINGS": "ignore"}
    child = pexpect.spawn(
        COMMAND, list(words), cwd=str(workdir(root)), env=env, timeout=30, dimensions=(40, 100)
    )
    try:
        child.expect("/help")
        yield child
    finally:
        child.close(force=True)


def leave(child: Any) -> None:
    child.sendline("/quit")
    child.expect("Bye")
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0
