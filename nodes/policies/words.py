"""What a word of a shell's line comes to once the quotes are gone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

ANY = "\0"
"""Stands for a part that only the shell will know: an expansion, a glob. No command holds a NUL."""

_IN_QUOTES = re.compile(r'\\([$`"\\])')
_GLOB = re.compile(r"\\.|[*?\[]", re.DOTALL)
_BRACES = re.compile(r"\{.*(,|\.\.).*\}", re.DOTALL)


def literal(node: Node) -> str:
    """The word, with `ANY` for what is computed."""
    if node.type != "raw_string" and _BRACES.search(_text(node)):
        return ANY
    return _literal(node)


def decoded(node: Node) -> str:
    """The word as a shell that reads it again finds it; `$` for what cannot be told."""
    unknown = node.type == "ansi_c_string" and "\\" in _text(node)
    return "$" if unknown else _literal(node)


def _literal(node: Node) -> str:
    text = _text(node)
    match node.type:
        case "word" | "number":
            return _unquoted(text)
        case "raw_string":
            return text[1:-1]
        case "ansi_c_string" if "\\" not in text:
            return text[2:-1]
        case "string":
            return _string(node)
        case "command_name" | "concatenation":
            return "".join(_literal(child) for child in node.children)
        case _:
            return ANY


def _unquoted(text: str) -> str:
    """A bare word: a backslash quotes, and a glob is computed."""
    return _GLOB.sub(lambda found: found[0][1:] if found[0][0] == "\\" else ANY, text)


def _string(node: Node) -> str:
    """What is between double quotes. The grammar leaves blanks out of it; they are part of it."""
    whole, start = node.text or b"", node.start_byte
    parts, at = [], 1
    for child in node.children:
        if not child.is_named or child.type == "string_content":
            continue
        parts += [_decoded(whole[at : child.start_byte - start]), ANY]
        at = child.end_byte - start
    return "".join([*parts, _decoded(whole[at:-1])])


def _decoded(data: bytes) -> str:
    return _IN_QUOTES.sub(r"\1", data.decode("utf-8", "surrogatepass"))


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogatepass")
