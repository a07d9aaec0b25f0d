"""Signals and closed terminals: what was said is saved, nothing is left running, no traceback."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from emulators.openai_server import Call, Cut, ModelServer, Step, calls, text
from process import finish, run, start, wait_for, workdir
from terminal import ASK, terminal

SLOW = calls(Call("bash", {"command": "echo $$ > started; sleep 300"}))
STALL = Step(content="I am thinking about it", cut=Cut("stall", after=4))
ENDING = [signal.SIGTERM, signal.SIGHUP]


def gone(root: Path) -> bool:
    """Whether the command that was running is."""
    try:
        os.kill(int((workdir(root) / "started").read_text()), 0)
    except ProcessLookupError:
        return True
    return False


def standing(root: Path) -> str:
    database = sqlite3.connect(root / "home/sessions.sqlite")
    ((state,),) = database.execute("SELECT state FROM sessions")
    database.close()
    return str(state)


@pytest.mark.parametrize("number", ENDING)
def test_a_headless_run_is_saved(tmp_path: Path, number: signal.Signals) -> None:
    with ModelServer([SLOW, text("Went on.")]) as server:
        process = start(tmp_path, "go", server=server)
        wait_for(workdir(tmp_path) / "started")
        process.send_signal(number)
        ended = finish(process)
        assert ended.code == 143
        assert "Traceback" not in ended.err
        assert gone(tmp_path)
        assert standing(tmp_path) == "interrupted"
        assert run(tmp_path, "-c", server=server).out == "Went on.\n"


@pytest.mark.parametrize("number", ENDING)
def test_a_conversation_is_saved_while_a_command_runs(
    tmp_path: Path, number: signal.Signals
) -> None:
    with ModelServer([SLOW, text("Went on.")]) as server:
        with terminal(tmp_path, server, "--permission-mode", "yolo") as child:
            child.enter("go")
            wait_for(workdir(tmp_path) / "started")
            child.child.kill(number)
            assert child.ended() == 143
            assert "Traceback" not in child.text()
        assert gone(tmp_path)
        assert standing(tmp_path) == "interrupted"
        assert run(tmp_path, "-c", "on", server=server).out == "Went on.\n"


@pytest.mark.parametrize("phase", ["prompt", "stream", "question"])
def test_a_conversation_is_saved_in_every_phase(tmp_path: Path, phase: str) -> None:
    script = {"prompt": [text("Hi.")], "stream": [STALL], "question": [SLOW]}[phase]
    waiting_for = {"prompt": "Hi", "stream": None, "question": ASK}[phase]
    with ModelServer([*script, text("Went on.")]) as server:
        with terminal(tmp_path, server) as child:
            child.enter("go")
            if waiting_for:
                child.see(waiting_for)
            else:
                wait_for_request(server)
            child.child.kill(signal.SIGTERM)
            assert child.ended() == 143
            assert "Traceback" not in child.text()
        assert run(tmp_path, "-c", "and now?", server=server).out == "Went on.\n"


def wait_for_request(server: ModelServer) -> None:
    while not server.requests:
        time.sleep(0.02)


def test_a_terminal_closed_while_a_command_runs_leaves_nothing_running(tmp_path: Path) -> None:
    with ModelServer([SLOW, text("Went on.")]) as server:
        with terminal(tmp_path, server, "--permission-mode", "yolo") as child:
            child.enter("go")
            wait_for(workdir(tmp_path) / "started")
            child.child.ptyproc.fileobj.close()  # what closing a window does
            child.child.wait()
            child.child.closed = child.child.ptyproc.closed = True
        assert gone(tmp_path)
        assert standing(tmp_path) == "interrupted"
        with terminal(tmp_path, server, "-c") as child:
            child.enter("on")
            child.find("Went on")
            child.leave()
