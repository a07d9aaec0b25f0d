"""The headless contract: what scripts see of a run."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from emulators.openai_server import Call, ModelServer, calls, fault, text
from process import Ended, finish, run, start, wait_for, workdir

WRITE = calls(Call("write", {"path": "out.txt", "content": "made\n"}), content="Writing.")
RESULT_KEYS = {
    "schema_version", "session_id", "status", "exit_code", "result", "error", "usage", "cost",
    "num_turns", "iterations", "permission_denials", "jobs", "waits", "duration_ms",
}  # fmt: skip


def assert_told_once(ended: Ended, *parts: str) -> None:
    for part in parts:
        assert part in ended.err
    assert "Traceback" not in ended.err


def test_the_answer_goes_to_stdout_and_the_progress_to_stderr(tmp_path: Path) -> None:
    with ModelServer([WRITE, text("All **done**.")]) as server:
        ended = run(tmp_path, "make it", server=server)
    assert (ended.code, ended.out) == (0, "All **done**.\n")
    assert "write out.txt" in ended.err
    assert "All" not in ended.err
    assert (workdir(tmp_path) / "out.txt").read_text() == "made\n"


def test_json_is_one_true_object(tmp_path: Path) -> None:
    with ModelServer([WRITE, text("Done.", usage=(1200, 34))]) as server:
        ended = run(tmp_path, "make it", "--output-format", "json", server=server)
    result = ended.json
    assert result.keys() == RESULT_KEYS
    assert (ended.code, result["exit_code"], result["status"]) == (0, 0, "done")
    assert (result["result"], result["num_turns"], result["iterations"]) == ("Done.", 1, 2)
    assert result["usage"]["calls"] == 2
    assert result["usage"]["input_tokens"] >= 1200
    assert result["cost"]["unpriced_calls"] == 2
    assert (workdir(tmp_path) / "out.txt").exists()


def test_stream_json_is_one_event_a_line_and_the_result_last(tmp_path: Path) -> None:
    with ModelServer([WRITE, text("Done.")]) as server:
        ended = run(tmp_path, "make it", "--output-format", "stream-json", server=server)
    *events, result = ended.lines
    assert result["type"] == "result"
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["ready", "processing"]
    assert kinds[-1] == "turn_complete"
    assert {"tool_call", "tool_output", "assistant_chunk", "usage"} <= set(kinds)


def test_a_call_that_needs_a_person_is_denied_and_the_code_says_so(tmp_path: Path) -> None:
    words = ("make it", "--permission-mode", "default", "--output-format", "json")
    with ModelServer([WRITE, text("I was not allowed to.")]) as server:
        ended = run(tmp_path, *words, server=server)
    assert ended.code == 4
    assert ended.json["status"] == "denied"
    denial = ended.json["permission_denials"][0]
    assert (denial["tool"], denial["arguments"]["path"]) == ("write", "out.txt")
    assert not (workdir(tmp_path) / "out.txt").exists()


def test_a_process_killed_in_a_call_is_gone_on_with(tmp_path: Path) -> None:
    command = "echo ran >> log; echo started > started; sleep 2; echo finished"
    with ModelServer([calls(Call("bash", {"command": command})), text("Finished.")]) as server:
        process = start(tmp_path, "go", server=server)
        wait_for(workdir(tmp_path) / "started")
        process.kill()
        finish(process)
        ended = run(tmp_path, "-c", "--output-format", "json", server=server)
        told = server.requests[1].body["messages"][-1]["content"]
    assert (ended.code, ended.json["result"], ended.json["num_turns"]) == (0, "Finished.", 1)
    # What a command may have done is not done again: the model is told to look.
    assert told.startswith("Outcome unknown")
    assert (workdir(tmp_path) / "log").read_text() == "ran\n"


def test_going_on_with_a_finished_session_gives_its_answer(tmp_path: Path) -> None:
    with ModelServer([text("The answer.")]) as server:
        run(tmp_path, "go", server=server)
        ended = run(tmp_path, "-c", server=server)
    assert (ended.code, ended.out) == (0, "The answer.\n")
    assert "Nothing was left open" in ended.err


@pytest.mark.parametrize(
    ("number", "code", "status"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_saves_and_ends(tmp_path: Path, number: int, code: int, status: str) -> None:
    command = "echo $$ > started; sleep 300"
    with ModelServer([calls(Call("bash", {"command": command})), text("Went on.")]) as server:
        process = start(tmp_path, "go", "--output-format", "json", server=server)
        wait_for(workdir(tmp_path) / "started")
        began = time.monotonic()
        process.send_signal(number)
        ended = finish(process)
        assert time.monotonic() - began < 10
        assert (ended.code, ended.json["status"]) == (code, status)
        shell = int((workdir(tmp_path) / "started").read_text())
        with pytest.raises(ProcessLookupError):
            os.kill(shell, 0)
        assert run(tmp_path, "-c", "go on", server=server).out == "Went on.\n"


def test_the_iteration_limit_has_its_code(tmp_path: Path) -> None:
    with ModelServer([WRITE]) as server:
        ended = run(tmp_path, "go", "--max-iterations", "1", server=server)
    assert ended.code == 5
    assert_told_once(ended, "limit of one turn", "--max-iterations")


def test_going_in_circles_has_its_code(tmp_path: Path) -> None:
    with ModelServer([calls(Call("bash", {"command": "echo x"}))] * 6) as server:
        ended = run(tmp_path, "go", server=server)
    assert ended.code == 6
    assert_told_once(ended, "repeats itself")


def test_a_refused_key_has_its_code(tmp_path: Path) -> None:
    with ModelServer([fault("401")]) as server:
        ended = run(tmp_path, "go", "--output-format", "json", server=server)
    assert (ended.code, ended.json["exit_code"]) == (3, 3)
    assert "the key was refused" in ended.json["error"]


def test_a_dead_server_is_named(tmp_path: Path) -> None:
    ended = run(tmp_path, "go", env={"ML_INTERN_MAX_RETRIES": "0"})
    assert ended.code == 1
    assert_told_once(ended, "nothing answers at http://127.0.0.1:9/v1")


def test_a_prompt_from_stdin(tmp_path: Path) -> None:
    with ModelServer([text("Read."), text("Piped.")]) as server:
        assert run(tmp_path, "-", server=server, stdin="from stdin\n").out == "Read.\n"
        assert run(tmp_path, "-p", server=server, stdin="from a pipe\n").out == "Piped.\n"
        asked = [request.body["messages"][-1]["content"] for request in server.requests]
    assert asked == ["from stdin\n", "from a pipe\n"]


def test_a_prompt_of_five_megabytes_is_refused_before_it_costs_anything(tmp_path: Path) -> None:
    with ModelServer([]) as server:
        ended = run(tmp_path, "-", server=server, stdin="lorem ipsum dolor " * 290_000)
    assert ended.code == 2
    assert_told_once(ended, "Put the text into a file")


def test_bytes_that_are_no_text_are_replaced_and_said(tmp_path: Path) -> None:
    with ModelServer([text("ok")]) as server:
        ended = run(tmp_path, "-", server=server, stdin="caf\udce9 \x00!")
        assert server.requests[0].body["messages"][-1]["content"] == "caf\ufffd \ufffd!"
    assert ended.code == 0
    assert "2 characters" in ended.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--no-such-flag",), "No such option"),
        (("go", "--permission-mode", "sometimes"), "sometimes"),
        (("",), "There is no prompt"),
        (("-p",), "There is no prompt"),
        (("-c", "go"), "No session was run in"),
        (("-r", "abc", "go"), "No session's id begins with 'abc'"),
        (("go", "-m", "gpt-4"), "is not a model id"),
        (("go", "-m", "nosuch/model"), "no provider is called 'nosuch'"),
        (("go", "--config", "missing.json"), "missing.json does not exist"),
        (("go", "--cwd", "missing"), "there is no such folder"),
    ],
)
def test_wrong_use_is_one_message_and_code_two(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    ended = run(tmp_path, *words)
    assert ended.code == 2
    assert_told_once(ended, told)
    assert ended.out == ""


def test_whoever_reads_json_is_told_in_json_that_there_is_no_prompt(tmp_path: Path) -> None:
    ended = run(tmp_path, "-p", "--output-format", "json", stdin="")
    assert (ended.code, ended.json["exit_code"]) == (2, 2)
    assert "There is no prompt" in ended.json["error"]
    assert_told_once(ended, "There is no prompt")


def test_a_missing_key_is_code_three_and_names_the_ways_out(tmp_path: Path) -> None:
    ended = run(tmp_path, "go", "-m", "anthropic/claude-opus-4-6")
    assert ended.code == 3
    assert_told_once(ended, "ANTHROPIC_API_KEY", "ml-intern demo")


def test_an_unknown_key_in_the_configuration_is_named(tmp_path: Path) -> None:
    (workdir(tmp_path) / "config.json").write_text('{"model_nam": "x"}')
    ended = run(tmp_path, "go", "--config", "config.json", "--output-format", "json")
    assert (ended.code, ended.json["status"]) == (2, "failed")
    assert "model_nam" in ended.json["error"]
    assert "Did you mean 'model_name'?" in ended.json["error"]


def test_a_reader_that_goes_away_is_no_disaster(tmp_path: Path) -> None:
    words = ("go", "--output-format", "stream-json")
    with (
        ModelServer(iter([text("long " * 2000)])) as server,
        start(tmp_path, *words, server=server) as process,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
    assert "Traceback" not in told


def test_text_piped_into_a_session_gone_on_with_is_sent(tmp_path: Path) -> None:
    with ModelServer([text("one"), text("two")]) as server:
        run(tmp_path, "first", server=server)
        ended = run(tmp_path, "-c", server=server, stdin="the next task\n")
        assert server.requests[1].body["messages"][-1]["content"] == "the next task\n"
    assert (ended.code, ended.out) == (0, "two\n")


def test_a_stdout_that_cannot_show_the_answer_does_not_fail_the_run(tmp_path: Path) -> None:
    narrow = {"PYTHONIOENCODING": "ascii"}
    with ModelServer([text("café ✓"), text("café ✓")]) as server:
        shown = run(tmp_path, "go", server=server, env=narrow)
        told = run(tmp_path, "go", "--output-format", "json", server=server, env=narrow)
    assert (shown.code, shown.out) == (0, "caf\\xe9 \\u2713\n")
    assert (told.code, told.json["result"]) == (0, "café ✓")
