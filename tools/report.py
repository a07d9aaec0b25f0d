"""What the model reads about a command that ended."""

from __future__ import annotations

import signal
from typing import NamedTuple

from ml_intern.tools import output
from ml_intern.tools.capture import Capture, View
from ml_intern.tools.process import Ended

BACKGROUND = "nohup COMMAND > run.log 2>&1 &"
"""How to leave something running; every text for the model that advises it says it like this."""


class Report(NamedTuple):
    """The text, and whether it refers to the file with the full output."""

    text: str
    keep: bool


def report(capture: Capture, ended: Ended, seconds: float, cap: int) -> Report:
    """Both ends of the output in `cap` characters, with a last line if it did not end well."""
    endings = _endings(ended, seconds)
    room = cap - sum(len(line) + 1 for line in endings)
    body, keep = _body(capture.view(), room, _where(capture))
    text = "\n".join([body.rstrip("\n") or "(no output)", *endings])
    return Report(text, keep and capture.fault is None)


def _body(view: View, room: int, where: str) -> Report:
    if view.missing:
        gap = f"\n[... about {view.total - room:,} bytes left out; {where} ...]\n"
        room = max(0, room - len(gap))
        return Report(output.ends(_shown(view.head), _shown(view.tail), room, gap), keep=True)
    raw = output.strip_ansi(output.decode(view.head + view.tail))
    settled = output.last_states(raw)
    text = output.visible(settled)
    note = ""
    if len(settled) < len(raw.replace("\r", "")):
        note = f"\n[Lines redrawn in place are shown as they were last; {where}]"
    if len(text) + len(note) <= room:
        return Report(text.rstrip("\n") + note, keep=bool(note))
    room = max(0, room - len(where) - 80)
    gap = f"\n[... {len(text) - room:,} characters left out; {where} ...]\n"
    return Report(output.ends(text, text, room, gap), keep=True)


def _shown(data: bytes) -> str:
    return output.visible(output.last_states(output.strip_ansi(output.decode(data))))


def _where(capture: Capture) -> str:
    if capture.fault is not None:
        return f"the full output could not be saved: {capture.fault}"
    without = f", without {capture.dropped:,} bytes in its middle" if capture.dropped else ""
    return f"full output: {output.visible(str(capture.path))}{without}"


def _endings(ended: Ended, seconds: float) -> list[str]:
    if ended.expired:
        return [
            f"[Stopped: it ran longer than {seconds:g} s. The command and everything it started "
            "was ended; above is what it printed until then. Call again with a longer `timeout` "
            f"(up to 36000), or run it in the background, `{BACKGROUND}`, and look at run.log.]"
        ]
    lines = []
    if ended.held:
        lines.append(
            "[A background process it left is still running; what it prints from now on is not "
            f"kept. Next time send its output to a file: `{BACKGROUND}`.]"
        )
    if ended.code != 0:
        lines.append(_exit_line(ended.code))
    return lines


def _exit_line(code: int | None) -> str:
    if code is None:
        return "exit code unknown"
    number = -code if code < 0 else code - 128
    try:
        name = signal.Signals(number).name if number > 0 else ""
    except ValueError:
        name = ""
    cause = f" ({name}{_HINTS.get(name, '')})" if name else ""
    return f"exit code {128 + number if code < 0 else code}{cause}"


_HINTS = {"SIGKILL": ": killed, often because memory ran out"}
