"""Credentials in the text of files that are about to be shown to others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ml_intern.tools.errors import ToolError

LOOKED_AT = 1_000_000
"""Bytes of a file above which it is weights or a vocabulary."""
_TEXTS = (
    ".json", ".jsonl", ".csv", ".tsv", ".md", ".rst", ".txt", ".yaml", ".yml", ".toml", ".ini",
    ".cfg", ".conf", ".properties", ".py", ".sh", ".js", ".ts", ".ipynb", ".jinja", ".html", ".xml",
)  # fmt: skip
_SHAPES = {
    "a Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "a GitHub token": re.compile(r"\b(gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_\w{40,})"),
    "an AWS key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a Google key": re.compile(r"\bAIza[\w-]{35}\b"),
    "an API key": re.compile(r"\bsk-(proj-|ant-)?[\w-]{32,}"),
    "a Slack token": re.compile(r"\bxox[abeprs]-[\w-]{20,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
_LEAST = 8
"""Characters below which a known value is too common to be looked for."""


def is_text(name: str, size: int) -> bool:
    """Whether a file is looked into: it may be read by people, as one without an ending is."""
    last = name.rpartition("/")[2].lower()
    return size <= LOOKED_AT and (last.endswith(_TEXTS) or "." not in last)


def credential(text: str, known: Iterable[str] = ()) -> tuple[str, int] | None:
    """What credential `text` has, and in which line from 1; never the credential itself."""
    for value in known:
        if len(value) >= _LEAST and (at := text.find(value)) >= 0:
            return "one of the user's credentials", text.count("\n", 0, at) + 1
    for kind, shape in _SHAPES.items():
        if match := shape.search(text):
            return kind, text.count("\n", 0, match.start()) + 1
    return None


def require_clean(texts: Mapping[str, str], known: Iterable[str]) -> None:
    """Refuse to go on with a credential in one of the texts, which are named by their keys.

    Raises:
        ToolError: there is one.
    """
    values = tuple(known)
    for name, text in texts.items():
        if found := credential(text, values):
            raise ToolError(
                f"{name} has {found[0]} in line {found[1]}. Nothing was uploaded. Remove it there, "
                "and tell the user that it was in something meant for the Hub."
            )
