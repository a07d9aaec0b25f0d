"""The one filter between data and the terminal: no control sequence but ours gets through."""

from __future__ import annotations

import re
import unicodedata

_BREAKS = r"\x07\x18\x1a\x1b\x80-\x9f"
"""What a control string cannot hold."""
_SEQUENCE = re.compile(
    # Strings (OSC, DCS, SOS, PM, APC, a title of screen's). One without an end takes the rest of
    # its line, not of the text; none goes on behind the next escape, so that time stays linear.
    r"(?:\x1b\](?:P[0-9A-Fa-f]{7}|R(?![^\x07\x1b]*\x07))"  # of the Linux console: has no end
    rf"|(?:\x1b[\]PX^_k]|[\x9d\x90\x98\x9e\x9f])"
    rf"(?:[^{_BREAKS}]*(?:\x07|\x1b\\|\x9c)|[^\n{_BREAKS}]*)"
    # CSI, and what is left of one that breaks off.
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    # Of two bytes or more (charsets, keypad, reset); a lone escape.
    r"|\x1b(?:[ -/]+[0-~]?|[0-~])?)"
)
_OVERSTRUCK = re.compile(r"_\x08(?=[^\x08])|([^\n])\x08(?=\1)")
"""Underlining and bold of a typewriter, as in manual pages."""
_REWRITTEN = re.compile(r"^[^\n]*\r(?=[^\r\n])|\r+$", re.MULTILINE)
"""What the end of a line overwrites, as progress bars do; tried once a line, for linear time."""
_HIDDEN = re.compile(
    # Control characters, lone surrogates, line and paragraph separators.
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029"
    # Format characters: bidi, zero width, soft hyphen, annotations, tags.
    r"\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\ufeff\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    # Letters and marks without a picture, and what chooses between pictures.
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\uffa0\ufe00-\ufe0f]"
)
_STACKED = re.compile(r"[^\x00-\u02ff\w\s]{9,}")
"""Where more marks may stand on a letter than any language puts there."""
_MARKS = 8
_ZWNJ, _ZWJ = "\u200c", "\u200d"
_EMOJI_STYLE = "\ufe0e\ufe0f"
_PICTURES = ("So", "Sm", "Po", "Nd", "Pd", "Sk", "Cn")
"""Categories of what can be an emoji; those newer than our Unicode database have none."""


def safe(text: str) -> str:
    """`text` as a terminal would end up showing it, without anything that one acts on.

    Whole control sequences are dropped; what hides or reorders text is shown as `<U+202E>`.
    """
    if not text.isascii():
        return _STACKED.sub(_stack_cut, _HIDDEN.sub(_shown, _plain(text)))
    ordinary = text.replace("\n", "").replace("\t", "").isprintable()
    return text if ordinary else _HIDDEN.sub("", _plain(text))


def exact(text: str) -> str:
    """`text` with nothing left out: each character that cannot be seen is shown by its number.

    For what a person decides on: behind a control sequence a command could hide.
    """
    return _STACKED.sub(_marks_shown, _HIDDEN.sub(_number, text))


def _plain(text: str) -> str:
    text = _SEQUENCE.sub("", text)
    if "\b" in text:
        text = _OVERSTRUCK.sub("", text)
    return _REWRITTEN.sub("", text) if "\r" in text else text


def _number(match: re.Match[str]) -> str:
    return "".join(f"<U+{ord(character):04X}>" for character in match[0])


def _shown(match: re.Match[str]) -> str:
    character, before = match[0], match.string[match.start() - 1 : match.start()]
    if character < "\xa0" and character != "\xad":
        return ""
    after = match.string[match.end() : match.end() + 1]
    return character if _belongs(character, before, after) else _number(match)


def _belongs(character: str, before: str, after: str) -> bool:
    """Whether it is spelled so, between these: as an emoji, in Persian, in Indic scripts."""
    if not before:
        return False
    if character in _EMOJI_STYLE:
        return (before >= "\xa9" and _picture(before)) or before in "#*0123456789"
    if character == _ZWJ and (before == "\ufe0f" or _picture(before)) and before > "\u2000":
        return after > "\u2000" and _picture(after)
    if character not in (_ZWJ, _ZWNJ) or not after.isalpha():
        return False
    arabic = character == _ZWNJ and "\u0620" <= before <= "\u06ff" and "\u0620" <= after <= "\u06ff"
    return unicodedata.combining(before) == 9 or (arabic and before.isalpha())


def _picture(character: str) -> bool:
    return bool(character) and (
        character == "\u2139" or unicodedata.category(character) in _PICTURES
    )


def _stack_cut(match: re.Match[str]) -> str:
    return "".join(c for c, height in _heights(match[0]) if height <= _MARKS)


def _marks_shown(match: re.Match[str]) -> str:
    heights = _heights(match[0])
    return "".join(c if height <= _MARKS else f"<U+{ord(c):04X}>" for c, height in heights)


def _heights(text: str) -> list[tuple[str, int]]:
    """Each character with the number of marks that end with it."""
    found, height = [], 0
    for character in text:
        height = height + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        found.append((character, height))
    return found
