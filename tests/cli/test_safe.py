"""Nothing that comes from outside can act on the terminal."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern.cli.safe import exact, safe

CONTROLS = [
    chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if chr(code) not in "\n\t"
]
ALONE = [c for c in CONTROLS if c not in "\r\x1b\x90\x98\x9b\x9d\x9e\x9f"]
FORMATS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Cf", "Zl", "Zp")]
ACTING = {"Cc", "Cs", "Zl", "Zp"}
HIDING = "\u202e\u2066\u200b\u200d\u200c\ufe0f\ufe00\u034f\u3164\u00ad\U000e0041\U000e0100"

SEQUENCES = {
    "\x1b[31mred\x1b[0m": "red",
    "\x1b[2J\x1b[H": "",
    "\x1b[1A\x1b[2K": "",
    "\x1b[38:2::1:2:3mx": "x",
    "\x1b[!p\x1b[ q\x1b[?25$p": "",
    "\x1b]0;title\x07": "",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\": "link",
    "\x1b]52;c;cm0gLXJm\x07": "",
    "\x1b]1337;File=inline=1:AAAA\x07": "",
    "\x1bP+q544e\x1b\\": "",
    "\x1bPtmux;\x1b\x1b]0;title\x07\x1b\\x": "x",
    "\x1bP0;1q#0!9~\n-\x1b\\x": "x",
    "\x1b_Gf=24;AAAA\x1b\\": "",
    "\x1bkscreen's title\x1b\\": "",
    "\x1b]P7ff0000x\x1b]Rx": "xx",
    "\x1b[?1049h": "",
    "\x1b[6n": "",
    "\x1bc\x1b7\x1b=x": "x",
    "\x1b(0\x1b#8\x1b%Gx": "x",
    "\x9b31mx": "x",
    "\x9d0;title\x9cx": "x",
    "\x90q\x9cx": "x",
    "back\b\b\b\bspace": "backspace",
    "\x07bell\x0b\x0c": "bell",
    "\x0e\x0fshift": "shift",
}


@pytest.mark.parametrize("character", ALONE, ids=[f"{ord(c):02x}" for c in ALONE])
def test_every_control_character_is_dropped(character: str) -> None:
    assert safe(f"a{character}b") == "ab"


@pytest.mark.parametrize(("sequence", "shown"), SEQUENCES.items())
def test_a_control_sequence_is_dropped_whole(sequence: str, shown: str) -> None:
    assert safe(f"a{sequence}b") == f"a{shown}b"


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_sequence_split_over_two_texts_is_visible_characters_at_most(sequence: str) -> None:
    for at in range(len(sequence)):
        first, second = safe(sequence[:at]), safe(sequence[at:])
        assert not any(unicodedata.category(c) in ACTING for c in first + second if c != "\n")


@pytest.mark.parametrize("start", ["\x1b", "\x1b[", "\x1b[3", "\x1b]0;t", "\x1bP", "\x9d", "\x1b("])
def test_a_sequence_that_breaks_off_takes_its_line_at_most(start: str) -> None:
    assert safe(f"before {start}") == "before "
    assert safe(f"before {start}\nafter") == "before \nafter"


def test_a_line_ends_up_as_the_terminal_would_show_it() -> None:
    assert safe("10%\r20%\r100%\ndone\r\n") == "100%\ndone\n"
    assert safe("50%\r") == "50%"
    assert safe("rm -rf /\rls") == "ls"
    assert safe("N\bNA\bAM\bME\bE _\bo_\bn") == "NAME on"


def test_what_would_deceive_the_eye_becomes_visible() -> None:
    assert safe("rm \u202egpj.\u2066x") == "rm <U+202E>gpj.<U+2066>x"
    assert safe("pass\u200bword\ufeff") == "pass<U+200B>word<U+FEFF>"
    assert safe("a\u2028b\u2029c") == "a<U+2028>b<U+2029>c"
    assert safe("a\u3164b\u034fc\ufe0fd\U000e0101") == "a<U+3164>b<U+034F>c<U+FE0F>d<U+E0101>"
    assert all(safe(c) == f"<U+{ord(c):04X}>" for c in FORMATS)
    assert {"\u202a", "\u202e", "\u2066", "\u2069", "\u200f", "\U000e0041"} <= set(FORMATS)


def test_a_lone_surrogate_can_be_written() -> None:
    assert safe("\ud83d!\udcff") == "<U+D83D>!<U+DCFF>"


@pytest.mark.parametrize(
    "text",
    [
        "", "plain", "tab\tand\nlines", "Grüße ✓ 🚀 漢字 e\u0301", "[bold]x[/bold]", "\\x1b[31m",
        "👩\u200d👩\u200d👧 👨🏽\u200d🚀 🏳\ufe0f\u200d🌈 ❤\ufe0f 1\ufe0f\u20e3 🫨",
        "\u0645\u06cc\u200c\u062e\u0648", "क्\u200dष", "ที่นี่", "─" * 200,
    ],
)  # fmt: skip
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize("mark", ["\u0301", "\u0e47", "\u20dd", "\u064b"])
def test_a_flood_of_marks_is_cut(mark: str) -> None:
    assert safe(f"a{mark * 500}b") == f"a{mark * 8}b"
    assert exact(f"a{mark * 9}b") == f"a{mark * 8}<U+{ord(mark):04X}>b"


def test_what_is_decided_on_hides_nothing() -> None:
    """`safe` drops what a terminal would swallow; the shell would run it all the same."""
    command = "ls \x1b]0;\n; rm -rf ~ #\x07\r\x1b[2K\x7f"
    assert "rm" not in safe(command)
    assert exact(command) == ("ls <U+001B>]0;\n; rm -rf ~ #<U+0007><U+000D><U+001B>[2K<U+007F>")
    assert exact("❤\ufe0f\u200d🔥") == "❤<U+FE0F><U+200D>🔥"
    assert exact("tab\tand\nGrüße") == "tab\tand\nGrüße"


@given(st.text(st.characters() | st.sampled_from("\x1b\x9b\x9d\x9c[]P;\r\b\n\t\ud800" + HIDING)))
def test_nothing_that_acts_comes_out(text: str) -> None:
    for shown in (safe(text), exact(text)):
        assert not {unicodedata.category(c) for c in shown if c not in "\n\t"} & ACTING
        assert shown.encode().decode() == shown
    assert safe(safe(text)) == safe(text)
    assert [c for c in exact(text) if c == "\n"] == [c for c in text if c == "\n"]


@pytest.mark.parametrize(
    "piece",
    [
        "plain text\n", "Grüße ✓\n", "\x1b", "\x1b]", "\x9d\n", "\x1b[1", "\x1b]R", "\x1b]0;x",
        "\r", "a\r", "\r\n", "a" * 999_999 + "\r", "a" * 499_990 + "\r\n", "_\b",
        "a\b", "\x1b ", "\u0301", "─", "\u200b", "👩\u200d",
    ],
)  # fmt: skip
def test_a_megabyte_takes_no_time(piece: str) -> None:
    """In proportion to its length, whatever it is made of: quadratic time would be minutes."""
    began = time.monotonic()
    safe(piece * (1_000_000 // len(piece)))
    exact(piece * (1_000_000 // len(piece)))
    assert time.monotonic() - began < 30
