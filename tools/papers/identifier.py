"""arXiv's names of papers, in every form that people paste."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ml_intern.tools.errors import ToolError

_NEW = r"\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}"
_OLD = r"[a-z]+(?:-[a-z]+)?(?:\.[A-Z]{2})?/\d{7}"
_NAME = re.compile(rf"({_NEW}|{_OLD})(v[1-9]\d?)?", re.ASCII)
_PREFIX = re.compile(r"(?:arxiv:\s*|doi:\s*|10\.48550/arxiv\.)+", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:https?://)?(?:[\w-]+\.)*(?:arxiv\.org|huggingface\.co|hf\.co|alphaxiv\.org|doi\.org)/"
    r"(?:(?:abs|pdf|html|papers|10\.48550)/)?(?:arxiv\.)?",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?:\.pdf|\.md)?(?:[?#].*)?/?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ArxivId:
    """A paper of arXiv, or one version of it."""

    paper: str
    """As in `2305.18290` or `cs/9901001`."""
    version: str = ""
    """As in `v2`; "" for the newest."""

    def __str__(self) -> str:
        return self.paper + self.version


def arxiv_id(text: str) -> ArxivId:
    """The paper that a name, an address or a DOI means.

    Raises:
        ToolError: it means none.
    """
    bare = _ENDS.sub("", text.strip())
    bare = _PREFIX.sub("", bare, count=1)
    if match := _ADDRESS.match(bare):
        bare = bare[match.end() :]
    if found := _NAME.fullmatch(bare):
        return ArxivId(found[1], found[2] or "")
    raise ToolError(
        f'"{text.strip()[:80]}" is no arXiv id. Give one such as "2305.18290", or the address of '
        "the paper at arxiv.org or hf.co/papers; `search` finds it by title."
    )


def arxiv_id_in(text: str) -> str:
    """The first paper whose address at arXiv is in `text`; "" if there is none."""
    found = re.search(rf"arxiv\.org/(?:abs|pdf|html)/({_NEW}|{_OLD})", text)
    return found[1] if found else ""
