"""`--allow` and `--deny` of the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulators.openai_server import Call, ModelServer, calls, text
from process import run, workdir

TOUCH = calls(Call("bash", {"command": "touch a"}), Call("bash", {"command": "touch b"}))


def test_deny_holds_in_a_headless_run_and_allow_spares_the_question(tmp_path: Path) -> None:
    with ModelServer([TOUCH, text("ok")]) as server:
        ended = run(tmp_path, "-p", "go", "--deny", "bash(touch b)", server=server)
    assert ended.code == 4, ended.err
    assert "`deny bash(touch b)`" in ended.err
    assert {path.name for path in (tmp_path / "work").iterdir()} == {"a"}
    with ModelServer([TOUCH, text("ok")]) as server:
        ended = run(
            tmp_path, "-p", "go", "--permission-mode", "default",
            "--allow", "bash(touch a)", "--allow", "bash(touch b)", server=server,
        )  # fmt: skip
    assert ended.code == 0, ended.err
    assert (tmp_path / "work" / "b").exists()


def test_what_cannot_be_told_needs_a_person_where_something_is_denied(tmp_path: Path) -> None:
    hidden = calls(Call("bash", {"command": "X=touch; $X a"}))
    with ModelServer([hidden, text("ok")]) as server:
        ended = run(tmp_path, "-p", "go", "--deny", "bash(rm *)", server=server)
    assert ended.code == 4, ended.err
    assert not (tmp_path / "work" / "a").exists()


@pytest.mark.parametrize("flag", ["--allow", "--deny"])
def test_a_malformed_rule_is_an_error_of_use(tmp_path: Path, flag: str) -> None:
    ended = run(tmp_path, "-p", "go", flag, "bash(")
    assert ended.code == 2
    assert f"'{flag}': 'bash(' is no permission rule" in ended.err
    assert "Traceback" not in ended.err


def test_a_projects_file_denies_and_does_not_allow(tmp_path: Path) -> None:
    folder = tmp_path / "work" / ".ml-intern"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"deny": ["bash(touch *)"]}))
    with ModelServer([TOUCH, text("ok")]) as server:
        run(tmp_path, "-p", "go", "--allow", "bash(touch *)", server=server)
    assert not (tmp_path / "work" / "a").exists()
    (folder / "config.json").write_text(json.dumps({"allow": ["bash"]}))
    ended = run(tmp_path, "-p", "go")
    assert ended.code == 2
    assert "may not allow calls" in ended.err


def test_a_session_keeps_the_rules_of_its_own_folder_wherever_it_is_gone_on_with(
    tmp_path: Path,
) -> None:
    own, other = workdir(tmp_path), tmp_path / "other"
    (own / ".ml-intern").mkdir()
    (own / ".ml-intern" / "config.json").write_text('{"deny": ["bash(touch *)"]}')
    other.mkdir()
    touch = calls(Call("bash", {"command": "touch made"}))
    with ModelServer([text("Hi."), touch, text("Then not.")]) as server:
        first = run(tmp_path, "go", "--output-format", "json", server=server)
        words = ("-r", first.json["session_id"], "touch it", "--cwd", str(other))
        assert run(tmp_path, *words, server=server).code == 4
    assert not (own / "made").exists()
    assert not (other / "made").exists()
