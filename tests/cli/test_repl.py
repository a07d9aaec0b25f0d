"""The conversation in a real pseudo-terminal, its screen read as a person reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emulators.openai_server import Call, ModelServer, Step, calls, text
from process import wait_for, workdir
from terminal import (
    ALT_ENTER,
    ASK,
    CTRL_C,
    ENTER,
    ESC,
    SHIFT_TAB,
    Terminal,
    messages,
    spawned,
    terminal,
)

RUN = Call("bash", {"command": "echo ran > ran.txt; echo it-ran"})
YOLO = ("--permission-mode", "yolo")


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
