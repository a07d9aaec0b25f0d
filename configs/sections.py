"""Parts of a system prompt that come from files: closed off from the rest, and found again in it.

The prompt is stored with its session, so that what it holds is read off it, not off the files.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ml_intern.configs.text import clean

_TAGS = ("user_instructions", "project_instructions", "skills")
_LIKE_A_TAG = re.compile(rf"<(?=\s*(?:/\s*)?(?:{'|'.join(_TAGS)})\b)", re.IGNORECASE)
_SECTION = re.compile(
    rf'^<({"|".join(_TAGS)})(?: file="([^"\n]*)")?>\n(.*?)\n</\1>$', re.DOTALL | re.MULTILINE
)
_UNUSUAL = re.compile("[\ufe0e\ufe0f]{2,}|[^\x20-\x7e\n\t]")
_UNSEEN = re.compile(
    # Letters and marks without a picture, and selectors of variants, which can spell any text;
    # the one behind an emoji is common.
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0d\U000e0000-\U000e0fff]"
    "|[\ufe0e\ufe0f]{2,}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """A prompt, taken apart."""

    rest: str
    """What is ours."""
    instructions: str
    skills: str
    files: tuple[str, ...]
    """Where the instructions came from."""


def enclosed(tag: str, text: str, file: str = "") -> str:
    """`text` between tags that it cannot close, with nothing in it that a reader does not see."""
    assert tag in _TAGS
    inside = _LIKE_A_TAG.sub("&lt;", _visible(text)).strip("\n")
    name = f' file="{shown_path(file)}"' if file else ""
    return f"<{tag}{name}>\n{inside}\n</{tag}>"


def shown_path(path: str) -> str:
    """A path on one line, without what would end the attribute it stands in."""
    return "".join(c if c.isprintable() and c not in '"<>' else f"U+{ord(c):04X}" for c in path)


def sections_of(prompt: str) -> Sections:
    """What a system prompt is made of."""
    found = list(_SECTION.finditer(prompt))
    return Sections(
        rest=_SECTION.sub("", prompt),
        instructions="\n".join(each[0] for each in found if each[1] != "skills"),
        skills="\n".join(each[0] for each in found if each[1] == "skills"),
        files=tuple(each[2] for each in found if each[2]),
    )


def _visible(text: str) -> str:
    """Invisible characters shown by their number: they can hide an order from the person."""

    def shown(found: re.Match[str]) -> str:
        one = found[0]
        kinds = ("Cc", "Cf", "Zl", "Zp", "Co")
        hidden = _UNSEEN.fullmatch(one) or unicodedata.category(one) in kinds
        return "".join(f"<U+{ord(character):04X}>" for character in one) if hidden else one

    return _UNUSUAL.sub(shown, clean(text.replace("\r\n", "\n").replace("\r", "\n"))[0])
