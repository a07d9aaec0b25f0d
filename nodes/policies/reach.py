"""Everything a command line runs, as far as a rule that forbids must see it.

Programs that run other programs are looked through, and one thing has several spellings here:
`/bin/rm x`, `command rm x` and `sh -c 'rm x'` all run `rm x`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ml_intern.nodes.policies.git import split
from ml_intern.nodes.policies.shell import take_apart
from ml_intern.nodes.policies.words import ANY

Words = tuple[str, ...]

_DEEP = 6
"""Shells within shells above which a line is not understood."""
_PREFIXES = {
    "sudo": 0, "doas": 0, "env": 0, "nohup": 0, "nice": 0, "ionice": 0, "time": 0, "setsid": 0,
    "stdbuf": 0, "command": 0, "builtin": 0, "exec": 0, "xargs": 0, "strace": 0, "chronic": 0,
    "unbuffer": 0, "caffeinate": 0, "busybox": 0, "timeout": 1, "flock": 1, "chroot": 1,
    "taskset": 1, "chrt": 1, "pkexec": 0, "systemd-run": 0, "unshare": 0, "numactl": 0,
    "prlimit": 0, "xvfb-run": 0, "fakeroot": 0, "ltrace": 0, "srun": 0, "uvx": 0, "npx": 0,
}  # fmt: skip
"""Programs that run their arguments, and how many words stand before those."""
_VALUELESS = {
    "sudo": "EHSbiknsA", "env": "i0v", "xargs": "0rtpx", "time": "pv", "command": "p", "exec": "cl",
}  # fmt: skip
"""Their options that surely take no value."""
_RUN = frozenset({"uv", "poetry", "pipenv", "pdm", "hatch", "pixi", "rye", "conda", "mamba"})
"""Those that do behind the word `run`."""
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})
_RUN_TEXT = frozenset({"eval", "trap", "watch", "ssh", "su"})
_OPAQUE = frozenset({
    "alias", "enable", "hash", "coproc", "bind", "complete", "compgen", "parallel", "script",
})  # fmt: skip
"""What gives words another meaning, or runs text in ways not followed here."""
_READINGS = 10
"""Readings of one line above which it is not understood."""
_EXEC = ("-exec", "-execdir", "-ok", "-okdir")
_DASH_C = re.compile(r"-[A-Za-z]*c[A-Za-z]*")
_CALLS = re.compile(r"-[A-Za-z]*C")
_ATTACHED = re.compile(r"--[a-z-]+=.*|-[A-Za-z][^A-Za-z-].*", re.DOTALL)
"""An option with its value."""
_ASSIGNMENT = re.compile(r"\w+\+?=")


class _Hidden(Exception):
    """Something is run that cannot be seen."""


@lru_cache(maxsize=256)
def reached(text: str) -> tuple[Words, ...] | None:
    """Every command that a line runs, in each of its spellings; None if that cannot be told."""
    try:
        return tuple(_of_line(text, _DEEP))
    except _Hidden:
        return None


def _of_line(text: str, depth: int) -> Iterator[Words]:
    line = take_apart(text) if depth and ANY not in text else None
    if line is None:
        raise _Hidden
    for command in line.commands:
        yield from _spellings(command.words, depth)


def _spellings(words: Words, depth: int) -> Iterator[Words]:
    first = words[0] if words else ""
    if not depth or not first or ANY in first or first == "{}":
        raise _Hidden
    yield words
    name = first.rsplit("/", 1)[-1]
    if name != first:
        yield (name, *words[1:])
    if name in _OPAQUE or (name in ("mapfile", "readarray") and any(map(_CALLS.match, words))):
        raise _Hidden
    yield from _inside(name, words[1:], depth - 1)


def _inside(name: str, rest: Words, depth: int) -> Iterator[Words]:
    if name in _PREFIXES:
        yield from _prefixed(name, rest, depth)
    elif name in _RUN and "run" in rest:
        yield from _prefixed("nohup", rest[rest.index("run") + 1 :], depth)
    elif name in _SHELLS:
        yield from _shell(rest, depth)
    elif name in _RUN_TEXT:
        yield from _text(name, rest, depth)
    elif name == "find":
        yield from _found(rest, depth)
    elif name in ("source", "."):
        _check_script(rest)
    elif name == "git":
        own, command = split(rest)
        yield from [("git", *command)] if own and command else ()


def _prefixed(name: str, rest: Words, depth: int) -> Iterator[Words]:
    """What is run after the options. Each may have a value, so there are several readings."""
    if name == "env" and any(word.startswith(("-S", "--split")) for word in rest):
        raise _Hidden
    if name == "command" and rest[:1] in (("-v",), ("-V",)):
        return  # it only tells where the command is
    more = (ANY,) if name == "xargs" else ()
    spare = _PREFIXES[name]
    for at, word in enumerate(rest):
        if _ASSIGNMENT.match(word) or (name == "time" and word == "!"):
            continue
        if word.startswith("-"):
            spare += bool(
                word.strip("-" + _VALUELESS.get(name, "")) and not _ATTACHED.fullmatch(word)
            )
            if name == "flock" and word in ("-c", "--command"):
                yield from _of_line(" ".join(rest[at + 1 :]), depth)
            continue
        yield from _reading((*rest[at:], *more), depth, sure=not spare)
        if not spare:
            return
        spare -= 1


def _reading(words: Words, depth: int, *, sure: bool) -> Iterator[Words]:
    """One reading of a command; where others are left, a strange one is only passed over."""
    plausible = words[0] and ANY not in words[0] and re.match(r"[A-Za-z_./~]", words[0])
    if sure or plausible:
        yield from _spellings(words, depth)
    elif ANY in words[0]:
        raise _Hidden


def _shell(rest: Words, depth: int) -> Iterator[Words]:
    """A shell's `-c` text; a script it is given is a program like any other."""
    at = next((i for i, word in enumerate(rest) if _DASH_C.fullmatch(word)), None)
    if at is None:
        if "-s" in rest:
            raise _Hidden
        _check_script(rest)
    elif len(rest) == at + 1 or rest[at + 1].startswith(("-", "+")):
        raise _Hidden
    else:
        yield from _of_line(rest[at + 1], depth)


