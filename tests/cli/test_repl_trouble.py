"""The conversation when something goes wrong around it: files, editors, signals, haste."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from emulators.openai_server import Call, ModelServer, Step, calls, text
from process import wait_for, workdir
from terminal import ASK, CTRL_C, ENTER, ESC, messages, queue, terminal

UP, CTRL_R, CTRL_Z = "\x1b[A", "\x12", "\x1a"
RUN = Call("bash", {"command": "echo ran > ran.txt; echo it-ran"})
SLOW = Call("bash", {"command": "echo $$ > started; sleep 300"})
YOLO = ("--permission-mode", "yolo")


def users(server: ModelServer, request: int = -1) -> list[str]:
    return [said for role, said in messages(server, request) if role == "user"]


def test_the_arrow_brings_back_what_was_just_said(tmp_path: Path) -> None:
    with ModelServer([text("One."), text("Two."), text("Three.")]) as server:
        with terminal(tmp_path, server) as seen:
            for said, answer in (("first", "One."), ("second", "Two.")):
                seen.enter(said)
                seen.see(answer)
                seen.rest()
            seen.send(UP)
            seen.until(lambda: seen.shown().count("> second") == 2)
            seen.send(UP)
            seen.until(lambda: seen.shown().count("> first") == 2)
            seen.send(ENTER)
            seen.see("Three.")
            seen.leave()
        assert users(server) == ["first", "second", "first"]


def test_a_history_that_is_none_costs_only_the_history(tmp_path: Path) -> None:
    (tmp_path / "home" / "history").mkdir(parents=True)
    with ModelServer([text("One.")]) as server, terminal(tmp_path, server) as seen:
        seen.enter("hi")
        seen.see("One.")
        seen.leave()
    assert "exception" not in seen.text()


@pytest.mark.parametrize(
    ("editor", "said"), [("false", "ended with 1"), ("/no/editor", "could not be started")]
)
def test_an_editor_that_fails_leaves_the_question(tmp_path: Path, editor: str, said: str) -> None:
    with ModelServer([calls(RUN), text("Finished.")]) as server:
        with terminal(tmp_path, server, EDITOR=editor) as seen:
            seen.enter("go")
            seen.answer("e")
            seen.see(said)
            seen.answer("y")
            seen.see("it-ran")
            seen.see("Finished.")
            seen.leave()


def test_sigterm_does_not_wait_for_an_editor(tmp_path: Path) -> None:
    script = tmp_path / "editor.sh"
    script.write_text("#!/bin/sh\necho editing\nexec sleep 300\n")
    script.chmod(0o755)
    with ModelServer([calls(RUN), text("Finished.")]) as server:
        with terminal(tmp_path, server, EDITOR=str(script)) as seen:
            seen.enter("go")
            seen.answer("e")
            seen.see("editing")
            seen.child.kill(signal.SIGTERM)
            assert seen.ended() == 143
            assert seen.raw.rindex(b"\x1b[?1004l") > seen.raw.rindex(b"\x1b[?1004h")
        with terminal(tmp_path, server, "-c") as seen:
            seen.answer("y")
            seen.see("Finished.")
            seen.leave()


def test_sigterm_ends_it_also_while_a_session_is_chosen(tmp_path: Path) -> None:
    with ModelServer([text("One.")]) as server, terminal(tmp_path, server) as seen:
        seen.enter("hi")
        seen.see("One.")
        seen.rest()
        seen.enter("/resume")
        seen.see("Which one?")
        seen.child.kill(signal.SIGTERM)
        assert seen.ended() == 143


def test_what_was_queued_is_kept_when_it_is_terminated(tmp_path: Path) -> None:
    """It used to be put back into the line of a terminal that nobody reads any more."""
    with ModelServer([calls(SLOW), text("Heard.")]) as server:
        with terminal(tmp_path, server, *YOLO) as seen:
            queue(seen, tmp_path, "mind the seed")
            seen.child.kill(signal.SIGTERM)
            assert seen.ended() == 143
        with terminal(tmp_path, server, *YOLO, "-c") as seen:
            seen.enter("go on")
            seen.see("Heard.")
            seen.leave()
        assert users(server)[-1] == "mind the seed\n\ngo on"


def test_a_message_behind_a_shell_line_is_shown_and_holds_nothing_up(tmp_path: Path) -> None:
    line = "!touch begun; while [ ! -e go ]; do sleep 0.05; done"
    with ModelServer([text("Heard."), text("Both.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter(line)
            wait_for(workdir(tmp_path) / "begun")
            seen.enter("one thing")
            seen.see("queued: one thing")
            seen.enter("/status")
            seen.find("messages +0")
            seen.enter("/compact")
            seen.see("/compact has to wait")
            (workdir(tmp_path) / "go").touch()
            seen.see("Heard.")
            seen.rest()
            assert "queued:" not in seen.text()
            seen.enter("and another")
            seen.see("Both.")
            seen.leave()
        assert users(server)[0].startswith("one thing\n\n[I ran this myself")


def test_a_stop_gives_back_what_waited_behind_a_shell_line(tmp_path: Path) -> None:
    with ModelServer([text("Heard.")]) as server, terminal(tmp_path, server) as seen:
        seen.enter("!sleep 300")
        seen.see("running")
        for said in ("one", "two"):
            seen.enter(said)
            seen.see(f"queued: {said}")
        seen.send(ESC)
        seen.until(lambda: "> one" in seen.shown() and "  two" in seen.shown())
        seen.send(ENTER)
        seen.see("Heard.")
        seen.leave()
        assert users(server) == ["one\n\ntwo"]


def test_a_message_during_compaction_is_shown_and_sent_then(tmp_path: Path) -> None:
    summary = Step(content="A summary.", delay=4)
    with ModelServer([text("One. " * 30_000), summary, text("After.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("go")
            seen.see("One.")
            seen.rest()
            seen.enter("/compact")
            seen.see("thinking")
            seen.enter("said in it")
            seen.see("queued: said in it")
            seen.see("context compacted")
            seen.see("After.")
            seen.leave()
        assert users(server)[-1] == "said in it"


def test_lines_that_come_at_once_are_carried_out_in_their_order(tmp_path: Path) -> None:
    late = Step(content="One.", delay=1)
    with ModelServer([late, text("Two.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("get ready\rfirst\rsecond")
            seen.see("Two.")
            seen.rest()
            assert "queued:" not in seen.text()
            seen.leave()
        assert users(server) == ["get ready", "first\n\nsecond"]


def test_ctrl_c_ends_a_search_and_not_the_conversation(tmp_path: Path) -> None:
    with ModelServer([text("One.")]) as server, terminal(tmp_path, server) as seen:
        seen.send(CTRL_R)
        seen.see("I-search")
        seen.send(CTRL_C)
        seen.until(lambda: "I-search" not in seen.shown())
        seen.enter("hi")
        seen.see("One.")
        seen.leave()


def test_ctrl_z_writes_nothing_into_the_line(tmp_path: Path) -> None:
    """Without a shell that could let it go on, the system does not stop it."""
    with ModelServer([calls(RUN), text("One.")]) as server, terminal(tmp_path, server) as seen:
        seen.send("h" + CTRL_Z)
        seen.pump(0.5)
        seen.enter("i")
        seen.until(lambda: ASK in seen.shown())
        seen.answer("y")
        seen.see("One.")
        seen.leave()
        assert users(server)[0] == "hi"


def test_a_damaged_session_is_said_and_the_conversation_goes_on(tmp_path: Path) -> None:
    with ModelServer([text("One."), text("Two."), text("Three.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("the first")
            seen.see("One.")
            seen.rest()
            seen.enter("/new")
            seen.until(lambda: seen.text().count("new session") == 2)
            seen.enter("the second")
            seen.see("Two.")
            seen.rest()
            damaged = damage_the_first(tmp_path / "home" / "sessions.sqlite")
            seen.enter(f"/resume {damaged}")
            seen.see("The details are in")
            seen.see("resumed session")
            seen.enter("still?")
            seen.see("Three.")
            seen.leave()
        assert users(server) == ["the second", "still?"]


def damage_the_first(database: Path) -> str:
    """The id of the oldest session, whose checkpoints are none any more."""
    with closing(sqlite3.connect(database)) as connection, connection:
        [(found,)] = connection.execute("SELECT id FROM sessions ORDER BY created LIMIT 1")
        connection.execute(
            "UPDATE checkpoints SET checkpoint = x'00ff00' WHERE thread_id = ?", [found]
        )
    return str(found)


def test_a_database_that_was_removed_is_said_to_be_gone(tmp_path: Path) -> None:
    """Else every turn would seem to be saved, and none was."""
    with ModelServer([text("One.")]) as server, terminal(tmp_path, server) as seen:
        seen.enter("first")
        seen.see("One.")
        seen.rest()
        for path in (tmp_path / "home").glob("sessions.sqlite*"):
            path.unlink()
        seen.enter("second")
        seen.see("or replaced while it was open")
        seen.until(lambda: "> second" in seen.shown())
        seen.send(CTRL_C)
        seen.leave()
