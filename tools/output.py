"""How much of an output the model is given, and in what form.

The model gets the start and, three times as much, the end: what began, and how it came out.
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import BinaryIO

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movement
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # OSC: titles, links
    r"|\x1b[PX^_][^\x1b\n]*\x1b\\"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-Z\\^-~]"  # two characters and charset choices
)
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def decode(data: bytes) -> str:
    """`data` as UTF-8; other bytes are written out in hexadecimal, so nothing is lost."""
    return data.decode("utf-8", errors="backslashreplace")


def strip_ansi(text: str) -> str:
    """`text` without terminal escape sequences."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def visible(text: str) -> str:
    """`text` with control characters and lone surrogates written out; tab and newline stay."""
    return _UNSEEN.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def last_states(text: str) -> str:
    """`text` as a terminal would leave it: of a line redrawn in place, only the last state."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def clip(text: str, cap: int, spill_path: Path | None = None) -> str:
    """`text` in at most `cap` characters: head, a line on what is left out, tail.

    `spill_path` is named as the place of the full text; saving it there is the caller's part.
    """
    if len(text) <= cap:
        return text
    where = f"; full text: {visible(str(spill_path))}" if spill_path else ""
    room = max(0, cap - len(_gap(f"{len(text):,} characters left out{where}")))
    gap = _gap(f"{len(text) - room:,} characters left out{where}")
    return ends(text, text, room, gap)[:cap]


def ends(head: str, tail: str, room: int, gap: str) -> str:
    """The first quarter of `room` from `head`, the rest from the end of `tail`, `gap` between."""
    first = room // 4
    return head[:first] + gap + tail[max(0, len(tail) - (room - first)) :]


def _gap(said: str) -> str:
    return f"\n[... {said} ...]\n"


async def fit(text: str, cap: int, spill_path: Path) -> str:
    """`clip`, with the full text saved at `spill_path` first if it does not fit."""
    if len(text) <= cap:
        return text
    try:
        await asyncio.to_thread(_save, text, spill_path)
    except OSError:
        return clip(text, cap)
    return clip(text, cap, spill_path)


def save_once(text: str, path: Path) -> None:
    """Save `text` unless the file is there; one that is there is whole."""
    if not path.exists():
        part = path.with_name(f"{path.name}.part")
        _save(text, part)
        part.replace(path)


def _save(text: str, path: Path) -> None:
    with create(path) as file:
        file.write(text.encode("utf-8", errors="backslashreplace"))


def create(path: Path) -> BinaryIO:
    """Open a new file for writing and reading that only its owner may see, folder included."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "w+b")
