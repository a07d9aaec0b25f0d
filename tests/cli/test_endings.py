"""Every ending of a headless run: the exit code and the result object of a real process."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emulators.openai_server import Call, Cut, ModelServer, Step, calls, fault, text
from process import COMMAND, Ended, environment, finish, run, start, wait_for, workdir

WRITE = calls(Call("write", {"path": "out.txt", "content": "made\n"}), content="Writing.")
ECHO = calls(Call("bash", {"command": "echo x"}))
SLOW = calls(Call("bash", {"command": "echo $$ > started; sleep 300"}), content="Running it.")
STALL = Step(content="I am thinking about it. " * 9, cut=Cut("stall", after=6))
BROKEN = fault("reset")
ONCE = {"ML_INTERN_MAX_RETRIES": "0"}


@dataclass(frozen=True)
class Ending:
    """What is played, and what it must come to."""

    script: list[Step]
    status: str
    code: int
    words: tuple[str, ...] = ("go",)
    env: tuple[tuple[str, str], ...] = ()
    result: str | None = None
    """How the text kept begins; None: there is none."""
    error: str | None = None
    """A part of the reason; None: there is none."""


NO = "--permission-mode=default"
ENDINGS = {
    "done": Ending([WRITE, text("Done.")], "done", 0, result="Done."),
    "denied": Ending([WRITE, text("Could not.")], "denied", 4, ("go", NO), result="Could not."),
    "iterations": Ending([WRITE], "limit", 5, ("go", "--max-iterations=1"), result="Writing.",
                         error="limit of one turn"),
    "stuck": Ending([ECHO] * 6, "stuck", 6, error="repeats itself"),
    "nothing said": Ending([text("")] * 3, "stuck", 6, error="nothing at all"),
    "timeout": Ending([STALL], "timeout", 124, ("go", "--timeout=12"), result="I am thinking"),
    "lost midway": Ending([BROKEN], "failed", 1, env=(*ONCE.items(),), result="The learning rate",
                          error="connection was lost"),
    "key refused": Ending([fault("401")], "failed", 3, error="key was refused"),
    "unpaid": Ending([fault("402")], "failed", 3, error="credits"),
    "key missing": Ending([], "failed", 3, ("go", "-m", "anthropic/x"), error="ANTHROPIC_API_KEY"),
    "no server": Ending([fault("500")], "failed", 1, env=(*ONCE.items(),), error="had an error"),
    "no such flag": Ending([], "failed", 2, ("go", "--nope"), error="No such option"),
    "wrong value": Ending([], "failed", 2, ("go", "--effort=enormous"), error="enormous"),
    "no number": Ending([], "failed", 2, ("go", "--timeout=soon"), error="'--timeout'"),
    "no time": Ending([], "failed", 2, ("go", "--timeout=nan"), error="--timeout"),
    "empty prompt": Ending([], "failed", 2, ("",), error="There is no prompt"),
    "no session": Ending([], "failed", 2, ("-c", "go"), error="No session was run"),
    "no folder": Ending([], "failed", 2, ("go", "--cwd=gone"), error="no such folder"),
    "no config": Ending([], "failed", 2, ("go", "--config=gone.json"), error="gone.json"),
    "bad variable": Ending([], "failed", 2, env=(("ML_INTERN_MAX_RETRIES", "many"),),
                           error="ML_INTERN_MAX_RETRIES"),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
def test_an_ending_has_its_code_and_its_object(tmp_path: Path, name: str) -> None:
    """W19: a run that failed, or stopped at its limit, ended with 0."""
    ending = ENDINGS[name]
    words = (*ending.words, "--output-format", "json")
    with ModelServer(ending.script) as server:
        ended = run(tmp_path, *words, server=server, env=dict(ending.env))
    assert_ended(ended, ended.json, ending)


def assert_ended(ended: Ended, found: dict[str, Any], wanted: Ending) -> None:
    assert (ended.code, found["exit_code"], found["status"]) == (
        wanted.code, wanted.code, wanted.status,
    )  # fmt: skip
    for part, text_ in ((wanted.result, found["result"]), (wanted.error, found["error"])):
        assert (part is None) == (text_ is None), text_
        assert part is None or part in text_
    if wanted.error and wanted.status == "failed":
        assert wanted.error in ended.err
    assert "Traceback" not in ended.err
    assert bool(found["permission_denials"]) == (wanted.status == "denied")


@pytest.mark.parametrize("name", ["no such flag", "empty prompt", "no config", "lost midway"])
def test_a_stream_ends_with_the_result_whatever_happens(tmp_path: Path, name: str) -> None:
    ending = ENDINGS[name]
    words = (*ending.words, "--output-format=stream-json")
    with ModelServer(ending.script) as server:
        ended = run(tmp_path, *words, server=server, env=dict(ending.env))
    *events, result = ended.lines
    assert result["type"] == "result"
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert ended.code == result["exit_code"] == ending.code


def test_each_line_of_a_stream_is_there_when_it_happens(tmp_path: Path) -> None:
    words = ("go", "--output-format", "stream-json")
    with ModelServer([SLOW]) as server, start(tmp_path, *words, server=server) as process:
        assert process.stdout is not None
        while "tool_call" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        ended = finish(process)
    assert (ended.code, ended.lines[-1]["status"]) == (130, "interrupted")


@pytest.mark.parametrize(
    ("number", "code", "status"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"),
     (signal.SIGHUP, 143, "terminated")],
)  # fmt: skip
@pytest.mark.parametrize("phase", ["stream", "tool"])
def test_a_signal_keeps_what_was_said(
    tmp_path: Path, number: int, code: int, status: str, phase: str
) -> None:
    script, said = ([STALL], "I am thinking") if phase == "stream" else ([SLOW], "Running it.")
    words = ("go", "--output-format", "json")
    with ModelServer(script) as server, start(tmp_path, *words, server=server) as process:
        if phase == "tool":
            wait_for(workdir(tmp_path) / "started")
        else:
            wait_until(lambda: bool(server.requests))
            time.sleep(1)  # for the chunks to arrive; what came is kept, none is lost by waiting
        process.send_signal(number)
        ended = finish(process)
    assert_ended(ended, ended.json, Ending(script, status, code, result=said))


@pytest.mark.parametrize("after", [0.15, 0.3, 0.6, 1.0, 1.5])
def test_a_signal_in_the_first_second_is_told_in_json(tmp_path: Path, after: float) -> None:
    with ModelServer(iter([STALL])) as server:
        process = start(tmp_path, "go", "--output-format", "json", server=server)
        wait_until(lambda: listens(process.pid))
        time.sleep(after - 0.15)
        process.terminate()
        ended = finish(process)
    assert (ended.code, ended.json["status"]) == (143, "terminated")
    assert "Traceback" not in ended.err


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """A call that cannot be cancelled: its process ignores the signals, and its pipe stays open."""
    stubborn = "echo $$ > started; trap '' TERM INT HUP; while :; do sleep 0.1; done"
    with ModelServer([calls(Call("bash", {"command": stubborn}))]) as server:
        process = start(tmp_path, "go", "--output-format", "json", server=server)
        wait_for(workdir(tmp_path) / "started")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        ended = finish(process)
    assert time.monotonic() - began < 10
    assert (ended.code, ended.json["status"]) == (130, "interrupted")


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    with ModelServer([calls(Call("bash", {"command": "touch started; sleep 1"})), text("ok")]) as s:
        process = start(tmp_path, "go", server=s, preexec_fn=_ignore_hangup)
        wait_for(workdir(tmp_path) / "started")
        process.send_signal(signal.SIGHUP)
        ended = finish(process)
    assert (ended.code, ended.out) == (0, "ok\n")


def _ignore_hangup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def test_an_unfinished_answer_does_not_look_like_a_finished_one(tmp_path: Path) -> None:
    """In text mode it goes to stderr, and says so; stdout stays empty."""
    with ModelServer([STALL]) as server:
        ended = run(tmp_path, "go", "--timeout", "12", server=server)
    assert (ended.code, ended.out) == (124, "")
    assert "I am thinking" in ended.err
    assert "(cut off)" in ended.err


def test_what_was_denied_is_told_once_at_the_end(tmp_path: Path) -> None:
    with ModelServer([WRITE, text("Could not.")]) as server:
        ended = run(tmp_path, "go", NO, server=server)
    assert (ended.code, ended.out) == (4, "Could not.\n")
    assert ended.err.count("Denied, as it needed a person") == 1
    assert ended.err.rstrip().endswith("write out.txt")


def test_what_a_rule_denied_did_not_need_a_person(tmp_path: Path) -> None:
    script = [calls(Call("bash", {"command": "touch a"})), text("Could not.")]
    with ModelServer(script) as server:
        ended = run(tmp_path, "go", "--deny=bash(touch *)", server=server)
    assert (ended.code, ended.out) == (4, "Could not.\n")
    assert "Denied by a rule" in ended.err
    assert "needed a person" not in ended.err


@pytest.mark.parametrize("form", ["text", "json", "stream-json"])
def test_an_answer_nobody_reads_is_no_success(tmp_path: Path, form: str) -> None:
    """As for any program: 141 if the reader went away, 1 if stdout is closed or full."""
    with ModelServer(iter([text("one")] * 9)) as server:
        for shell, code in ((f"{COMMAND} go --output-format {form} | true", 141),
                            (f"{COMMAND} go --output-format {form} >&-", 1),
                            (f"{COMMAND} go --output-format {form} >/dev/full", 1)):  # fmt: skip
            ended = in_shell(tmp_path, server, f"set -o pipefail; {shell}")
            assert (shell, ended.code) == (shell, code)
            assert "Traceback" not in ended.err
            assert "Exception ignored" not in ended.err
    states = listed_states(tmp_path)
    # Where the reader of a stream goes away, the run is stopped; an answer at the end is kept.
    assert form == "stream-json" or states == ["finished"] * 3


@pytest.mark.parametrize("target", ["2>&-", "2>/dev/full", "2> >(true)"])
def test_progress_that_cannot_be_shown_stops_nothing(tmp_path: Path, target: str) -> None:
    with ModelServer([WRITE, text("Done.")]) as server:
        ended = in_shell(tmp_path, server, f"{COMMAND} go {target}")
    assert (ended.code, ended.out) == (0, "Done.\n")


def test_the_first_line_is_enough_for_head(tmp_path: Path) -> None:
    with ModelServer(iter([text("long " * 20_000)])) as server:
        ended = in_shell(tmp_path, server, f"{COMMAND} go --output-format stream-json | head -1")
        assert (ended.code, json.loads(ended.out)["type"]) == (0, "ready")
        assert ended.err == ""
    assert listed_states(tmp_path) == ["interrupted"]


def listed_states(root: Path) -> list[str]:
    return [session["state"] for session in json.loads(run(root, "sessions", "--json").out)]


def in_shell(root: Path, server: ModelServer, command: str) -> Ended:
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=workdir(root), env=environment(root, server), capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=90, check=False,
    )  # fmt: skip
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def test_words_and_a_pipe_go_together(tmp_path: Path) -> None:
    with ModelServer([text("ok"), text("ok")]) as server:
        run(tmp_path, "sum it up", "-", server=server, stdin="1\n2\n")
        ended = run(tmp_path, "sum it up", server=server, stdin="1\n2\n")
        asked = [request.body["messages"][-1]["content"] for request in server.requests]
    assert asked == ["sum it up\n\n<stdin>\n1\n2\n</stdin>", "sum it up"]
    assert "add - to the words" in ended.err


def test_a_pipe_that_nobody_writes_to_does_not_hang(tmp_path: Path) -> None:
    with open_pipe() as pipe, ModelServer([text("ok")]) as server:
        ended = finish(start(tmp_path, "go", server=server, stdin=pipe))
        assert (ended.code, ended.out) == (0, "ok\n")
        words = ("go", "-", "--timeout", "4", "--output-format", "json")
        ended = finish(start(tmp_path, *words, stdin=pipe))
    assert (ended.code, ended.json["status"]) == (124, "timeout")
    assert "reading the prompt from stdin" in ended.err


@contextmanager
def open_pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


def test_a_stdin_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with Path("/dev/null").open("wb") as unreadable:
        ended = finish(start(tmp_path, "-", "--output-format=json", stdin=unreadable))
    assert (ended.code, ended.json["exit_code"]) == (2, 2)
    assert "Stdin cannot be read" in ended.json["error"]


def test_a_pipe_that_does_not_block_gets_the_whole_answer(tmp_path: Path) -> None:
    """What it had no room for was lost."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with ModelServer([text("long " * 40_000)]) as server, os.fdopen(reading) as pipe:
        with start(tmp_path, "go", server=server, stdout=writing) as process:
            os.close(writing)
            wait_until(lambda: bool(server.requests))
            time.sleep(2)  # the pipe is full by then, on most machines
            answer = pipe.read()
            assert process.wait(60) == 0
            finish(process)
    assert len(answer.strip()) == 5 * 40_000 - 1


def test_json_on_a_terminal_has_nothing_that_one_acts_on(tmp_path: Path) -> None:
    with ModelServer([text("a\x9b31m\u202e\x7f\x1b[2Jb")]) as server:
        ours, theirs = pty.openpty()
        start(tmp_path, "go", "--output-format", "json", server=server, stdout=theirs).communicate()
        shown = os.read(ours, 10_000)
        os.close(ours)
        os.close(theirs)
    assert json.loads(shown)["result"] == "a\x9b31m\u202e\x7f\x1b[2Jb"
    assert shown.isascii()
    assert not set(shown) & {0x1B, 0x7F, 0x9B}


def listens(pid: int) -> bool:
    """Whether the process heeds SIGTERM by now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
