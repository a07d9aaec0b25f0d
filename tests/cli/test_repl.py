"""The conversation in a real pseudo-terminal, its screen read as a person reads it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from emulators.openai_server import Call, Cut, ModelServer, Step, calls, fault, text
from process import wait_for, workdir
from terminal import (
    ALT_ENTER,
    ASK,
    CTRL_C,
    CTRL_D,
    ENTER,
    ESC,
    SHIFT_TAB,
    Terminal,
    spawned,
    terminal,
)

RUN = Call("bash", {"command": "echo ran > ran.txt; echo it-ran"})
SLOW = Call("bash", {"command": "echo $$ > started; echo tick; sleep 300"})
YOLO = ("--permission-mode", "yolo")


def messages(server: ModelServer, request: int = -1) -> list[tuple[str, str]]:
    sent = server.requests[request].body["messages"]
    return [(one["role"], str(one.get("content"))) for one in sent if one["role"] != "system"]


def test_a_conversation(tmp_path: Path) -> None:
    with ModelServer([text("Hello **you**."), text("Again.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("hi")
            seen.see("Hello you.")
            assert "> hi" in seen.lines()
            seen.rest()
            seen.enter("/status")
            seen.find("messages +2")
            seen.enter("more")
            seen.see("Again.")
            seen.leave()
        assert "thinking" not in seen.text()


def test_text_is_shown_while_it_arrives_and_then_once(tmp_path: Path) -> None:
    words = " ".join(f"word{n}" for n in range(40))
    slowly = Step(content=f"{words}\n\n- one\n- two", piece=12, chunk_delay=0.1)
    with ModelServer([slowly]) as server, terminal(tmp_path, server) as seen:
        seen.enter("go")
        seen.see("word5")
        assert "word39" not in seen.text()
        assert "writing" in seen.shown()
        seen.find(r"• two")
        seen.until(lambda: "writing" not in seen.shown())
        assert [seen.text().count(f"word{n}") for n in (20, 21, 39)] == [1, 1, 1]
        seen.leave()


@pytest.mark.parametrize(
    ("keys", "expected", "ran"),
    [
        (["y"], "it-ran", True),
        (["n"], "not approved", False),
        (["", "Y"], "it-ran", True),
        (["x", "y"], "'x' is none of the keys", True),
        (["v", "y"], "it-ran", True),
        (["Rather use Train.PY"], "Rather use Train.PY", False),
    ],
)
def test_an_approval(tmp_path: Path, keys: list[str], expected: str, ran: bool) -> None:
    with ModelServer([calls(RUN), text("Finished.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("go")
            for key in keys:
                seen.answer(key)
            seen.see(expected)
            seen.see("Finished.")
            seen.leave()
    assert (workdir(tmp_path) / "ran.txt").exists() == ran


def test_several_calls_are_asked_one_by_one_or_all_at_once(tmp_path: Path) -> None:
    def touch(name: str) -> Call:
        return Call("bash", {"command": f"touch {name}"})

    three = calls(touch("a"), touch("b"), touch("c"))
    with ModelServer([three, three, text("Finished.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("go")
            seen.answer("n")
            seen.see("[2/3]")
            seen.answer("yy")
            seen.until(lambda: seen.text().count("[1/3]") == 2)
            assert sorted(p.name for p in workdir(tmp_path).iterdir()) == ["b", "c"]
            seen.answer("nn")
            seen.see("Finished.")
            seen.leave()


def test_an_edited_call_runs_as_edited(tmp_path: Path) -> None:
    with ModelServer([calls(RUN), text("Finished.")]) as server:
        with terminal(tmp_path, server, EDITOR="") as seen:
            seen.enter("go")
            seen.answer("e")
            seen.see("edit:")
            seen.send("\x1b>" + "\x15\x7f" * 4)  # from its end, take out line after line
            seen.enter('{"command": "echo edited > edited.txt"}')
            seen.see("Finished.")
            seen.leave()
    assert (workdir(tmp_path) / "edited.txt").read_text() == "edited\n"
    assert not (workdir(tmp_path) / "ran.txt").exists()


def test_a_text_is_edited_in_the_editor(tmp_path: Path) -> None:
    script = tmp_path / "editor.sh"
    script.write_text('#!/bin/sh\nsed -i s/small/large/ "$1"; echo edited by $0 > edited.log\n')
    script.chmod(0o755)
    write = Call("write", {"path": "train.py", "content": "size = 'small'\nrun(size)\n"})
    with ModelServer([calls(write), text("Finished.")]) as server:
        with terminal(tmp_path, server, EDITOR=str(script)) as seen:
            seen.enter("go")
            seen.answer("e")
            seen.see("Finished.")
            seen.leave()
    assert (workdir(tmp_path) / "train.py").read_text() == "size = 'large'\nrun(size)\n"


def test_always_takes_the_rule_that_was_shown(tmp_path: Path) -> None:
    first = Call("bash", {"command": "git status --short"})
    again = Call("bash", {"command": "git status"})
    script = [calls(first), calls(again), text("Done.")]
    with ModelServer(script) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("go")
            seen.answer("a")
            seen.see("Never ask again for: bash(git status *)")
            seen.until(lambda: "where:" in seen.shown())
            seen.enter("p")
            seen.see("Done.")
            seen.leave()
        assert seen.text().count("y approve") == 1
    kept = json.loads((tmp_path / ".config/ml-intern/permissions.json").read_text())
    assert kept["projects"] == {str(workdir(tmp_path)): ["bash(git status *)"]}


def test_keys_typed_ahead_never_answer(tmp_path: Path) -> None:
    """What was on its way when the question came is a message of its own."""
    with ModelServer([calls(RUN), text("Finished.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("go")
            while ASK not in seen.shown():
                seen.send("y")
                seen.pump(0.15)
                if "y approve" in seen.text():
                    seen.send(ENTER)
                    break
            seen.answer("n")
            seen.see("Finished.")
            seen.leave()
        assert set(messages(server)[-1][1]) == {"y"}
    assert not (workdir(tmp_path) / "ran.txt").exists()


@pytest.mark.parametrize("key", [CTRL_C, ESC])
def test_the_question_can_be_left_and_the_turn_with_it(tmp_path: Path, key: str) -> None:
    """W24 and the dead-lock behind it: nothing waits for an answer that will not come."""
    with ModelServer([calls(RUN), text("Fine.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("go")
            seen.until(lambda: ASK in seen.shown())
            seen.send(key)
            seen.see("interrupted")
            seen.enter("then not")
            seen.see("Fine.")
            seen.leave()


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
            seen.enter("begin")
            wait_for(workdir(tmp_path) / "started")
            seen.enter("use the small model")
            seen.see("queued: use the small model")
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
            seen.enter("begin")
            wait_for(workdir(tmp_path) / "started")
            seen.enter("rather the other")
            seen.see("queued: rather the other")
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
            seen.enter("begin")
            wait_for(workdir(tmp_path) / "started")
            seen.enter("and do not forget this")
            seen.see("queued: and do not forget this")
            seen.child.kill(9)
        with terminal(tmp_path, server, *YOLO, "-c") as seen:
            seen.see("Heard.")
            seen.leave()
        assert messages(server)[-1] == ("user", "and do not forget this")


def test_several_lines(tmp_path: Path) -> None:
    with ModelServer([text("Read."), text("Pasted.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.send("one" + ALT_ENTER + "two\\" + ENTER + "three" + ENTER)
            seen.see("Read.")
            seen.send("\x1b[200~a\nb\n/quit\nc\x1b[201~")
            seen.see("  c")
            assert len(server.requests) == 1  # a pasted newline sends nothing
            seen.send(ENTER)
            seen.see("Pasted.")
            seen.leave()
        assert messages(server, 0)[-1] == ("user", "one\ntwo\nthree")
        assert messages(server, 1)[-1] == ("user", "a\nb\n/quit\nc")


def test_history_is_kept_on_disk(tmp_path: Path) -> None:
    with ModelServer([text("One."), text("Two.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("a message to repeat")
            seen.see("One.")
            seen.leave()
        with terminal(tmp_path, server) as seen:
            seen.send("\x1b[A")  # up: /quit
            seen.until(lambda: "> /quit" in seen.shown())
            seen.send("\x1b[A")
            seen.until(lambda: "> a message to repeat" in seen.shown())
            seen.send(ENTER)
            seen.see("Two.")
            seen.leave()


def test_completion(tmp_path: Path) -> None:
    (workdir(tmp_path) / "data").mkdir()
    (workdir(tmp_path) / "data" / "train.jsonl").touch()
    (workdir(tmp_path) / "esc\x1b]0;owned\x07.txt").touch()
    with ModelServer([text("Seen.")]) as server, terminal(tmp_path, server) as seen:
        seen.send("/co")
        seen.see("/compact")
        seen.see("/context")
        seen.send("\x15/mode ")
        seen.see("accept-edits")
        seen.send("\x15look at @da")
        seen.see("data/")
        seen.send("\t")
        seen.see("@data/")
        seen.send("tr")
        seen.see("train.jsonl")
        seen.send("\t" + ENTER)
        seen.see("Seen.")
        assert messages(server)[-1][1].strip() == "look at @data/train.jsonl"
        seen.leave()


def test_a_shell_line_of_ones_own(tmp_path: Path) -> None:
    with ModelServer([text("I see.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("!echo from-me $OPENAI_API_KEY; exit 3")
            seen.see("│ from-me sk-test")
            seen.enter("!sleep 300")
            seen.see("running")
            seen.send(ESC)
            seen.see("stopped")
            seen.enter("what was that?")
            seen.see("I see.")
            seen.leave()
        said = messages(server)[-1][1]
        assert said.startswith("what was that?\n\n[I ran this myself: echo from-me")
        assert "code 3" in said


def test_modes_are_switched_by_key_and_by_word(tmp_path: Path) -> None:
    write = Call("write", {"path": "made.txt", "content": "x"})
    with ModelServer([calls(write), text("Done."), calls(RUN), text("Ran.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.send(SHIFT_TAB)
            seen.see("accept-edits mode")
            seen.enter("go")
            seen.see("Done.")
            seen.enter("/mode sideways")
            seen.see("is no mode. Choices: plan, default, accept-edits, yolo")
            seen.enter("/yolo")
            seen.see("yolo mode: asks for nothing")
            seen.enter("run")
            seen.see("Ran.")
            seen.leave()
        assert ASK not in seen.text()


def test_a_long_output_is_folded_and_shown_whole_on_demand(tmp_path: Path) -> None:
    long = Call("bash", {"command": "seq -f 'line %g' 1 100"})
    with ModelServer([calls(long), text("Done.")]) as server:
        with terminal(tmp_path, server, *YOLO) as seen:
            seen.enter("go")
            seen.see("… 94 more lines, 745 bytes · /show 1")
            seen.see("Done.")
            assert "line 50" not in seen.text()
            seen.enter("/show 7")
            seen.see("no folded output '7'")
            seen.enter("/show")
            seen.see("line 50")
            seen.leave()


@pytest.mark.parametrize(("rows", "columns"), [(10, 30), (24, 80), (60, 200)])
def test_a_resize_leaves_one_prompt_and_loses_nothing(
    tmp_path: Path, rows: int, columns: int
) -> None:
    wait = Call("bash", {"command": "echo $$ > started; while [ ! -e go ]; do sleep 0.05; done"})
    with ModelServer([calls(wait), text("The end.")]) as server:
        with terminal(tmp_path, server, *YOLO) as seen:
            seen.enter("begin")
            wait_for(workdir(tmp_path) / "started")
            seen.resize(rows, columns)
            seen.pump(0.5)
            assert all(len(row) <= columns for row in seen.screen.display)
            (workdir(tmp_path) / "go").touch()
            seen.see("The end.")
            seen.rest()
            seen.enter("/status")
            seen.find("messages +4")
            seen.leave()


def test_a_narrow_terminal_without_colours(tmp_path: Path) -> None:
    with ModelServer([calls(RUN), text("A rather long line of text, wrapped.")]) as server:
        words = {"NO_COLOR": "1"}
        with terminal(tmp_path, server, rows=20, columns=32, **words) as seen:
            seen.enter("go")
            seen.answer("y")
            seen.see("wrapped.")
            seen.leave()
        assert coloured(seen) == []


def coloured(seen: Terminal) -> list[bytes]:
    codes = re.findall(rb"\x1b\[([\d;]*)m", seen.raw)
    return [c for code in codes for c in code.split(b";") if c and 30 <= int(c) <= 107]


def test_the_resume_picker_and_another_session(tmp_path: Path) -> None:
    with ModelServer([text("One."), text("Two."), text("Three.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("the first")
            seen.see("One.")
            seen.enter("/new")
            seen.until(lambda: seen.text().count("new session") == 2)
            seen.enter("the second")
            seen.see("Two.")
            seen.enter("/resume")
            seen.see("Which one?")
            seen.enter("2")
            seen.see("resumed session")
            seen.enter("go on")
            seen.see("Three.")
            seen.leave()
        assert [text for role, text in messages(server) if role == "user"] == ["the first", "go on"]


def test_a_session_that_is_not_there_is_said_and_the_conversation_goes_on(tmp_path: Path) -> None:
    with ModelServer([text("One."), text("Two.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("hi")
            seen.see("One.")
            seen.enter("/resume ffff")
            seen.see("No session's id begins with 'ffff'")
            seen.see("resumed session")
            seen.enter("still?")
            seen.see("Two.")
            seen.leave()


def test_a_question_is_asked_again_after_the_terminal_was_closed(tmp_path: Path) -> None:
    with ModelServer([calls(RUN), text("Finished.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("go")
            seen.until(lambda: ASK in seen.shown())
        with terminal(tmp_path, server, "-c") as seen:
            seen.answer("y")
            seen.see("it-ran")
            seen.see("Finished.")
            seen.leave()


def test_a_refused_message_comes_back_to_be_mended(tmp_path: Path) -> None:
    config = tmp_path / "small.json"
    config.write_text('{"context_window": 12000}')
    words = ("--config", str(config))
    with ModelServer([]) as server, terminal(tmp_path, server, *words) as seen:
        seen.send("\x1b[200~" + "word " * 20_000 + "end-of-it\x1b[201~" + ENTER)
        seen.see("Nothing was sent")
        seen.until(lambda: "end-of-it" in seen.shown())
        seen.send(CTRL_C)
        seen.leave()


def test_markup_in_data_is_shown_not_interpreted(tmp_path: Path) -> None:
    """W15: brackets in an output must neither vanish nor stop the display."""
    echo = Call("bash", {"command": "echo '[/INST] [bold]x[/bold]'; printf 'a\\033[31mb\\n'"})
    with ModelServer([calls(echo), text("Fin [/INST].")]) as server:
        with terminal(tmp_path, server, *YOLO) as seen:
            seen.enter("go")
            seen.see("[/INST] [bold]x[/bold]")
            seen.see("Fin [/INST].")
            seen.leave()


def test_commands_and_paths_are_told_apart(tmp_path: Path) -> None:
    with ModelServer([text("A path."), text("Fresh.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("/bogus")
            seen.see("Unknown command /bogus")
            seen.enter("/help")
            seen.see("/status")
            seen.enter("/data/foo is my dataset")
            seen.see("A path.")
            seen.enter("/new")
            seen.until(lambda: seen.text().count("new session") == 2)
            seen.enter("hello")
            seen.see("Fresh.")
            seen.leave()
        assert [m["role"] for m in server.requests[1].body["messages"]] == ["system", "user"]


def test_a_terminal_that_can_only_print_is_told_what_to_do(tmp_path: Path) -> None:
    with ModelServer([]) as server, spawned(tmp_path, server, TERM="dumb") as seen:
        seen.see("TERM=dumb")
        assert seen.ended() == 2
