"""The whole README.md: metadata and body, ours or with what was written there before."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ml_intern.tools.errors import ToolError
from ml_intern.tools.push.metadata import merged

# What the Hub itself takes for metadata.
_BLOCK = re.compile(r"^\s*---(?:\r\n|\r|\n)([\S\s]*?)(?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|$)")
_MARK = re.compile(r"\n*<!-- ml-intern card ([0-9a-f]{12}) -->\s*$")


class _Loader(yaml.SafeLoader):
    """Reads `no` as the Hub does: as Norwegian, not as false."""


_BOOL = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))


@dataclass(frozen=True, slots=True)
class Card:
    """A README.md, read."""

    metadata: Mapping[str, Any] = field(default_factory=dict)
    body: str = ""
    generated: bool = False
    """Whether the body is as it was once generated here: nobody has put work into it."""


def read(text: str, where: str) -> Card:
    """The card that `text` is; `where` is what errors call it.

    Raises:
        ToolError: its metadata is not valid YAML.
    """
    text = text.removeprefix("\ufeff")
    match = _BLOCK.match(text)
    body = text[match.end() :] if match else text
    try:
        found = yaml.load(match[1], _Loader) if match else {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise ToolError(f"{where} has metadata that is not valid YAML: {said}.") from None
    if not isinstance(found or {}, dict):
        raise ToolError(f"{where} has metadata that is no mapping of names to values.")
    mark = _MARK.search(body)
    own = bool(mark and mark[1] == _digest(body[: mark.start()]))
    return Card(found or {}, body, own)


def written(there: Card, metadata: Mapping[str, Any], body: str) -> str:
    """The text of the card.

    A body that somebody wrote is kept; metadata is added to theirs. A card that was generated here
    and never touched is written anew.

    Raises:
        ToolError: what is there contradicts what is given.
    """
    if kept(there):
        return _text(merged(there.metadata, metadata), there.body.lstrip("\r\n"))
    whole = metadata if there.generated else merged(there.metadata, metadata)
    plain = body.strip()
    return _text(whole, f"{plain}\n\n<!-- ml-intern card {_digest(plain)} -->\n")


def kept(there: Card) -> bool:
    """Whether the body that is there stays."""
    return bool(there.body.strip()) and not there.generated


def _text(metadata: Mapping[str, Any], body: str) -> str:
    block = yaml.safe_dump(
        dict(metadata), sort_keys=False, allow_unicode=True, default_flow_style=False, width=1000
    )
    return f"---\n{block}---\n\n{body}"


def _digest(body: str) -> str:
    return hashlib.sha256(" ".join(body.split()).encode("utf-8", "replace")).hexdigest()[:12]
