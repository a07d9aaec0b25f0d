"""Why a text was not found: the place that was probably meant, and how it differs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from ml_intern.tools.output import visible

_LOOKED_AT = 20_000
_COMPARED = 3_000
_WIDTH = 300
_SHOWN = 15
_NUMBERED = re.compile(r"\s*\d+\t")
_LOOKALIKES = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-",
        "\u2010": "-", "\u2011": "-", "\u2212": "-", "\u00a0": " ", "\u2009": " ", "\u202f": " ",
        "\u200b": "", "\ufeff": "",
    }
)  # fmt: skip


def _unspaced(line: str) -> str:
    return " ".join(line.split())


_DIFFERENCES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("white space at line ends", str.rstrip),
    ("indentation", str.strip),
    ("white space (spaces, tabs, indentation)", _unspaced),
    ("quotes, dashes or spaces (Unicode look-alikes)", lambda line: line.translate(_LOOKALIKES)),
    ("white space and quotes or dashes", lambda line: _unspaced(line.translate(_LOOKALIKES))),
    ("upper and lower case, or white space", lambda line: _unspaced(line).casefold()),
)


def explanation(text: str, wanted: str) -> str:
    """What to tell about `wanted` not being in `text`: advice, and the lines that come closest."""
    wanted_lines = wanted.strip("\n").split("\n")
    if all(_NUMBERED.match(line) for line in wanted_lines):
        return "It carries the line numbers that `read` shows; leave numbers and tab out."
    lines = [line.removesuffix("\r") for line in text.split("\n")[:_LOOKED_AT]]
    for name, normal in _DIFFERENCES:
        at = _block(list(map(normal, lines)), list(map(normal, wanted_lines)))
        if at is not None:
            return f"These lines differ from it only in {name}:\n{_shown(lines, at, wanted_lines)}"
    at = _closest(lines, wanted_lines)
    if at is None:
        return "Nothing like it is in the file; read the file again."
    return f"The closest place is:\n{_shown(lines, at, wanted_lines)}"


def _block(lines: list[str], wanted: list[str]) -> int | None:
    """The index where `wanted` stands in `lines` as whole lines, its ends excepted."""
    first, count = wanted[0], len(wanted)
    if not any(wanted):
        return None
    for at, line in enumerate(lines[: len(lines) - count + 1]):
        if count == 1:
            if first in line:
                return at
        elif line.endswith(first) and _goes_on(lines, at, wanted):
            return at
    return None


def _goes_on(lines: list[str], at: int, wanted: list[str]) -> bool:
    last = at + len(wanted) - 1
    return lines[at + 1 : last] == wanted[1:-1] and lines[last].startswith(wanted[-1])


def _closest(lines: list[str], wanted: list[str]) -> int | None:
    """The index of the block whose longest wanted line has the best likeness in the file."""
    anchor = max(range(len(wanted)), key=lambda index: len(wanted[index].strip()))
    goal = wanted[anchor].strip()[:_WIDTH]
    candidates = {line.strip()[:_WIDTH]: at for at, line in reversed([*enumerate(lines)])}
    likely = sorted(candidates, key=lambda line: abs(len(line) - len(goal)))[:_COMPARED]
    best = difflib.get_close_matches(goal, likely, n=1, cutoff=0.5)
    return max(0, candidates[best[0]] - anchor) if best and goal else None


def _shown(lines: list[str], at: int, wanted: list[str]) -> str:
    stop = min(len(lines), at + min(len(wanted), _SHOWN))
    return "\n".join(f"{n + 1:6d}\t{visible(lines[n][:_WIDTH])}" for n in range(at, stop))
