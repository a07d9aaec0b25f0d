"""Text that bash reads a second time: what it takes for arithmetic may hold commands, even quoted.

`[[ 'a[$(rm x)]' -eq 0 ]]` runs `rm x`, and so does `printf -v 'a[$(rm x)]' y`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ml_intern.nodes.policies.words import ANY, decoded

if TYPE_CHECKING:
    from tree_sitter import Node

_ARITHMETIC = frozenset({
    "arithmetic_expansion", "c_style_for_statement", "subscript", "postfix_expression",
    "ternary_expression", "declaration_command", "unset_command",
})  # fmt: skip
_OPERATORS = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v"})
_PART = re.compile(r"\$\{[^}]*(\[|:[^-=?+])")
"""An expansion with a place in it: `${x[n]}`, `${x:n}`."""
_ASSIGNS = re.compile(r"(?<![=!<>])=(?!=)|\+\+|--")
"""In arithmetic, what sets a variable: `$((PATH=5))` has programs looked for in a folder `5`."""
_DEFAULTS = re.compile(r"\$\{\w+(\[[^]]*\])?:?=")
"""`${x:=y}`"""
_NAMES = frozenset({"let", "read", "mapfile", "readarray", "wait", "getopts"})
"""Programs of bash's own that take names of variables, which may have a place in them."""
_NAMES_BY_OPTION = frozenset({"printf", "test", "["})
"""Those that do by `-v`."""
_TEXTS = frozenset({"word", "string", "raw_string", "ansi_c_string", "concatenation", "regex"})


class Twice:
    """Gathers, node by node, whether a line has arithmetic, and text that would run in it."""

    def __init__(self) -> None:
        self._arithmetic = False
        self._computes = False
        self._substitutes = False
        self.sets = False
        """Whether a variable is set in passing."""

    def note(self, node: Node) -> None:
        """Take in a part of the line."""
        arithmetic = _is_arithmetic(node)
        self._arithmetic |= arithmetic
        self.sets |= arithmetic and bool(_ASSIGNS.search(_text(_whole(node))))
        self.sets |= node.type == "expansion" and bool(_DEFAULTS.match(_text(node)))
        if node.type in _TEXTS:
            text = decoded(node)
            self._computes |= "$" in text or "`" in text
            self._substitutes |= "$(" in text or "`" in text

    def note_command(self, words: Sequence[str]) -> None:
        """Take in one of its commands."""
        named = [at for at, word in enumerate(words[:3]) if word in _NAMES | _NAMES_BY_OPTION]
        for at in named:
            by_option = any(ANY in word or word.startswith("-v") for word in words[at + 1 :])
            self._arithmetic |= words[at] in _NAMES or by_option

    @property
    def runs(self) -> bool:
        """Whether the line runs what stands in its quotes, as far as can be told."""
        return self._arithmetic and self._substitutes

    @property
    def may_run(self) -> bool:
        """Whether it could, put together from pieces."""
        return self._arithmetic and self._computes


def _is_arithmetic(node: Node) -> bool:
    text = _text(node)
    match node.type:
        case "test_operator":
            return text in _OPERATORS
        case "expansion":
            return bool(_PART.match(text))
        case "compound_statement":
            return text.startswith("((")
        case _:
            return node.type in _ARITHMETIC


def _whole(node: Node) -> Node:
    """What an operator belongs to."""
    found: Node | None = node
    while found and node.type == "test_operator" and found.type != "test_command":
        found = found.parent
    return found or node


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogatepass")
