"""Markdown of documentation without what only a browser needs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_TAGS = (
    "a|article|aside|audio|b|body|br|button|center|code|details|div|em|figcaption|figure|font|footer|"
    "h[1-6]|head|header|hr|html|i|iframe|img|kbd|li|link|main|meta|ol|p|path|picture|pre|section|"
    "small|source|span|strong|sub|summary|sup|svg|table|tbody|td|th|thead|tr|u|ul|video|"
    "Tip|TipEnd|Youtube|Question|CourseFloatingBanner|FrameworkSwitchCourse|DocNotebookDropdown|"
    "EditOnGithub|ExampleCodeBlock|PipelineIcon|PipelineTag|TokenizersLanguageContent|"
    "InferenceApi|Markdown|frameworkcontent|hfoptions|docstring|anchor|pt|tf|jax"
)
_BREAK = re.compile(r"<(?:br\s*/?|/p|/div|/tr|/li|/h[1-6]|/summary)>", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]>", re.IGNORECASE)
_OPTION = re.compile(r"<hfoption\s([^<>]*)>|</hfoption>")
_ID = re.compile(r"id=[\"']([^\"'<>]*)[\"']")
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BADGE = re.compile(r"\[!\[[^\[\]\n]{0,300}\]\([^()\s]*\)\]\([^()\s]*\)")
_IMAGE = re.compile(r"!\[([^\[\]\n]{0,300})\]\([^()\n]*\)")
_CODE = re.compile(r"(`[^`\n]*`)")
_FENCE = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`\n]*$)|~{3,})")
"""What opens code, also as the first thing of an item in a list."""
_LEADING = re.compile(r"\A(?:[ \t]*\n){2,}")
_GAPS = re.compile(r"\n(?:[ \t]*\n){2,}")


def blocks(text: str) -> Iterator[tuple[bool, str]]:
    """The text in turn as prose and as fenced code (True), each with its newlines."""
    fence, held = "", list[str]()
    for line in text.splitlines(keepends=True):
        mark = None if fence else _FENCE.match(line)
        if mark:
            yield False, "".join(held)
            held = []
        held.append(line)
        if mark:
            fence = mark[1]
        elif fence and _closes(line.strip("> \t\r\n"), fence):
            yield True, "".join(held)
            fence, held = "", []
    yield bool(fence), "".join(held)


def _closes(line: str, fence: str) -> bool:
    return line.startswith(fence) and not line.strip(fence[0])


def without_hashes(title: str) -> str:
    """A heading without the hashes that close it; "C#" keeps its own."""
    bare = title.rstrip()
    kept = bare.rstrip("#")
    return kept.rstrip() if kept[-1:].isspace() else bare


def cleaned(text: str) -> str:
    """Markdown without scripts, comments, badges, images, and tags outside of code."""
    parts = [block if code else _prose(block) for code, block in blocks(text)]
    return "".join(parts).strip() + "\n"


def _prose(text: str) -> str:
    for start, end in (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>")):
        text = _without(text, start, end)
    pieces = _CODE.split(text)
    pieces[::2] = [_stripped(piece) for piece in pieces[::2]]
    return _LEADING.sub("\n", _GAPS.sub("\n\n", "".join(pieces)))


def _stripped(text: str) -> str:
    text = _BADGE.sub("", text)
    text = _IMAGE.sub(
        lambda match: f"(image: {match[1].strip()})" if match[1].strip() else "", text
    )
    text = _OPTION.sub(_option, text)
    text = _CELL.sub(" | ", _BREAK.sub("\n", text))
    return html.unescape(_TAG.sub("", text))


def _option(match: re.Match[str]) -> str:
    found = _ID.search(match[1] or "")
    return f"**{found[1]}:**" if found else ""


def _without(text: str, start: str, end: str) -> str:
    """What is not between the two marks. One pass: text may be made to be slow."""
    kept, at = list[str](), 0
    while (found := text.find(start, at)) >= 0 and (until := text.find(end, found)) >= 0:
        kept.append(text[at:found])
        at = until + len(end)
    return "".join([*kept, text[at:]])
