"""Stopping a turn and talking into it, in a real pseudo-terminal."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from emulators.openai_server import Call, Cut, ModelServer, Step, calls, fault, text
from process import wait_for, workdir
from terminal import (
    CTRL_C,
    CTRL_D,
    ENTER,
    ESC,
    messages,
    queue,
    terminal,
)

SLOW = Call("bash", {"command": "echo $$ > started; echo tick; sleep 300"})
YOLO = ("--permission-mode", "yolo")


@pytest.mark.parametrize("key", [CTRL_C, ESC])
def test_a_command_is_stopped_and_the_session_goes_on(tmp_path: Path, key: str) -> None:
    with ModelServer([calls(SLOW), text("Still here.")]) as server:
        with terminal(tmp_path, server, *YOLO) as seen:
            seen.enter("go")
            wait_for(workdir(tmp_path) / "started")
            seen.see("┆ tick")
            began = time.monotonic()
            seen.send(key)
            seen.see("interrupted")
            assert time.monotonic() - began < 5
            seen.enter("hello?")
            seen.see("Still here.")
            seen.leave()


@pytest.mark.parametrize("key", [CTRL_C, ESC])
def test_a_stalled_stream_is_stopped_and_what_came_is_kept(tmp_path: Path, key: str) -> None:
    stalled = Step(content="The beginning of a tale", cut=Cut("stall", after=4))
    with ModelServer([stalled]) as server, terminal(tmp_path, server) as seen:
        seen.enter("go")
        seen.see("The begin")
        seen.send(key)
        seen.see("interrupted")
        assert "The begin" in seen.text()
        seen.leave()


def test_a_wait_before_a_retry_is_stopped(tmp_path: Path) -> None:
    script = [fault("503", retry_after="40"), text("Fine.")]
    with ModelServer(script) as server, terminal(tmp_path, server) as seen:
        seen.enter("go")
        seen.see("trying again in 3")
        seen.send(ESC)
        seen.see("interrupted", 5)
        seen.enter("again")
        seen.see("Fine.")
        seen.leave()


def test_ctrl_c_twice_leaves(tmp_path: Path) -> None:
    with ModelServer([]) as server, terminal(tmp_path, server) as seen:
        seen.send("half a line")
        seen.see("half a line")
        seen.send(CTRL_C)
        seen.see("again to leave")
        assert "half a line" not in seen.text()
        seen.send(CTRL_C)
        seen.see("Bye")
        assert seen.ended() == 0


def test_ctrl_d_leaves_only_an_empty_line(tmp_path: Path) -> None:
    with ModelServer([]) as server, terminal(tmp_path, server) as seen:
        seen.send("ab" + CTRL_D)
        seen.see("> ab")
        seen.send("\x7f\x7f" + CTRL_D)
        seen.see("Bye")
        assert seen.ended() == 0


def test_ctrl_c_twice_leaves_while_it_works(tmp_path: Path) -> None:
    with ModelServer([calls(SLOW)]) as server, terminal(tmp_path, server, *YOLO) as seen:
        seen.enter("go")
        wait_for(workdir(tmp_path) / "started")
        seen.send(CTRL_C)
        seen.pump(0.2)
        seen.send(CTRL_C)
        seen.see("Bye")
        assert seen.ended() == 0


def test_a_message_typed_meanwhile_is_heard_at_the_next_step(tmp_path: Path) -> None:
    wait = Call("bash", {"command": "echo $$ > started; while [ ! -e go ]; do sleep 0.05; done"})
    with ModelServer([calls(wait), text("Heard.")]) as server:
        with terminal(tmp_path, server, *YOLO) as seen:
            queue(seen, tmp_path, "use the small model")
            (workdir(tmp_path) / "go").touch()
            seen.see("Heard.")
            assert "> use the small model" in seen.lines()
            assert "queued:" not in seen.text()
            seen.leave()
        assert [role for role, _ in messages(server)] == ["user", "assistant", "tool", "user"]
        assert messages(server)[-1] == ("user", "use the small model")


def test_a_queued_message_comes_back_when_the_turn_is_stopped(tmp_path: Path) -> None:
    with ModelServer([calls(SLOW), text("Fine.")]) as server:
        with terminal(tmp_path, server, *YOLO) as seen:
            queue(seen, tmp_path, "rather the other")
            seen.send(ESC)
            seen.see("interrupted")
            seen.until(lambda: "> rather the other" in seen.shown())
            seen.send(", please" + ENTER)
            seen.see("Fine.")
            seen.leave()
        assert messages(server)[-1] == ("user", "rather the other, please")


def test_a_queued_message_survives_a_kill(tmp_path: Path) -> None:
    with ModelServer([calls(SLOW), text("Heard.")]) as server:
        with terminal(tmp_path, server, *YOLO) as seen:
            queue(seen, tmp_path, "and do not forget this")
            seen.child.kill(9)
        with terminal(tmp_path, server, *YOLO, "-c") as seen:
            seen.see("Heard.")
            seen.leave()
        assert messages(server)[-1] == ("user", "and do not forget this")
