"""The interactive prompt in a real pseudo-terminal."""

from __future__ import annotations

import time
from pathlib import Path

import pexpect
import pytest

from emulators.openai_server import Call, Cut, ModelServer, Step, calls, text
from process import workdir
from terminal import ASK, leave, terminal

RUN = Call("bash", {"command": "echo ran > ran.txt; echo it-ran"})


def test_a_conversation(tmp_path: Path) -> None:
    with ModelServer([text("Hello **you**."), text("Again.")]) as server:
        with terminal(tmp_path, server) as child:
            child.sendline("hi")
            child.expect("Hello")
            child.sendline("/status")
            child.expect("messages +2")
            child.sendline("more")
            child.expect("Again")
            leave(child)


@pytest.mark.parametrize(
    ("keys", "expected", "ran"),
    [
        (["y"], "it-ran", True),
        (["n"], "not approved", False),
        (["", "Y"], "it-ran", True),
        (["Rather use Train.PY"], "Rather use Train.PY", False),
    ],
)
def test_an_approval(tmp_path: Path, keys: list[str], expected: str, ran: bool) -> None:
    with ModelServer([calls(RUN), text("Finished.")]) as server:
        with terminal(tmp_path, server) as child:
            child.sendline("go")
            for key in keys:
                child.expect(ASK)
                child.sendline(key)
            child.expect(expected)
            child.expect("Finished")
            leave(child)
    assert (workdir(tmp_path) / "ran.txt").exists() == ran


def test_an_edited_call_runs_as_edited(tmp_path: Path) -> None:
    with ModelServer([calls(RUN), text("Finished.")]) as server:
        with terminal(tmp_path, server) as child:
            child.sendline("go")
            child.expect(ASK)
            child.sendline("e")
            child.expect("arguments")
            child.send("\x01\x0b")  # to the start of the line, and cut all of it
            child.sendline('{"command": "echo edited > edited.txt"}')
            child.expect("Finished")
            leave(child)
    assert (workdir(tmp_path) / "edited.txt").read_text() == "edited\n"
    assert not (workdir(tmp_path) / "ran.txt").exists()


def test_ctrl_c_at_the_question_ends_the_turn(tmp_path: Path) -> None:
    """W24 and the dead-lock behind it: nothing waits for an answer that will not come."""
    with ModelServer([calls(RUN), text("Fine.")]) as server:
        with terminal(tmp_path, server) as child:
            child.sendline("go")
            child.expect(ASK)
            child.sendintr()
            child.expect("interrupted")
            child.sendline("then not")
            child.expect("Fine")
            leave(child)


def test_ctrl_c_stops_a_command_and_the_session_goes_on(tmp_path: Path) -> None:
    slow = Call("bash", {"command": "echo $$ > started; sleep 300"})
    with ModelServer([calls(slow), text("Still here.")]) as server:
        with terminal(tmp_path, server, "--permission-mode", "yolo") as child:
            child.sendline("go")
            while not (workdir(tmp_path) / "started").exists():
                time.sleep(0.05)
            began = time.monotonic()
            child.sendintr()
            child.expect("interrupted")
            assert time.monotonic() - began < 5
            child.sendline("hello?")
            child.expect("Still here")
            leave(child)


def test_ctrl_c_stops_a_stalled_stream_and_shows_what_came(tmp_path: Path) -> None:
    stalled = Step(content="The beginning of a tale", cut=Cut("stall", after=4))
    with ModelServer([stalled]) as server, terminal(tmp_path, server) as child:
        child.sendline("go")
        while not server.requests:
            time.sleep(0.05)
        time.sleep(0.5)
        child.sendintr()
        child.expect("The begin")
        child.expect("interrupted")
        leave(child)


def test_ctrl_c_twice_leaves(tmp_path: Path) -> None:
    with ModelServer([]) as server, terminal(tmp_path, server) as child:
        child.sendintr()
        child.expect("again to leave")
        child.sendintr()
        child.expect("Bye")
        child.expect(pexpect.EOF)


def test_ctrl_c_twice_leaves_while_it_works(tmp_path: Path) -> None:
    slow = Call("bash", {"command": "echo $$ > started; sleep 300"})
    with ModelServer([calls(slow)]) as server:
        with terminal(tmp_path, server, "--permission-mode", "yolo") as child:
            child.sendline("go")
            while not (workdir(tmp_path) / "started").exists():
                time.sleep(0.05)
            child.sendintr()
            time.sleep(0.3)  # two signals of a kind at once are one to the kernel
            child.sendintr()
            child.expect("Bye")
            child.expect(pexpect.EOF)


def test_a_question_is_asked_again_after_the_terminal_was_closed(tmp_path: Path) -> None:
    with ModelServer([calls(RUN), text("Finished.")]) as server:
        with terminal(tmp_path, server) as child:
            child.sendline("go")
            child.expect(ASK)
        with terminal(tmp_path, server, "-c") as child:
            child.expect(ASK)
            child.sendline("y")
            child.expect("it-ran")
            child.expect("Finished")
            leave(child)


def test_markup_in_data_is_shown_not_interpreted(tmp_path: Path) -> None:
    """W15: brackets in an output must neither vanish nor stop the display."""
    echo = Call("bash", {"command": "echo '[/INST] [bold]x[/bold]'; printf 'a\\033[31mb\\n'"})
    with ModelServer([calls(echo), text("Fin [/INST].")]) as server:
        with terminal(tmp_path, server, "--permission-mode", "yolo") as child:
            child.sendline("go")
            child.expect_exact("[/INST] [bold]x[/bold]")
            child.expect_exact("Fin [/INST].")
            leave(child)


def test_commands_and_paths_are_told_apart(tmp_path: Path) -> None:
    with ModelServer([text("A path."), text("Fresh.")]) as server:
        with terminal(tmp_path, server) as child:
            child.sendline("/bogus")
            child.expect("Unknown command /bogus")
            child.sendline("/help")
            child.expect("/status")
            child.sendline("/data/foo is my dataset")
            child.expect("A path")
            child.sendline("/new")
            child.expect("new session")
            child.sendline("hello")
            child.expect("Fresh")
            leave(child)
        assert [m["role"] for m in server.requests[1].body["messages"]] == ["system", "user"]
