"""AGENTS.md, or CLAUDE.md where there is none: the project's nearest one, and the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ml_intern.configs.paths import user_folder
from ml_intern.configs.project import Project, Text, UnusableError, read_own, read_theirs

NAMES = ("AGENTS.md", "CLAUDE.md")
"""In the order in which they are looked for in each folder."""
MOST = 32 * 1024
"""Bytes of a file that go into the system prompt."""

Level = Literal["user", "project"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """A file that was taken."""

    level: Level
    """Whose words they are; a project's are of lesser trust."""
    path: Path
    text: str
    size: int
    """Bytes of the whole file."""
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundInstructions:
    """The user's first, then the project's."""

    files: tuple[Instructions, ...]
    problems: tuple[str, ...]
    """What is there and was not taken, or not all of it."""


def find_instructions(project: Project, environ: Mapping[str, str]) -> FoundInstructions:
    """The instructions for work in a project. Blocks."""
    problems: list[str] = []
    own = _own(user_folder(environ), problems)
    theirs = _theirs(project, problems, own)
    files = [found for found in (own, theirs) if found]
    problems += [_shortened(found) for found in files if found.cut]
    return FoundInstructions(files=tuple(files), problems=tuple(problems))


def _own(folder: Path, problems: list[str]) -> Instructions | None:
    path = folder / NAMES[0]
    try:
        text = read_own(path, MOST)
    except UnusableError as error:
        problems.append(f"{path} was not read: {error}.")
        return None
    return _made("user", path, text)


def _theirs(project: Project, problems: list[str], own: Instructions | None) -> Instructions | None:
    for folder in project.folders:
        for path in (folder / name for name in NAMES):
            if own and _same(path, own.path):
                continue
            try:
                text = read_theirs(path, MOST, project, folder)
            except UnusableError as error:
                problems.append(f"{path} was not read: {error}.")
                continue
            if made := _made("project", path, text):
                return made
    return None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _made(level: Level, path: Path, text: Text | None) -> Instructions | None:
    """None for a file that is not there or empty."""
    if text is None or not text.text.strip():
        return None
    return Instructions(level=level, path=path, text=text.text, size=text.size, cut=text.cut)


def _shortened(found: Instructions) -> str:
    return (
        f"{found.path} has {found.size:,} bytes; the model is told the first {MOST:,}, "
        "and where the rest is."
    )
