"""The lines of earlier conversations; whatever is wrong with their file costs nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_intern.cli.history import LineHistory


def kept(path: Path) -> list[str]:
    """What another conversation would find, oldest first."""
    return list(LineHistory(path).load_history_strings())[::-1]


LINES = ["one", "two\n\nlines + more", "+ plus", "größe 你好", "\ud800 lone", "a\rb"]


def test_what_is_stored_is_found_again(tmp_path: Path) -> None:
    for line in LINES:
        LineHistory(tmp_path / "history").store_string(line)
    assert kept(tmp_path / "history") == [line.replace("\ud800", "?") for line in LINES]


def test_the_end_of_a_huge_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text("".join(f"\n# then\n+line {n}\n+more\n" for n in range(60_000)))
    found = kept(path)
    assert found[-1] == "line 59999\nmore"
    assert 1000 < len(found) < 20_000
    assert found[0].startswith("line ")


def test_a_huge_message_is_not_kept(tmp_path: Path) -> None:
    history = LineHistory(tmp_path / "history")
    history.append_string("x" * 100_000)
    assert history.get_strings() == ["x" * 100_000]
    assert kept(tmp_path / "history") == []


@pytest.mark.parametrize("what", ["folder", "garbage", "missing", "no folder"])
def test_a_file_that_is_none(tmp_path: Path, what: str) -> None:
    path = tmp_path / "history"
    if what == "folder":
        path.mkdir()
    elif what == "garbage":
        path.write_bytes(bytes(range(256)) * 2000)
    elif what == "no folder":
        path = tmp_path / "none" / "history"
    assert all(isinstance(line, str) for line in kept(path))
    LineHistory(path).append_string("line")
