"""A command line taken apart into the simple commands that a shell would run of it.

What bash does with a line is only partly in its grammar. So nothing is guessed: a line with
anything unknown or computed in the place of a command is not understood as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ml_intern.nodes.policies.twice import Twice
from ml_intern.nodes.policies.words import ANY, literal

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

LONGEST = 20_000
"""Bytes of a command line above which it is not looked into."""
_MOST = 3_000
"""Parts of a line above which it is not: it would hold up everything else."""


class Simple(NamedTuple):
    """A command and its arguments, quotes removed; `ANY` is in what only the shell will know."""

    words: tuple[str, ...]
    raw: str
    """The same as it was written."""


class Line(NamedTuple):
    """A whole command line."""

    commands: tuple[Simple, ...]
    plain: bool
    """Whether the commands are all there is: no redirections to files, no input written out, no
    variables or functions set."""


_SETS = frozenset({
    "variable_assignment", "function_definition", "declaration_command", "unset_command",
    "heredoc_redirect", "herestring_redirect", "c_style_for_statement",
})  # fmt: skip
"""What makes a line more than its commands."""
_KNOWN = _SETS | frozenset({
    "program", "list", "pipeline", "redirected_statement", "subshell", "compound_statement",
    "negated_command", "if_statement", "elif_clause", "else_clause", "for_statement",
    "while_statement", "do_group", "case_statement", "case_item", "test_command",
    "unary_expression", "binary_expression", "parenthesized_expression", "postfix_expression",
    "ternary_expression", "test_operator", "command", "command_name", "word", "number", "string",
    "raw_string", "ansi_c_string", "translated_string", "concatenation", "string_content",
    "simple_expansion", "expansion", "variable_name", "special_variable_name", "subscript",
    "command_substitution", "process_substitution", "arithmetic_expansion", "brace_expression",
    "variable_assignments", "array", "file_redirect", "heredoc_start", "heredoc_body",
    "heredoc_content", "heredoc_end", "file_descriptor", "comment", "regex", "extglob_pattern",
})  # fmt: skip
_RESERVED = frozenset({
    "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "in",
    "select", "function", "{", "}", "[[", "]]", "!", "coproc",
})  # fmt: skip
_STRANGE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f]|(?=\s)[^ \t\n]|[^\s]\\\n|(?<![\w./,:@%+~-])\\[ \t]"
)
"""Control characters and blanks that are none to bash; a line's continuation inside a word; an
escaped blank that begins a word, which the grammar takes for none."""
_COMPUTED = re.compile(r"(?<!\\)(\$[({]|`)")
_CLEVER = re.compile(r"\$\{!|@[A-Za-z]\s*\}$")
"""Expansions that run what a variable holds."""
_ESCAPED = re.compile(r"`.*\\[`$\\\"\n].*`", re.DOTALL)
"""Backticks in which a backslash means something to whoever reads them first."""
_GAP = re.compile(rb"(\s|\\\n)*")
_DASH_GAP = re.compile(rb"\s+-\s+")
_UNSPLIT = re.compile(r"(?<!\\)(\\\\)*[\s;&|<>()]")
"""What would have ended a bare word."""
_PLAIN_LOOP = re.compile(r"[a-z][a-z0-9]*")


class _NotUnderstood(Exception):
    """The line holds something that may run anything."""


@lru_cache(maxsize=256)
def take_apart(text: str) -> Line | None:
    """The commands of a line; None if it cannot be told what it runs."""
    if _STRANGE.search(text) or len(text) > LONGEST:
        return None
    source = text.encode("utf-8", "surrogatepass")
    root = _parser().parse(source).root_node
    if root.has_error:
        return None
    commands: list[Simple] = []
    plain, twice = True, Twice()
    try:
        for number, node in enumerate(_walk(root)):
            if number > _MOST:
                return None
            _check(node, source)
            twice.note(node)
            plain = plain and not _more(node)
            if node.type in ("command", "declaration_command", "unset_command"):
                commands += _simple(node)
    except _NotUnderstood:
        return None
    for command in commands:
        twice.note_command(command.words)
    if twice.runs:
        return None
    return Line(tuple(commands), plain and not (twice.may_run or twice.sets))


def prepare() -> None:
    """Load what takes lines apart; blocks for some 30 ms, the first time."""
    _parser()


def prepared() -> bool:
    """Whether that is done."""
    return bool(_parser.cache_info().currsize)


@cache
def _parser() -> Parser:
    # Not at the top: most commands never need it.
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def _walk(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def _check(node: Node, source: bytes) -> None:
    if not node.is_named:
        return
    if node.type not in _KNOWN:
        raise _NotUnderstood(node.type)
    text = _text(node)
    clever = node.type == "expansion" and _CLEVER.search(text)
    if clever or (node.type == "command_substitution" and _ESCAPED.fullmatch(text)):
        raise _NotUnderstood(text)
    if node.type == "comment" and source[: node.start_byte][-1:] not in b" \t\n;&|()":
        raise _NotUnderstood(text)
    if node.type == "heredoc_redirect":
        _check_heredoc(node)
    elif node.type == "file_redirect" and len(node.children_by_field_name("destination")) > 1:
        raise _NotUnderstood(text)  # what follows the file is an argument of the command
    if not node.child_count:
        _check_leaf(node, text)
    elif node.type not in ("string", "heredoc_body"):
        _check_gaps(node, source)


def _check_leaf(node: Node, text: str) -> None:
    inert = node.type in ("raw_string", "ansi_c_string", "comment") or (
        node.type == "heredoc_body" and _quoted(node.parent)
    )
    # The grammar takes the end of a line and a `\rm` behind it for one word.
    bare = node.type == "word" and _UNSPLIT.search(text)
    if bare or (not inert and _COMPUTED.search(text)):
        raise _NotUnderstood(text)


def _check_gaps(node: Node, source: bytes) -> None:
    """Nothing may have been passed over."""
    at = node.start_byte
    apart = node.type in ("command", "declaration_command", "unset_command")
    for child in node.children:
        # It takes `'r'\m` for two words.
        if apart and at == child.start_byte > node.start_byte and "redirect" not in child.type:
            raise _NotUnderstood(_text(node))
        # The grammar loses the dash of `python - <<END`, which no rule needs to see.
        lost = child.type == "heredoc_redirect" and _DASH_GAP.fullmatch(
            source, at, child.start_byte
        )
        if not (lost or _GAP.fullmatch(source, at, child.start_byte)):
            raise _NotUnderstood(_text(node))
        at = child.end_byte
    if not _GAP.fullmatch(source, at, node.end_byte):
        raise _NotUnderstood(_text(node))


_BESIDE_HEREDOC = ("word", "string", "raw_string", "concatenation", "simple_expansion", "number")


def _check_heredoc(node: Node) -> None:
    """The text must end where bash ends it, and the line must not go on with arguments."""
    parts = {child.type: child for child in node.children}
    start, end = parts.get("heredoc_start"), parts.get("heredoc_end")
    if not start or not end or any(kind in parts for kind in _BESIDE_HEREDOC):
        raise _NotUnderstood(_text(node))
    word = re.fullmatch(r"(['\"]?)(\w+)\1", _text(start))
    body = _text(parts["heredoc_body"]) if "heredoc_body" in parts else ""
    lines = [line.lstrip("\t") for line in body.split("\n")]
    if not word or _text(end).lstrip("\t") != word[2] or word[2] in lines:
        raise _NotUnderstood(_text(node))


def _quoted(heredoc: Node | None) -> bool:
    starts = [c for c in heredoc.children if c.type == "heredoc_start"] if heredoc else []
    return bool(starts) and _text(starts[0])[:1] in ("'", '"')


def _more(node: Node) -> bool:
    """Whether this makes the line more than its commands."""
    if node.type == "for_statement":
        name = node.child_by_field_name("variable")
        plain_name = name is not None and _PLAIN_LOOP.fullmatch(_text(name))
        return not plain_name or any(map(_option, node.children_by_field_name("value")))
    return node.type in _SETS or (node.type == "file_redirect" and not _harmless(node))


def _option(value: Node) -> bool:
    """Whether a loop may go through options, which nobody looks for in its commands."""
    made = "$(" in _text(value) or "`" in _text(value)
    return made or literal(value).startswith("-") or _text(value).startswith("{")


def _harmless(redirect: Node) -> bool:
    operator = next((child.type for child in redirect.children if not child.is_named), "")
    target = redirect.child_by_field_name("destination")
    if target is None:
        return not operator or operator.endswith("-")
    if operator in (">&", "<&"):
        return bool(re.fullmatch(r"\d+-?", _text(target)))
    return _text(target) == "/dev/null"


def _simple(node: Node) -> Iterator[Simple]:
    if node.type != "command":
        words = [_text(child) for child in node.children]
        yield Simple(tuple(words), _text(node))
        return
    name = node.child_by_field_name("name")
    if name is None:
        return
    first = literal(name)
    if not first or ANY in first or first in _RESERVED or any(c.isspace() for c in first):
        raise _NotUnderstood(_text(name))
    arguments = [literal(child) for child in node.children_by_field_name("argument")]
    yield Simple((first, *arguments), _text(node))


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogatepass")
