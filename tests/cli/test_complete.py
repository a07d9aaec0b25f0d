"""What is offered to complete a line, from commands, their choices and folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from ml_intern.cli.complete import Completions

CHOICES = {"/model": lambda: [("openai/gpt-5", "openai"), ("local/\x1b[31mred", "\x1b]0;x\x07")]}


def offered(cwd: Path, line: str) -> list[str]:
    """Each line that could come of `line`."""
    found = Completions(lambda: cwd, CHOICES).get_completions(Document(line), CompleteEvent())
    return [line[: len(line) + one.start_position] + one.text for one in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Train.py", "tests", ".env", "data"):
        (tmp_path / name).mkdir() if "." not in name else (tmp_path / name).touch()
    (tmp_path / "data" / "with space.txt").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/comp", ["/compact"]),
        ("/COMP", ["/compact"]),
        ("/model gpt", ["/model openai/gpt-5"]),
        ("/model OpenAI/", ["/model openai/gpt-5"]),
        ("/effort ", []),
        ("/model a b", []),
        ("say /comp", []),
        ("/comp\nmore", []),
        ("", []),
    ],
)
def test_commands_and_what_follows_them(tmp_path: Path, line: str, expected: list[str]) -> None:
    assert offered(tmp_path, line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("see @t", ["see @tests/", "see @Train.py"]),
        ("see @", ["see @data/", "see @tests/", "see @Train.py"]),
        ("see @.", ["see @.env"]),
        ("see @data/", ["see @data/with space.txt"]),
        ("see @nowhere/x", []),
        ("see @~nobody-such/", []),
        ("see @\0/", []),
        ("see t", []),
        ("see @tests x", []),
    ],
)
def test_paths(folder: Path, line: str, expected: list[str]) -> None:
    assert offered(folder, line) == expected


def test_paths_from_the_root(folder: Path) -> None:
    assert offered(Path("/"), f"@{folder}/da") == [f"@{folder}/data/"]


def test_a_name_that_a_terminal_would_act_on_is_not_offered(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m").touch()
    (tmp_path / "a\nb").touch()
    (tmp_path / "ab").touch()
    assert offered(tmp_path, "@a") == ["@ab"]


def test_what_is_shown_of_a_choice_is_filtered(tmp_path: Path) -> None:
    completions = Completions(lambda: tmp_path, CHOICES)
    (one,) = completions.get_completions(Document("/model local"), CompleteEvent())
    assert "\x1b" not in one.display_text + one.display_meta_text


def test_a_folder_of_many_files_offers_some(tmp_path: Path) -> None:
    for number in range(250):
        (tmp_path / f"f{number:03}").touch()
    assert len(offered(tmp_path, "@f")) == 200
    assert offered(tmp_path, "@f24") == [f"@f24{digit}" for digit in range(10)]
