from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern.configs.text import storable
from ml_intern.tools.output import (
    clip,
    decode,
    fit,
    last_states,
    save_once,
    strip_ansi,
    visible,
)


def test_what_fits_is_left_alone() -> None:
    assert clip("abc", 3, Path("/x")) == "abc"


def test_a_quarter_head_three_quarters_tail_and_the_place_of_the_rest() -> None:
    text = "".join(f"{number:06d}\n" for number in range(10_000))
    clipped = clip(text, 1000, Path("/spill/full.txt"))
    head, line, tail = clipped.partition("\n[... ")[0], "", clipped.rpartition(" ...]\n")[2]
    line = clipped.removeprefix(head).removesuffix(tail)
    assert len(clipped) <= 1000
    assert text.startswith(head)
    assert text.endswith(tail)
    assert 2.8 < len(tail) / len(head) < 3.2
    left_out = f"{len(text) - len(head) - len(tail):,}"
    assert line == f"\n[... {left_out} characters left out; full text: /spill/full.txt ...]\n"


@given(st.text(max_size=3000), st.integers(min_value=0, max_value=2000))
def test_the_cap_holds(text: str, cap: int) -> None:
    assert len(clip(text, cap, Path("/p"))) <= cap
    assert len(clip(text, cap)) <= cap


@given(st.binary(max_size=500))
def test_any_bytes_become_storable_text(data: bytes) -> None:
    text = visible(last_states(strip_ansi(decode(data))))
    assert storable(text)
    assert "\x1b" not in text


def test_lone_surrogates_and_controls_are_written_out() -> None:
    assert visible("a\0b\ud800\x9bc\td\n") == "a\\x00b\\ud800\\x9bc\td\n"


@pytest.mark.parametrize(
    "sequence",
    ["\x1b[1;31m", "\x1b[2K", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x1b(B", "\x1bM"],
)
def test_terminal_sequences_are_stripped(sequence: str) -> None:
    assert strip_ansi(f"a{sequence}b") == "ab"


def test_an_unfinished_title_does_not_swallow_the_text() -> None:
    assert "kept" in visible(strip_ansi("\x1b]0;oops\nkept\n"))


def test_redrawn_lines_keep_their_last_state() -> None:
    assert last_states("1%\r2%\r\r3%\r\nnext\r\n") == "3%\nnext\n"


async def test_fit_saves_the_full_text_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "full.txt"
    text = "x" * 500 + "\ud800"
    clipped = await fit(text, 200, path)
    assert str(path) in clipped
    assert len(clipped) <= 200
    assert path.read_text(encoding="utf-8") == "x" * 500 + "\\ud800"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_fit_writes_nothing_for_small_text(tmp_path: Path) -> None:
    assert await fit("small", 200, tmp_path / "full.txt") == "small"
    assert list(tmp_path.iterdir()) == []


async def test_fit_still_clips_when_nothing_can_be_saved(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    clipped = await fit("x" * 500, 200, tmp_path / "file" / "full.txt")
    assert "left out" in clipped
    assert "full text" not in clipped


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_file_that_could_not_be_saved_whole_is_not_there(tmp_path: Path) -> None:
    """The next attempt would have taken the half of it for the whole."""
    path = tmp_path / "output.txt"
    part = tmp_path / "output.txt.part"
    part.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        save_once("x" * 100_000, path)
    assert not path.exists()
    part.unlink()
    save_once("x" * 100_000, path)
    assert path.read_text() == "x" * 100_000
