"""Options with which a program goes beyond its name: it runs another program, or writes a file.

Who allows `git log *` means to look at a log, and not `git log --output=.bashrc`. So a star does
not stand for these options; a rule has to name them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ml_intern.nodes.policies.git import split
from ml_intern.nodes.policies.words import ANY


class _Options(NamedTuple):
    long: tuple[str, ...]
    short: str = ""
    """Letters, which may stand among others."""


_BEYOND = {
    "git": _Options((
        "--output", "--exec", "--exec-path", "--config", "--config-env", "--upload-pack",
        "--receive-pack", "--ext-diff", "--extcmd", "--open-files-in-pager",
    )),
    "find": _Options((
        "-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf", "-fls",
    )),
    "fd": _Options(("--exec", "--exec-batch"), "xX"),
    "rg": _Options(("--pre", "--hostname-bin")),
    "sort": _Options(("--output", "--compress-program"), "o"),
    "tar": _Options((
        "--to-command", "--checkpoint-action", "--use-compress-program", "--info-script",
        "--new-volume-script", "--rsh-command",
    ), "IF"),
    "sed": _Options(("--in-place",), "i"),
    "cargo": _Options(("--config",)),
    "tree": _Options((), "o"),
}  # fmt: skip
_OF_SUBCOMMAND = {"grep": ("-O",), "rebase": ("-x",), "clone": ("-c", "-u"), "fetch": ("-u",)}
_COMPUTED = re.compile(r"\$\(|`|<\(|\{")
"""What can come to an option; a variable holds what it held before the line."""


def beyond(words: tuple[str, ...], raw: str) -> Iterator[str]:
    """The options that a rule has to name; `ANY` for one that only the shell will know."""
    name, rest = words[0].rsplit("/", 1)[-1], words[1:]
    if (options := _BEYOND.get(name)) is None:
        return
    if name == "git":
        own, rest = split(rest)
        yield from ("-c" for word in own if word.startswith("-c"))  # many settings name a program
        yield from filter(None, (_option(word, options, "") for word in own))
    sub = next((word for word in rest if not word.startswith("-")), "")
    computed = bool(_COMPUTED.search(raw))
    for word in rest:
        if word == "--" and name != "find":
            return
        if word.startswith(ANY) and computed:
            yield ANY
        elif option := _option(word, options, sub):
            yield option


def _option(word: str, options: _Options, sub: str) -> str:
    """The option of the table that a word is, or is short for."""
    given = word.split("=", 1)[0]
    for long in options.long:
        if given == long or (len(given) > 2 and long.startswith("--") and long.startswith(given)):
            return long
    letters = re.match(r"-([A-Za-z]+)", word)
    short = next((f"-{x}" for x in (letters[1] if letters else "") if x in options.short), "")
    return short or next((s for s in _OF_SUBCOMMAND.get(sub, ()) if word.startswith(s)), "")


def names(pattern: str, option: str) -> bool:
    """Whether a pattern is about an option; one of a star alone is about everything."""
    if pattern == "*" or "*" not in pattern:
        return True
    return option != ANY and any(word.startswith(option) for word in pattern.split())
