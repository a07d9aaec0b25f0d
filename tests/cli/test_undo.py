"""Undo, redo and fork as a person has them: on the command line and in a conversation."""

from __future__ import annotations

from pathlib import Path

from emulators.openai_server import Call, ModelServer, calls, text
from process import run, workdir
from terminal import terminal

CHANGE = calls(Call("bash", {"command": "echo two > kept.txt; rm gone.txt; echo new > made.txt"}))


def prepare(root: Path) -> dict[str, str]:
    (workdir(root) / "kept.txt").write_text("one\n")
    (workdir(root) / "gone.txt").write_text("precious\n")
    return files(root)


def files(root: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in workdir(root).iterdir()}


def test_a_headless_turn_is_undone_and_redone(tmp_path: Path) -> None:
    before = prepare(tmp_path)
    with ModelServer([text("Hello."), CHANGE, text("Done.")]) as server:
        run(tmp_path, "hi", server=server)
        run(tmp_path, "-c", "change", server=server)
        after = files(tmp_path)
        (workdir(tmp_path) / "kept.txt").write_text("mine")
        undone = run(tmp_path, "undo")
        assert (undone.code, undone.err) == (0, "")
        assert files(tmp_path) == {**before, "kept.txt": "mine"}
        assert "undone: 1 turn" in undone.out
        assert "left alone, changed since:\n    kept.txt" in undone.out
        assert "bash echo two > kept.txt" in undone.out
        (workdir(tmp_path) / "kept.txt").write_text("two\n")
        assert "brought back: 1 turn" in run(tmp_path, "redo").out
        assert files(tmp_path) == after
        assert run(tmp_path, "undo", "5").code == 0
        nothing = run(tmp_path, "undo")
        assert (nothing.code, nothing.out) == (1, "")
        assert nothing.err == "ml-intern: There is no turn to undo.\n"
        assert run(tmp_path, "undo", "0").code == 2


def test_a_conversation_goes_back_and_forth(tmp_path: Path) -> None:
    before = prepare(tmp_path)
    with ModelServer([CHANGE, text("Done."), text("In the copy.")]) as server:
        with terminal(tmp_path, server, "--permission-mode", "yolo") as child:
            child.enter("change")
            child.find("Done")
            child.enter("/undo two")
            child.find("no number of turns")
            child.enter("/undo")
            child.find("undone: 1 turn")
            child.find("made.txt")
            assert files(tmp_path) == before
            child.enter("/redo")
            child.find("brought back: 1 turn")
            child.enter("/redo")
            child.find("There is no turn to redo")
            child.enter(f"/fork 1 {tmp_path / 'copy'}")
            child.find("resumed session")
            child.enter("where?")
            child.find("In the copy")
            child.leave()
    assert {p.name: p.read_text() for p in (tmp_path / "copy").iterdir()} == before


def test_a_fork_from_the_command_line_leaves_the_original(tmp_path: Path) -> None:
    with ModelServer([text("One."), text("Two."), text("Three.")]) as server:
        first = run(tmp_path, "hi", "--output-format", "json", server=server).json
        words = ("-c", "--fork", "again", "--output-format", "json")
        second = run(tmp_path, *words, server=server).json
        assert second["session_id"] != first["session_id"]
        assert second["num_turns"] == 2
        old = ("-r", first["session_id"][:8], "on", "--output-format", "json")
        assert run(tmp_path, *old, server=server).json["num_turns"] == 2
    assert run(tmp_path, "--fork", "alone").code == 2


def test_a_fork_may_have_its_files_in_another_folder(tmp_path: Path) -> None:
    before = prepare(tmp_path)
    with ModelServer([text("One."), CHANGE, text("Two.")]) as server:
        run(tmp_path, "hi", server=server)
        assert run(tmp_path, "-c", "--fork-into", "../copy", "change", server=server).code == 0
        full = run(tmp_path, "-c", "--fork-into", "../copy", "again", server=server)
    assert files(tmp_path) == before
    assert sorted(p.name for p in (tmp_path / "copy").iterdir()) == ["kept.txt", "made.txt"]
    assert (full.code, "not empty" in full.err) == (1, True)
