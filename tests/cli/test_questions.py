"""A question in a real pseudo-terminal: every key, and keys that came too early."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulators.openai_server import Call, ModelServer, calls, text
from process import workdir
from terminal import (
    ASK,
    CTRL_C,
    ENTER,
    ESC,
    messages,
    terminal,
)

RUN = Call("bash", {"command": "echo ran > ran.txt; echo it-ran"})


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


def test_a_question_is_asked_again_after_the_terminal_was_closed(tmp_path: Path) -> None:
    with ModelServer([calls(RUN), text("Finished.")]) as server:
        with terminal(tmp_path, server) as seen:
            seen.enter("go")
            seen.until(lambda: ASK in seen.shown())
        with terminal(tmp_path, server, "-c") as seen:
            seen.answer("y")
            seen.see("✔ bash echo ran > ran.txt; echo it-ran")
            seen.see("Finished.")
            seen.leave()