def _check_script(rest: Words) -> None:
    script = next((word for word in rest if not word.startswith(("-", "+"))), "")
    if not script or ANY in script or script.startswith(("/dev/", "/proc/")):
        raise _Hidden  # what it reads is what it does


def _text(name: str, rest: Words, depth: int) -> Iterator[Words]:
    """Words that are joined, and run as a line."""
    words = list(rest)
    if name == "trap":
        yield from _of_line(words[0], depth) if len(words) > 1 else ()
    elif name == "su":
        if not words or not any(word in ("-c", "--command") for word in words[:-1]):
            raise _Hidden
        at = next(i for i, word in enumerate(words) if word in ("-c", "--command"))
        yield from _of_line(words[at + 1], depth)
    elif name == "eval":
        yield from _of_line(" ".join(words), depth)
    else:
        yield from _joined(words, depth, skip=int(name == "ssh"))


def _joined(words: list[str], depth: int, *, skip: int) -> Iterator[Words]:
    """As for prefixes: each option may have taken a word."""
    spare = skip
    for at, word in enumerate(words):
        if at > _READINGS:
            raise _Hidden
        if word.startswith("-"):
            spare += 1
            continue
        if not spare or at >= skip:
            line = " ".join(words[at:])
            if ANY in line or take_apart(line) is None:
                raise _Hidden
            yield from _of_line(line, depth)
        if not spare:
            return
        spare -= 1


def _found(rest: Words, depth: int) -> Iterator[Words]:
    """What `find` runs."""
    for at, word in enumerate(rest):
        if word in _EXEC:
            inner = rest[at + 1 :]
            ends = [i for i, w in enumerate(inner) if w == ";" or (w == "+" and i)]
            command = inner[: ends[0]] if ends else inner
            filled = tuple(w.replace("{}", ANY) for w in command)
            yield from _spellings(filled, depth)
