"""Skills: folders with a SKILL.md, listed to the model by name and read by it on demand."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ml_intern.configs.instructions import Level
from ml_intern.configs.paths import user_folder
from ml_intern.configs.project import Project, UnusableError, home, read_own, read_theirs

FILE = "SKILL.md"
PLACES = (Path(".agents") / "skills", Path(".claude") / "skills")
"""In a project's folders and in the user's home."""
MOST_SKILLS = 100
_MOST_ENTRIES = 1000
"""Folders that are looked at in one place."""
_MOST_NOTES = 5
"""Broken skills that are named."""
_HEAD = 16 * 1024
"""Bytes of a SKILL.md within which its front matter must end."""
_DESCRIPTION = 400
"""Characters of a description that are listed: enough to tell when the skill is of use."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""As agentskills.io has it, in up to 64 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """One skill, as it is listed."""

    name: str
    description: str
    """On one line, at most `_DESCRIPTION` characters."""
    path: Path
    """Of its SKILL.md."""
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSkills:
    """In the order of their names."""

    skills: tuple[Skill, ...]
    problems: tuple[str, ...]
    """What is there and was not taken."""


@dataclass(frozen=True, slots=True)
class _Place:
    folder: Path
    """That holds a folder a skill."""
    level: Level
    of: Path
    """The project's folder, or the user's, that it belongs to."""


def find_skills(project: Project, environ: Mapping[str, str]) -> FoundSkills:
    """The skills for work in a project; of those with one name the nearest. Blocks."""
    found: dict[str, Skill] = {}
    problems: list[str] = []
    left_out = 0
    for place in _places(project, environ):
        for folder in _folders(place.folder, problems):
            try:
                skill = _skill(folder / FILE, place, project)
            except UnusableError as error:
                problems.append(f"The skill {folder / FILE} was left out: {error}.")
                continue
            if skill is None or skill.name in found:
                continue
            if len(found) == MOST_SKILLS:
                left_out += 1
                continue
            found[skill.name] = skill
    if len(problems) > _MOST_NOTES:
        problems[_MOST_NOTES:] = [f"So were {len(problems) - _MOST_NOTES} others."]
    if left_out:
        problems.append(f"{left_out} skills beyond the first {MOST_SKILLS} are not listed.")
    ordered = sorted(found.values(), key=lambda skill: skill.name)
    return FoundSkills(skills=tuple(ordered), problems=tuple(problems))


def _places(project: Project, environ: Mapping[str, str]) -> Iterator[_Place]:
    """Nearest first; a folder that is the user's own is not a project's."""
    own = [user_folder(environ) / "skills"]
    if (top := home()) is not None:
        own += [top / place for place in PLACES]
    for folder in project.folders:
        for place in (folder / place for place in PLACES):
            if place not in own:
                yield _Place(place, "project", folder)
    for place in own:
        yield _Place(place, "user", place)


def _folders(place: Path, problems: list[str]) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            names = [entry.name for _, entry in zip(range(_MOST_ENTRIES), entries, strict=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        problems.append(f"The skills in {place} cannot be read: {error.strerror or error}.")
        return []
    return [place / name for name in sorted(names)]


def _skill(path: Path, place: _Place, project: Project) -> Skill | None:
    """The skill of a SKILL.md; None if there is no such file.

    Raises:
        UnusableError: it cannot be read, or is not one.
    """
    if place.level == "project":
        text = read_theirs(path, _HEAD, project, place.of)
    else:
        text = read_own(path, _HEAD)
    if text is None:
        return None
    values = _front_matter(text.text)
    if not str(path).isprintable():
        raise UnusableError("its path has characters that cannot be shown")
    name, description = values.get("name"), values.get("description")
    if not isinstance(name, str) or len(name) > 64 or not _NAME.fullmatch(name):
        raise UnusableError("its `name` must be 1 to 64 lower-case letters, digits and hyphens")
    if not isinstance(description, str) or not description.strip():
        raise UnusableError("it has no `description`")
    return Skill(name=name, description=_line(description), path=path, level=place.level)


@lru_cache(maxsize=2 * MOST_SKILLS)
def _front_matter(text: str) -> dict[Any, Any]:
    """Kept, as a start asks for it more than once and YAML takes a millisecond."""
    lines = text.splitlines()
    if not lines or lines[0].rstrip() != "---":
        raise UnusableError("it does not begin with a line `---` and YAML after it")
    ends = (n for n, line in enumerate(lines[1:], start=1) if line.rstrip() in ("---", "..."))
    if (end := next(ends, None)) is None:
        raise UnusableError("no line `---` ends its front matter")
    import yaml

    written = "\n".join(lines[1:end])
    try:
        # Merged into one another (`<<: [*a, *a]`), a few hundred bytes of aliases fill the memory.
        if "*" in written and any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(written)):
            raise UnusableError("its front matter has an alias (`*name`), which is not read")
        values = yaml.safe_load(written)
    except (yaml.YAMLError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise UnusableError(f"its front matter is not valid YAML{_where(error)}") from error
    if not isinstance(values, dict):
        raise UnusableError("its front matter has no `name` and `description`")
    return values


def _where(error: Exception) -> str:
    mark, why = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f" (line {mark.line + 2}: {why})" if mark else ""


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _DESCRIPTION else f"{line[: _DESCRIPTION - 1]}…"
