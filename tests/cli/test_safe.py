"""Nothing that comes from outside can act on the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern.cli.safe import safe

CONTROLS = [
    chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if chr(code) not in "\n\t"
]
FORMATS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Cf", "Zl", "Zp")]
ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}

SEQUENCES = [
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H",
    "\x1b[1A\x1b[2K",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x1b]1337;File=inline=1:AAAA\x07",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gf=24;AAAA\x1b\\",
    "\x1b[?1049h",
    "\x1b[6n",
    "\x1bc",
    "\x1b(0",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x90q\x9c",
    "over\rwrite",
    "back\b\b\b\bspace",
    "\x07bell\x0b\x0c",
    "\x0e\x0fshift",
]


@pytest.mark.parametrize("character", CONTROLS, ids=[f"{ord(c):02x}" for c in CONTROLS])
def test_every_control_character_is_dropped(character: str) -> None:
    assert safe(f"a{character}b") == "ab"


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_an_escape_sequence_loses_what_makes_it_one(sequence: str) -> None:
    shown = safe(sequence)
    assert shown.isprintable()
    assert shown == "".join(c for c in sequence if c.isprintable())


def test_what_would_deceive_the_eye_becomes_visible() -> None:
    assert safe("rm \u202egpj.\u2066x") == "rm <U+202E>gpj.<U+2066>x"
    assert safe("pass\u200bword\ufeff") == "pass<U+200B>word<U+FEFF>"
    assert safe("a\u2028b\u2029c") == "a<U+2028>b<U+2029>c"
    assert all(safe(c) == f"<U+{ord(c):04X}>" for c in FORMATS)
    assert {"\u202a", "\u202e", "\u2066", "\u2069", "\u200f", "\U000e0041"} <= set(FORMATS)


def test_a_lone_surrogate_can_be_written() -> None:
    assert safe("\ud83d!\udcff") == "<U+D83D>!<U+DCFF>"


@pytest.mark.parametrize(
    "text",
    ["", "plain", "tab\tand\nlines", "Grüße ✓ 🚀 漢字 e\u0301", "[bold]x[/bold]", "\\x1b[31m"],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe(text) == text


@given(st.text(st.characters() | st.sampled_from("\x1b\x9b\r\b\n\t\u202e\ud800")))
def test_nothing_that_acts_comes_out(text: str) -> None:
    shown = safe(text)
    assert not {unicodedata.category(c) for c in shown if c not in "\n\t"} & ACTING
    assert safe(shown) == shown
    assert shown.encode().decode() == shown
    kept = "".join(c for c in text if unicodedata.category(c) not in ACTING or c in "\n\t")
    assert kept == shown or "<U+" in shown
