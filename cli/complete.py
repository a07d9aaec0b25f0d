"""Completion in the input line: commands, what follows them, and paths after `@`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from ml_intern.cli.commands import COMMANDS
from ml_intern.cli.safe import safe

_MOST = 200
"""Entries of a folder that are offered."""

Choices = Callable[[], Iterable[tuple[str, str]]]
"""Words that may follow a command, each with what is said beside it; called in a thread."""


class Completions(Completer):
    """What may be meant; `choices` by the command's first name."""

    def __init__(self, cwd: Callable[[], Path], choices: Mapping[str, Choices]) -> None:
        self._cwd = cwd
        self._choices = choices

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Completions of the word before the cursor."""
        line, word = document.text_before_cursor, _word(document.text_before_cursor)
        if word.startswith("@"):
            return paths(word[1:], self._cwd())
        if not line.startswith("/") or "\n" in line:
            return ()
        command, space, rest = line.partition(" ")
        if not space:
            return _commands(command)
        return () if " " in rest else self._arguments(command, rest)

    def _arguments(self, command: str, begun: str) -> Iterator[Completion]:
        if choices := self._choices.get(command.lower()):
            for word, about in choices():
                if begun.lower() in word.lower():
                    yield Completion(
                        word, -len(begun), display=safe(word), display_meta=safe(about)
                    )


def _word(text: str) -> str:
    return "" if not text or text[-1].isspace() else text.split()[-1]


def _commands(begun: str) -> Iterator[Completion]:
    for command in COMMANDS:
        name = command.names[0]
        if name.startswith(begun.lower()):
            yield Completion(name, -len(begun), display_meta=command.help)


def paths(begun: str, cwd: Path) -> Iterator[Completion]:
    """Entries of the folder that `begun` names so far; hidden ones only if asked for."""
    folder, _, start = begun.rpartition("/")
    try:
        where = cwd / Path(f"{folder}/").expanduser() if folder or begun.startswith("/") else cwd
        with os.scandir(where) as entries:
            found = sorted(_matching(entries, start), key=lambda one: one[0].lower())
    except (OSError, RuntimeError, ValueError):
        return
    for name, is_folder in found[:_MOST]:
        shown = f"{name}/" if is_folder else name
        yield Completion(shown, -len(start), display=safe(shown))


def _matching(entries: Iterable[os.DirEntry[str]], start: str) -> Iterator[tuple[str, bool]]:
    for entry in entries:
        name = entry.name
        hidden = name.startswith(".") and not start.startswith(".")
        if not hidden and name.lower().startswith(start.lower()) and name.isprintable():
            try:
                yield name, entry.is_dir()
            except OSError:
                yield name, False
