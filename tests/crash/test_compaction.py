"""Killed while the history is being shortened: it goes on, and no call happens twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from itertools import count, repeat
from pathlib import Path

import pytest

from emulators.openai_server import Call, ModelServer, Step, calls, text
from emulators.script import Body
from process import finish, run, start, workdir

WINDOW = {"ML_INTERN_CONTEXT_WINDOW": "17000"}
SAID = "I look at the numbers and go on. " * 300
CALLS = 12


class Provider:
    """Calls `bash` until it is enough; kills whoever asks for the summary with this number."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.child: subprocess.Popen[str] | None = None
        self.numbers = count(1)
        self.summaries = 0

    def __call__(self, body: Body) -> Step:
        if "tools" not in body:
            self.summaries += 1
            if self.summaries == self.fatal:
                assert self.child
                os.kill(self.child.pid, signal.SIGKILL)
            return text("SUMMARY of the steps.")
        number = next(self.numbers)
        if number > CALLS:
            return text("Done.")
        return calls(Call("bash", {"command": f"echo {number} >> log"}), content=SAID)


@pytest.mark.parametrize("fatal", [1, 2])
def test_killed_in_the_middle_of_a_summary(tmp_path: Path, fatal: int) -> None:
    provider = Provider(fatal)
    with ModelServer(lambda: repeat(provider)) as server:
        words = ("Never touch data/.", "--output-format", "json")
        provider.child = start(tmp_path, *words, server=server, env=WINDOW)
        assert finish(provider.child).code == -signal.SIGKILL
        ended = run(tmp_path, "-c", "--output-format", "json", server=server, env=WINDOW)
        last = json.dumps(server.bodies[-1])
    assert (ended.code, ended.json["result"]) == (0, "Done.")
    log = (workdir(tmp_path) / "log").read_text().split()
    assert log == [str(number) for number in range(1, CALLS + 1)]
    assert "SUMMARY of the steps." in last
    assert "Never touch data/." in last
    exported = run(tmp_path, "sessions", "export", ended.json["session_id"][:8], "--format", "json")
    whole = json.dumps(json.loads(exported.out))
    assert all(f"echo {number} >> log" in whole for number in range(1, CALLS + 1))
