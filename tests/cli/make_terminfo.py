"""Collects what every terminal in the terminfo database acts on, for `test_sequences.py`.

Run it after `apt-get install ncurses-term`: uv run python tests/cli/make_terminfo.py
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path

DATA = Path(__file__).parent / "data" / "terminfo.json.gz"
_CAPABILITY = re.compile(r"^\t(\w+)=(.*),$", re.MULTILINE)
_ESCAPED = re.compile(r"\\(\d{3}|.)|\^(.)|(.)", re.DOTALL)
_NAMED = {"E": "\x1b", "e": "\x1b", "n": "\n", "l": "\n", "r": "\r", "t": "\t", "b": "\b",
          "f": "\f", "s": " ", "0": "\x80"}  # fmt: skip
_DELAY = re.compile(r"\$<[\d.]+[*/]*>")
_PARAMETER = re.compile(
    r"%(?:\?|t|e|;|i|P.|g.|p\d|'.'|\{\d+\}|[-+*/m&|^=<>AO!~l]|%"
    r"|(?P<text>:?[-+# 0]*\d*\.?\d*[doxXsc]))"
)


def terminals() -> list[str]:
    listed = subprocess.run(["toe", "-a"], capture_output=True, text=True, check=True).stdout
    return sorted({line.split()[0] for line in listed.splitlines() if line.strip()})


def strings(terminal: str) -> list[str]:
    """The string capabilities, parameters filled in."""
    command = ["infocmp", "-1", "-x", terminal]
    told = subprocess.run(command, capture_output=True, check=True).stdout.decode("latin-1")
    return [expanded(decoded(match[2])) for match in _CAPABILITY.finditer(told)]


def decoded(text: str) -> str:
    """From infocmp's notation to what is sent."""

    def character(match: re.Match[str]) -> str:
        escaped, control, plain = match.groups()
        if escaped:
            digits = len(escaped) == 3
            return chr(int(escaped, 8) & 0xFF) if digits else _NAMED.get(escaped, escaped)
        return chr(ord(control) & 0x1F if control != "?" else 0x7F) if control else plain

    return _ESCAPED.sub(character, text)


def expanded(text: str) -> str:
    """Every parameter and both branches of every condition: what is sent is made of these."""
    return _PARAMETER.sub(lambda match: "1" if match["text"] else "", _DELAY.sub("", text))


def main() -> None:
    found = {text for terminal in terminals() for text in strings(terminal)}
    acting = sorted(text for text in found if not (text.isprintable() and text.isascii()))
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_bytes(gzip.compress(json.dumps(acting).encode(), mtime=0))
    print(len(acting), DATA.stat().st_size)  # noqa: T201 - a script


if __name__ == "__main__":
    main()
