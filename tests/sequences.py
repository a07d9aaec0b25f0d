"""What terminals act on, and an oracle that sees whether any of it got through."""

from __future__ import annotations

import gzip
import io
import json
import unicodedata
from pathlib import Path

DATA = Path(__file__).parent / "cli" / "data" / "terminfo.json.gz"

DANGEROUS = [
    "\x1b]0;title\x07", "\x1b]2;title\x1b\\", "\x1b]1;icon\x9c",  # titles
    "\x1b]8;;http://evil\x07link\x1b]8;;\x07",  # links
    "\x1b]52;c;cm0gLXJmIH4=\x07", "\x1b]52;c;?\x07",  # the clipboard
    "\x1b]1337;File=name=eA==;inline=1:AAAA\x07", "\x1b]1337;SetUserVar=a=Yg==\x07",
    "\x1b]777;notify;a;b\x07", "\x1b]9;done\x07", "\x1b]9;4;1;50\x07", "\x1b]99;;x\x1b\\",
    "\x1b]4;1;?\x07", "\x1b]10;?\x07", "\x1b]11;#000000\x07", "\x1b]104\x07", "\x1b]50;font\x07",
    "\x1b]133;A\x07", "\x1b]7;file://host/tmp\x07", "\x1b]P7ff0000", "\x1b]R",
    "\x1bP0;1;0q\"1;1;9;9#0;2;0;0;0~-\x1b\\", "\x1bP$qm\x1b\\", "\x1bP+q544e\x1b\\",  # DCS
    "\x1bPtmux;\x1b\x1b]0;x\x07\x1b\\", "\x1bP=1s\x1b\\", "\x1bP1$r0m\x1b\\",
    "\x1b_Gf=24,s=1,v=1,a=T;AAAA\x1b\\", "\x1b^private\x1b\\", "\x1bXstr\x1b\\", "\x1bkn\x1b\\",
    "\x1b[21t", "\x1b[20t", "\x1b[8;9;9t", "\x1b[3;0;0t", "\x1b[2t", "\x1b[14t",  # windows
    "\x1b[?1000h", "\x1b[?1003h", "\x1b[?1006h", "\x1b[?1049h", "\x1b[?47h", "\x1b[?2004h",
    "\x1b[?1004h", "\x1b[?2026h", "\x1b[?25l", "\x1b[?5h", "\x1b[?3h", "\x1b[?7l", "\x1b[4h",
    "\x1b[c", "\x1b[>c", "\x1b[=c", "\x1b[0c", "\x1b[5n", "\x1b[6n", "\x1b[?6n", "\x1b[x",
    "\x1b[>q", "\x1b[?u", "\x1b[>1u", "\x1b[>4;2m", "\x1b[?1$p", "\x1bZ", "\x05",  # questions
    "x\x1b[99999b", "\x1b[2J", "\x1b[3J", "\x1b[H", "\x1b[1A\x1b[2K", "\x1b[9;9r", "\x1b[9@",
    "\x1b[9L", "\x1b[9M", "\x1b[9P", "\x1b[9S", "\x1b[9T", "\x1b[s", "\x1b[u", "\x1b[!p",
    "\x1b[5i", "\x1b[4i", "\x1b[0q", "\x1b[2 q", "\x1b[1\"q", "\x1b[61\"p", "\x1b[?1J", "\x1b[8m",
    "\x1b[31m", "\x1b[38;5;1m", "\x1b[38:2::1:2:3m", "\x1b[30;40m", "\x1b[7m", "\x1b[0m",
    "\x1bc", "\x1b7", "\x1b8", "\x1bD", "\x1bE", "\x1bH", "\x1bM", "\x1bN", "\x1bO", "\x1b=",
    "\x1b>", "\x1b#8", "\x1b(0", "\x1b)B", "\x1b%G", "\x1b%@", "\x1b F", "\x1bn", "\x1b|",
    "\x1bl",
    "\x9b31m", "\x9b2J", "\x9d0;t\x9c", "\x9d52;c;AA==\x07", "\x90q\x9c", "\x9eq\x9c",
    "\x9fG;AA\x9c",
    "\x98q\x9c", "\x84", "\x85", "\x88", "\x8d", "\x8e", "\x8f", "\x9a", "\x9c",
    "\x07", "\x08", "\x0b", "\x0c", "\r", "\x0e", "\x0f", "\x11", "\x13", "\x18", "\x1a", "\x7f",
    "\0",
    "\x1b[3\x1b[31m", "\x1b[3\n1m", "\x1b\x1b\x1b[31m", "\x1b[[A", "\x1b[200~x\x1b[201~",
    "\u202egpj.exe", "\u2066x\u2069", "\u200b", "\u200e", "\ufeff", "\u2028", "\u2029", "\ud83d",
]  # fmt: skip
MARKUP = "[bold]x[/bold] [/INST] :smile: [link=http://x]y[/link] [red"


def terminfo() -> list[str]:
    """All string capabilities of Debian's terminfo; made by `make_terminfo.py`."""
    found: list[str] = json.loads(gzip.decompress(DATA.read_bytes()))
    return found


def leaks(shown: str) -> list[str]:
    """The characters that a terminal acts on, or that reorder or hide what it shows."""
    acting = ("Cc", "Cs", "Zl", "Zp", "Cf")
    return [c for c in shown if c not in "\n\t" and unicodedata.category(c) in acting]


class Terminal(io.StringIO):
    """A file that says it is one; Rich, told that it is a dumb one, adds nothing of its own."""

    def isatty(self) -> bool:
        return True
